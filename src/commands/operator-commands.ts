import type { Command } from 'commander';
import { check } from './check.js';
import { exitCodesHelp } from './exit-codes-help.js';
import type { Session } from './session.js';
import { withSettings } from './setting-options.js';
import { showEffective, showReference } from './show-config.js';

/** The commands by which an operator looks at Pollard: none of them collects. */
export function addOperatorCommands(program: Command, session: Session): void {
  addCheck(program, session);
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
  sudo -u pollard pollard check --config /etc/pollard/pollard.yaml     as the user that the service runs as
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
      const flags = { json: options.json === true, ascii: options.ascii === true };
      session.end(await check(() => session.load(command), flags, session.output, session.env));
    });
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
      if (options.effective === true) session.end(showEffective(await session.load(command), output));
      else session.end(showReference(output));
    });
}
