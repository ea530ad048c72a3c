import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PollardError } from '../../model/errors.js';

/** A simulator in a process of its own: what it holds open is then not what the collector holds open. */
export interface SimulatorProcess {
  /** What it said when it was ready. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Resolves when it ends although nobody asked it to. */
  readonly failed: Promise<PollardError>;
  stop(): Promise<void>;
}

/** A machine that is very busy needs long to start a process, ms. */
const START_TIMEOUT = 120_000;
const STOP_TIMEOUT = 10_000;
const LAST_WORDS = 2000;

/**
 * Starts a simulator and waits until it is ready. It is a process group of its own, so that the Ctrl-C of a
 * terminal does not reach it, and it ends when this process does, however that happens.
 *
 * @throws PollardError `demo_simulator_failed`, `demo_not_built`
 */
export async function startSimulator(
  name: 'engine' | 'loki',
  args: readonly string[],
): Promise<SimulatorProcess> {
  const child = spawn(process.execPath, [scriptOf(name), ...args, '--until-stdin-ends'], {
    stdio: 'pipe',
    detached: true,
  });
  let lastWords = '';
  child.stderr.on('data', (piece: Buffer) => {
    lastWords = (lastWords + piece.toString('utf8')).slice(-LAST_WORDS);
  });
  // A pipe whose reader is gone; the end of the process tells enough.
  child.stdin.on('error', () => undefined);
  let asked = false;
  const failure = (how: string): PollardError =>
    new PollardError('demo_simulator_failed', `the simulated ${NAMES[name]} ${how}: ${lastWords.trim()}`, {
      hint: 'run it alone to see more: node dist/src/simulators/' + `${name}/main.js`,
    });
  const ended = new Promise<PollardError>((resolve) => {
    child.once('error', (error) => resolve(failure(`could not be started (${error.message})`)));
    child.once('close', (code, signal) => resolve(failure(`ended (${signal ?? `exit code ${code ?? ''}`})`)));
  });
  const stop = async (): Promise<void> => {
    asked = true;
    await endChild(child);
  };

  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<PollardError>((resolve) => {
    timer = setTimeout(
      () => resolve(failure(`was not ready within ${START_TIMEOUT / 1000} s`)),
      START_TIMEOUT,
    );
  });
  const first = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
  // It ends without a line when the process does; `ended` tells.
  first.catch(() => undefined);
  try {
    const said = await Promise.race([first, ended, late]);
    if (said instanceof PollardError) throw said;
    return {
      ready: JSON.parse(said[0]) as Record<string, unknown>,
      failed: ended.then(async (error) => (asked ? await NEVER : error)),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

const NEVER = new Promise<never>(() => undefined);
const NAMES = { engine: 'Engine', loki: 'Loki' } as const;

async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT);
  await exited;
  clearTimeout(timer);
}

/** In `dist`: this file is in one of its folders where it is compiled, and beside `dist` where it is a source. */
function scriptOf(name: 'engine' | 'loki'): string {
  for (const base of ['../src/simulators', '../../../dist/src/simulators']) {
    const path = fileURLToPath(new URL(`${base}/${name}/main.js`, import.meta.url));
    if (existsSync(path)) return path;
  }
  throw new PollardError('demo_not_built', 'the simulators are not compiled', { hint: 'run: npm run build' });
}
