import type { Command } from 'commander';
import { exitCodesHelp } from './exit-codes-help.js';
import type { Session } from './session.js';
import { withSettings } from './setting-options.js';
import { showEffective, showReference } from './show-config.js';

/** The commands by which an operator looks at Pollard: none of them collects. */
export function addOperatorCommands(program: Command, session: Session): void {
  addConfig(program, session);
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
