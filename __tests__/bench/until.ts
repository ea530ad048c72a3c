import { until as holdsInTime } from '../support/until.js';

const PATIENCE_MS = 300_000;

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
  await holdsInTime(what, holds, {
    patience: PATIENCE_MS,
    hopeless: () => (process?.running === false ? process.lastWords : undefined),
  });
}
