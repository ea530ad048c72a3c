import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** Linux reports processor time to programs in this unit on every architecture (USER_HZ, man 7 time). */
const TICKS_PER_SECOND = 100;

/** One daemon that a test started: its process, its end, and what it used of the processor. */
export class DaemonProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #logFile: string;
  #exited = false;

  /** Starts it in a session of its own, so that an interrupt of the tests does not hit it before them. */
  constructor(name: string, args: readonly string[], env: NodeJS.ProcessEnv, logFile: string) {
    this.name = name;
    this.#logFile = logFile;
    const log = openSync(logFile, 'a');
    try {
      this.#child = spawn(name, args, { env, detached: true, stdio: ['ignore', log, log] });
    } finally {
      closeSync(log);
    }
    this.#child.on('exit', () => (this.#exited = true));
    this.#child.on('error', () => (this.#exited = true));
    // A test run that ends without stopping its engine must be able to end; the sweep then cleans up.
    this.#child.unref();
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.name} was not started: ${this.logTail()}`);
    return this.#child.pid;
  }

  get exited(): boolean {
    return this.#exited;
  }

  /** Sends the signal, if it still runs, and waits until it is gone; after `patience` ms it is killed. */
  async end(signal: 'SIGTERM' | 'SIGKILL', patience = 60_000): Promise<void> {
    if (this.#exited) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), patience);
      this.#child.ref();
      this.#child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#child.kill(signal);
    });
  }

  /** Seconds of processor time, user and system, of this process alone; steps of 10 ms. 0 once it is gone. */
  cpuSeconds(): number {
    if (this.#exited) return 0;
    try {
      const stat = readFileSync(`/proc/${this.pid}/stat`, 'latin1');
      // The name in parentheses may hold anything; utime and stime are the 12th and 13th field behind it.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
      throw error;
    }
  }

  /** The end of what it wrote, for error messages. */
  logTail(): string {
    return readFileSync(this.#logFile, 'utf8').slice(-3000);
  }
}
