import { Command, CommanderError } from 'commander';
import { ExitCode } from '../model/exit-codes.js';
import { addAuditCommands } from './audit-commands.js';
import { addBackfillCommands } from './backfill-command.js';
import { DEFAULT_CONTAINERS, DEFAULT_RATE, readDemoOptions, type DemoTexts } from './demo/options.js';
import { helpAsFlag } from './help-command.js';
import { CATCH_UP_HELP, EXIT_CODES, RUN_HELP } from './help-texts.js';
import { MAX_DURATION_OPTION, readMaxDuration } from './max-duration.js';
import { addOperatorCommands } from './operator-commands.js';
import type { Output } from './output.js';
import { printError } from './print-error.js';
import { Session } from './session.js';
import { withSettings } from './setting-options.js';
import { usageError } from './usage-error.js';
import { version } from './version.js';

/**
 * The command line. Of the commands only the one that was called is loaded: the others, and the simulators behind
 * `demo`, would cost each run a third of a second and 12 MiB.
 *
 * @param argv as process.argv
 * @returns the exit code
 */
export async function main(argv: readonly string[], output: Output): Promise<number> {
  const session = new Session(output, process.env);
  const program = buildProgram(session);
  try {
    await program.parseAsync([...argv.slice(0, 2), ...helpAsFlag(program, argv.slice(2))]);
    return session.code;
  } catch (error) {
    if (!(error instanceof CommanderError)) return printError(error, output.err, session.secrets);
    return error.exitCode === 0 ? ExitCode.ok : printError(usageError(error, program, argv), output.err);
  }
}

interface CatchUpTexts {
  readonly json?: boolean;
  readonly maxDuration: string;
  readonly skipIfLocked?: boolean;
}

function buildProgram(session: Session): Command {
  const { output, env } = session;
  const end = (code: number): void => session.end(code);
  const program = new Command('pollard')
    .description('Docker logs to Grafana Loki by polling: no stream is ever held.')
    .version(version)
    // An option belongs to the command before it: both `backfill` and `backfill list` have settings.
    .enablePositionalOptions()
    .addHelpText('after', EXIT_CODES)
    .configureOutput({
      writeOut: (text) => output.out.write(text),
      writeErr: (text) => output.err.write(text),
      // main says it, and says more.
      outputError: () => undefined,
    })
    .exitOverride();

  withSettings(program.command('run'))
    .description('Collect until stopped: the service.')
    .addHelpText('after', RUN_HELP)
    .action(async (_options, command: Command) => {
      const { run } = await import('./run.js');
      end(await run(await session.config(command), commandLine('run'), output));
    });

  withSettings(program.command('catch-up'))
    .description('Collect from the cursors to now, once, and end when Loki has acknowledged it.')
    .option('--json', 'print the summary as one JSON object')
    .option(...MAX_DURATION_OPTION)
    .option(
      '--skip-if-locked',
      'when another process holds the state directory: nothing is done, exit code 0',
    )
    .addHelpText('after', CATCH_UP_HELP)
    .action(async (options: CatchUpTexts, command: Command) => {
      const { catchUp } = await import('./catch-up.js');
      const flags = {
        json: options.json === true,
        maxDuration: readMaxDuration(options.maxDuration),
        skipIfLocked: options.skipIfLocked === true,
      };
      end(await catchUp(await session.config(command), commandLine('catch-up'), flags, output));
    });

  addBackfillCommands(program, session);

  program
    .command('demo')
    .description('Collect for a while, live, and reconcile: every line written against every line in Loki.')
    .option('--seconds <n>', 'end by itself after so long; default: with Ctrl-C')
    .option('--containers <n>', `simulated ones; default: ${DEFAULT_CONTAINERS}`)
    .option('--rate <n>', `lines a second that they write, beside bursts; default: ${DEFAULT_RATE}`)
    .option('--seed <n>', 'of what they say and do; default: 1')
    .option('--docker-host <address>', 'the Engine; default: DOCKER_HOST or its usual socket, if it answers')
    .option('--loki-url <url>', 'Loki; default: LOKI_URL, if it answers')
    .option('--simulate', 'only simulators, whatever there is')
    .addHelpText(
      'after',
      '\nWhere there is no Engine or no Loki, a simulated one stands in. Exit code 0 only if the account holds.' +
        '\n\nExamples:\n  pollard demo --seconds 20\n  LOKI_URL=http://loki:3100 pollard demo',
    )
    .action(async (texts: DemoTexts) => {
      const { demo } = await import('./demo.js');
      end(await demo(readDemoOptions(texts), env, output));
    });
  addAuditCommands(program, session);
  addOperatorCommands(program, session);
  return program;
}

/** For whoever finds the state directory locked. Without the flags, which may hold secrets. */
function commandLine(name: string): string {
  return `pollard ${name}`;
}
