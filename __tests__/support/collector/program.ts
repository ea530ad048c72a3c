import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../until.js';

/** The built program. */
export const PROGRAM = fileURLToPath(new URL('../../../dist/bin/pollard.js', import.meta.url));

/** What `log.format: json` prints, one object a line. */
export interface LogRecord {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProgramOptions {
  /** Beside PATH, HOME and TZ. */
  readonly env?: Readonly<Record<string, string>>;
  /** What is typed before it, such as `setpriv` and its options. */
  readonly before?: readonly string[];
}

/** One process of the built program, as an operator starts it. */
export class Program {
  readonly #child: ChildProcess;
  readonly #records: LogRecord[] = [];
  #stdout = '';
  #stderr = '';
  #unfinished = '';
  #ending: Ending | undefined;
  /** Resolves when the process is gone and all that it said was read. */
  readonly ended: Promise<Ending>;

  constructor(args: readonly string[], { env: more = {}, before = [] }: ProgramOptions = {}) {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is not there. Run: make build`);
    // Of the environment only what node itself may need: POLLARD_ and DOCKER_ settings are the test's business.
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], TZ: 'UTC', ...more };
    const [command, ...words] = [...before, process.execPath, PROGRAM, ...args] as [string, ...string[]];
    this.#child = spawn(command, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => resolve((this.#ending = { code, signal })));
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get running(): boolean {
    return this.#ending === undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** What it logged so far. */
  get records(): readonly LogRecord[] {
    return this.#records;
  }

  /** What it logged at one of these levels. */
  said(...levels: string[]): LogRecord[] {
    return this.#records.filter(({ level }) => levels.includes(level));
  }

  /** Waits for a message that contains this text. */
  async logged(text: string): Promise<LogRecord> {
    const found = () => this.#records.find(({ message }) => message.includes(text));
    await until(`the program logs "${text}"`, () => found() !== undefined, {
      hopeless: () => (this.#ending ? `it ended: ${this.lastWords()}` : undefined),
      instead: () => this.lastWords(),
    });
    return found() as LogRecord;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** As an operator stops it. */
  async stop(): Promise<Ending> {
    this.signal('SIGTERM');
    return await this.ended;
  }

  /** kill -9 */
  async kill(): Promise<Ending> {
    this.signal('SIGKILL');
    return await this.ended;
  }

  /** Where its open file descriptors lead to, by number: `socket:[123]`, `/path`, `anon_inode:[eventpoll]`. */
  descriptors(): Map<number, string> {
    const folder = `/proc/${this.pid}/fd`;
    const open = new Map<number, string>();
    for (const name of readdirSync(folder)) {
      try {
        open.set(Number(name), readlinkSync(join(folder, name)));
      } catch {
        // Closed meanwhile.
      }
    }
    return open;
  }

  /** The end of what it printed, for error messages. */
  lastWords(): string {
    return `${this.#stdout.slice(-500)}${this.#stderr.slice(-3000)}`;
  }

  #hear(text: string): void {
    this.#stderr += text;
    const lines = (this.#unfinished + text).split('\n');
    this.#unfinished = lines.pop() as string;
    for (const line of lines) {
      // Errors that end a command, and notices of node, are for people.
      if (line.startsWith('{')) this.#records.push(JSON.parse(line) as LogRecord);
    }
  }
}
