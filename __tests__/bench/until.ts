import { setTimeout as delay } from 'node:timers/promises';

const PATIENCE_MS = 300_000;
const STEP_MS = 50;

/**
 * Waits until something holds.
 *
 * @param process ends the waiting when it ends
 * @throws Error when it does not come to hold in five minutes
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  process?: { readonly running: boolean; readonly lastWords: string },
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (process?.running === false) throw new Error(`waited until ${what}: ${process.lastWords}`);
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await delay(STEP_MS);
  }
}
