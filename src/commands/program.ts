import { Command, CommanderError } from 'commander';
import { ExitCode } from '../model/exit-codes.js';
import { catchUp } from './catch-up.js';
import { DEFAULT_CONTAINERS, DEFAULT_RATE, readDemoOptions, type DemoTexts } from './demo/options.js';
import { demo } from './demo.js';
import type { Output } from './output.js';
import { printError } from './print-error.js';
import { run } from './run.js';
import { configOf, withSettings } from './setting-options.js';
import { version } from './version.js';

const EXIT_CODES = `
Exit codes:
  0 done   1 fault of Pollard   2 usage or configuration   3 Engine   4 Loki   5 locked by another process
  6 partly done   7 lines are missing   8 state directory   130 second signal`;

/**
 * The command line.
 *
 * @param argv as process.argv
 * @returns the exit code
 */
export async function main(argv: readonly string[], output: Output): Promise<number> {
  let code: number = ExitCode.ok;
  const program = buildProgram(output, (ended) => {
    code = ended;
  });
  try {
    await program.parseAsync(argv);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
    return printError(error, output.err);
  }
}

function buildProgram(output: Output, end: (code: number) => void): Command {
  const program = new Command('pollard')
    .description('Docker logs to Grafana Loki by polling: no stream is ever held.')
    .version(version)
    .showHelpAfterError('(pollard --help tells what there is)')
    .showSuggestionAfterError()
    .addHelpText('after', EXIT_CODES)
    .configureOutput({
      writeOut: (text) => output.out.write(text),
      writeErr: (text) => output.err.write(text),
    })
    .exitOverride();

  withSettings(program.command('run'))
    .description('Collect until stopped: the service.')
    .addHelpText('after', '\nExample:\n  pollard run --config /etc/pollard/pollard.yaml')
    .action(async (_options, command: Command) => {
      end(await run(await configOf(command, process.env), commandLine('run')));
    });

  withSettings(program.command('catch-up'))
    .description('Collect from the cursors to now, once, and end when Loki has acknowledged it.')
    .option('--json', 'print the summary as one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  pollard catch-up --loki-url http://loki:3100\n  */5 * * * * pollard catch-up --config /etc/pollard/pollard.yaml >/dev/null',
    )
    .action(async (options: { json?: boolean }, command: Command) => {
      const config = await configOf(command, process.env);
      end(await catchUp(config, commandLine('catch-up'), { json: options.json === true }, output));
    });

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
      end(await demo(readDemoOptions(texts), process.env, output));
    });
  return program;
}

/** For whoever finds the state directory locked. Without the flags, which may hold secrets. */
function commandLine(name: string): string {
  return `pollard ${name}`;
}
