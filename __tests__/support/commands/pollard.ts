import { main } from '../../../src/commands/program.js';
import { recordedOutput, type TerminalSize } from './recorded-output.js';

export interface PollardRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, for what must be in neither. */
  readonly all: string;
}

export interface PollardOptions {
  /** Besides that of the test. Undefined takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly terminal?: TerminalSize;
}

/** Runs one command line to its end, as the executable does, in this process. */
export async function pollard(args: readonly string[], options: PollardOptions = {}): Promise<PollardRun> {
  const output = recordedOutput(options.terminal);
  const before = new Map(Object.keys(options.env ?? {}).map((name) => [name, process.env[name]]));
  setEnvironment(Object.entries(options.env ?? {}));
  try {
    const code = await main(['node', 'pollard', ...args], output);
    return { code, stdout: output.stdout(), stderr: output.stderr(), all: output.all() };
  } finally {
    setEnvironment(before);
  }
}

function setEnvironment(variables: Iterable<readonly [string, string | undefined]>): void {
  for (const [name, value] of variables) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
}
