import { join } from 'node:path';
import { startSimulator, type SimulatorProcess } from './simulator-process.js';
import type { DemoOptions } from './options.js';

/** About what a line takes in a log of driver json-file. */
const LINE_BYTES = 170;
/** Seconds between two rotations of a rotating container's log, so that a short demo has some. */
const ROTATION_SECONDS = 5;
/** Together they hold a minute and more: a poll that comes late finds all that it has not seen. */
const ROTATED_FILES = 15;
const SMALLEST_FILE = 16 * 1024;

/** Starts a simulated Engine whose containers begin to talk at once. */
export async function startSimulatedEngine(folder: string, options: DemoOptions): Promise<SimulatorProcess> {
  const { containers, rate, seed } = options;
  const settings: Record<string, string | number> = {
    socket: join(folder, 'engine.sock'),
    containers,
    rate,
    seed,
    'rotate-bytes': Math.ceil(Math.max(SMALLEST_FILE, (rate / containers) * LINE_BYTES * ROTATION_SECONDS)),
    'rotate-files': ROTATED_FILES,
  };
  return await startSimulator(
    'engine',
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
  );
}

/** Starts a simulated Loki, with the limits that a real one has by default. */
export async function startSimulatedLoki(): Promise<SimulatorProcess> {
  return await startSimulator('loki', []);
}
