import { spawn, type ChildProcess } from 'node:child_process';

/** Each ends by itself after so long, ms, also when the tests are killed. */
const AT_MOST = 10 * 60_000;

/** Processes that do nothing but take the processors' time, as on a machine that is busy. */
export class BusyLoops {
  readonly #loops: ChildProcess[];

  constructor(count: number) {
    const script = `for (const end = Date.now() + ${AT_MOST}; Date.now() < end; );`;
    this.#loops = Array.from({ length: count }, () =>
      spawn(process.execPath, ['-e', script], { stdio: 'ignore' }),
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.#loops.map(async (loop) => await end(loop)));
  }
}

async function end(loop: ChildProcess): Promise<void> {
  if (loop.exitCode !== null || loop.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    loop.once('exit', () => resolve());
    loop.kill('SIGKILL');
  });
}
