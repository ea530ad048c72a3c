import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a process used from its start to its end. */
export interface Usage {
  /** User and system. */
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
}

export interface Ended extends Usage {
  /** From its start until it was gone, start-up included. */
  readonly wallSeconds: number;
  readonly stdout: string;
}

export interface MeasuredOptions {
  /** An empty folder of its own; the process runs in it. */
  readonly folder: string;
  readonly nodeFlags?: readonly string[];
  /** Characters of standard error to keep, the last ones; default 10,000. */
  readonly keep?: number;
}

const REPORT = new URL('report-usage.mjs', import.meta.url).href;

/** The repository's root. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A program of Node.js that is measured from its start to its end. */
export class MeasuredProcess {
  readonly #child: ChildProcess;
  readonly #usageFile: string;
  readonly #begun = performance.now();
  readonly #ended: Promise<number | null>;
  #stdout = '';
  #stderr = '';

  constructor(program: string, args: readonly string[], options: MeasuredOptions) {
    const { folder, nodeFlags = [], keep = 10_000 } = options;
    this.#usageFile = join(folder, 'usage');
    this.#child = spawn(process.execPath, [...nodeFlags, '--import', REPORT, program, ...args], {
      cwd: folder,
      // No settings of whoever measures: POLLARD_ and DOCKER_ stay out.
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        TZ: 'UTC',
        BENCH_USAGE_FILE: this.#usageFile,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (piece: Buffer) => (this.#stdout += piece.toString('utf8')));
    this.#child.stderr?.on('data', (piece: Buffer) => {
      this.#stderr = (this.#stderr + piece.toString('utf8')).slice(-keep);
    });
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', resolve);
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the process was not started');
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it wrote to standard error last. */
  get lastWords(): string {
    return this.#stderr;
  }

  /** What it wrote to standard output so far. */
  get said(): string {
    return this.#stdout;
  }

  /** Where SIGUSR2 writes the heap behind a collection, with `--expose-gc`: `ms since 1970` and bytes a line. */
  get heapFile(): string {
    return `${this.#usageFile}.heap`;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Waits for its end. @throws Error with its last words when it does not end well */
  async ended(): Promise<Ended> {
    const code = await this.#ended;
    const wallSeconds = (performance.now() - this.#begun) / 1000;
    if (code !== 0) throw new Error(`a measured process ended with ${code}: ${this.#stderr}${this.#stdout}`);
    const usage = JSON.parse(readFileSync(this.#usageFile, 'utf8')) as Usage;
    return { ...usage, wallSeconds, stdout: this.#stdout };
  }

  /** Asks it to end, and waits for that. */
  async stop(): Promise<Ended> {
    this.signal('SIGTERM');
    return await this.ended();
  }

  /** Ends it at once, in whatever state it is. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#ended.catch(() => undefined);
  }
}
