import type { Command } from 'commander';
import { parseDuration } from '../config/values.js';
import { PollardError } from '../model/errors.js';
import { addCursorCommands } from './cursor-commands.js';
import { exitCodesHelp } from './exit-codes-help.js';
import type { Session } from './session.js';
import { withSettings } from './setting-options.js';

/** The commands by which an operator looks at Pollard: none of them collects. */
export function addOperatorCommands(program: Command, session: Session): void {
  addCheck(program, session);
  addStatus(program, session);
  addCursorCommands(program, session);
  addConfig(program, session);
}

function addCheck(program: Command, session: Session): void {
  withSettings(program.command('check'))
    .description('Try out configuration, Engine, Loki and state directory; say what would be collected.')
    .option('--json', 'print the report as one JSON object')
    .option('--ascii', 'ok and FAILED instead of ticks and crosses')
    .addHelpText(
      'after',
      `
Examples:
  runuser -u pollard -- pollard check --config /etc/pollard/pollard.yaml     as the user that the service runs as
  pollard check --json | jq '.parts[] | select(.state == "failed")'

Nothing is changed by it: no line is stored, no cursor moved, no directory made, a running service not disturbed.
${exitCodesHelp({
  ok: 'all parts are as they must be; there may be warnings',
  failure: true,
  usage: 'the configuration is refused, or a file or an address that it names cannot be used',
  engine: true,
  loki: true,
  state: true,
  interrupted: 'interrupted by a signal',
})}
When several parts fail, it is the code of the first.`,
    )
    .action(async (options: { json?: boolean; ascii?: boolean }, command: Command) => {
      const { check } = await import('./check.js');
      const flags = { json: options.json === true, ascii: options.ascii === true };
      session.end(await check(() => session.load(command), flags, session.output, session.env));
    });
}

function addStatus(program: Command, session: Session): void {
  withSettings(program.command('status'))
    .description('Ask the running service how it is, and how each of its containers is.')
    .option('--json', 'print what the service says, as one line of JSON')
    .option('--all', 'also the containers that are read to their end or removed')
    .option(
      '-w, --watch [interval]',
      'again and again, every 2s or as given, until Ctrl-C or the end of a pipe',
    )
    .addHelpText(
      'after',
      `
Examples:
  pollard status --config /etc/pollard/pollard.yaml
  pollard status --watch 5s
  pollard status --json | jq '.containers[] | select(.gaps > 0)'

The service is asked at status.listen, with the token of status.token_file, both as the configuration has them.
${exitCodesHelp({
  ok: 'it is healthy or degraded: it collects',
  failure: 'it is unhealthy, or cannot be asked',
  usage: 'bad flags, a configuration that is refused, or a status page that is switched off',
  interrupted: true,
})}`,
    )
    .action(async (options: StatusOptions, command: Command) => {
      const { status } = await import('./status.js');
      const config = await session.config(command);
      const flags = {
        json: options.json === true,
        all: options.all === true,
        watch: readInterval(options.watch),
      };
      session.end(await status(config, flags, session.output, session.env));
    });
}

interface StatusOptions {
  readonly json?: boolean;
  readonly all?: boolean;
  readonly watch?: string | true;
}

const WATCH_MS = 2000;
const WATCH_ALLOWED = 'a number of seconds, or a length of time such as 500ms or 5s, of 100ms and more';

/** ms; undefined: not watched. @throws PollardError `interval_invalid` */
function readInterval(written: string | true | undefined): number | undefined {
  if (written === undefined) return undefined;
  if (written === true) return WATCH_MS;
  const ms = parseDuration(/^\d+(?:\.\d+)?$/.test(written) ? `${written}s` : written);
  if (ms !== undefined && ms >= 100 && ms <= 86_400_000) return ms;
  throw new PollardError(
    'interval_invalid',
    `--watch: ${JSON.stringify(written.slice(0, 60))} is no interval`,
    {
      hint: `write ${WATCH_ALLOWED}`,
      setting: '--watch',
      exit: 'usage',
    },
  );
}

function addConfig(program: Command, session: Session): void {
  withSettings(program.command('config'))
    .description('Print every setting there is, or with --effective the configuration in force.')
    .option('--effective', 'what holds now, secrets masked, and where each value came from')
    .addHelpText(
      'after',
      `
Examples:
  pollard config > /etc/pollard/pollard.yaml      the reference, as a file to begin with
  pollard config --effective --config /etc/pollard/pollard.yaml
${exitCodesHelp({ ok: 'printed', usage: true })}`,
    )
    .action(async (options: { effective?: boolean }, command: Command) => {
      const { output } = session;
      const { showEffective, showReference } = await import('./show-config.js');
      if (options.effective === true) session.end(showEffective(await session.load(command), output));
      else session.end(showReference(output));
    });
}
