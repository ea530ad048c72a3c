import { Option, type Command } from 'commander';
import type { Place } from './cursors.js';
import { exitCodesHelp } from './exit-codes-help.js';
import type { Session } from './session.js';
import { withSettings } from './setting-options.js';

const READING = exitCodesHelp({
  ok: 'printed',
  failure: true,
  usage: 'bad flags, a configuration that is refused, or a container that has no cursor',
  state: 'the state directory cannot be read, such as for its owner',
});
const WRITING = {
  ok: 'it is on the disk',
  failure: true,
  usage: 'bad flags, a configuration that is refused, or a container that is not there',
  locked: 'a service owns the cursors: nothing was changed; stop it first',
  state: true,
} as const;

/** Adds `pollard cursors` with its commands. */
export function addCursorCommands(program: Command, session: Session): void {
  const cursors = program
    .command('cursors')
    .description('Look at the places up to which logs were delivered, or set one.')
    .addHelpText(
      'after',
      '\nlist and show may be used beside a running service; forget and reset need it stopped.\n' +
        'A container is called by its name, or by the beginning of its id.\n' +
        exitCodesHelp({ ...WRITING, ok: 'done', engine: 'reset: the Engine cannot be asked' }),
    );

  withSettings(cursors.command('list'))
    .description('All of them.')
    .option('--json', 'print them as one JSON object')
    .addHelpText('after', READING)
    .action(async (options: { json?: boolean }, command: Command) => {
      const { listCursors } = await import('./cursors.js');
      const config = await session.config(command);
      session.end(await listCursors(config, options.json === true, session.output, session.env));
    });

  withSettings(cursors.command('show <container>'))
    .description('One of them, with the entries by which its place is found again.')
    .option('--json', 'print it as one JSON object')
    .addHelpText(
      'after',
      `\nExamples:\n  pollard cursors show web\n  pollard cursors show 4c01db0b339c\n${READING}`,
    )
    .action(async (container: string, options: { json?: boolean }, command: Command) => {
      const { showCursor } = await import('./cursors.js');
      const config = await session.config(command);
      session.end(await showCursor(config, container, options.json === true, session.output));
    });

  withSettings(cursors.command('forget <containers...>'))
    .description('Remove cursors: their containers are begun anew, as the setting start says.')
    .addHelpText(
      'after',
      `\nExample:\n  systemctl stop pollard && pollard cursors forget web && systemctl start pollard\n${exitCodesHelp(WRITING)}`,
    )
    .action(async (containers: string[], _options: object, command: Command) => {
      const { forgetCursors } = await import('./cursors.js');
      session.end(await forgetCursors(await session.config(command), containers, session.output));
    });

  withSettings(cursors.command('reset <container>'))
    .description("Begin again at the beginning of a container's log, or behind its end as it is now.")
    .addOption(new Option('--to <place>', 'where to').choices(['beginning', 'end']).makeOptionMandatory())
    .addHelpText(
      'after',
      `
Examples:
  pollard cursors reset web --to end            what was written up to now is not collected
  pollard cursors reset web --to beginning      everything is sent again

Of what is sent again Loki folds the lines that it has; those far behind the newest of their stream it refuses,
also when it has them: they go to the rejected-lines file. To fill a hole, use pollard verify --repair.
${exitCodesHelp({ ...WRITING, engine: true })}`,
    )
    .action(async (container: string, options: { to: Place }, command: Command) => {
      const { resetCursor } = await import('./cursors.js');
      const config = await session.config(command);
      session.end(await resetCursor(config, container, options.to, session.output));
    });
}
