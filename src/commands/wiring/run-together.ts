import { boundedSignal } from '../../collector/bounded-signal.js';
import { sharedController } from '../../model/shared-controller.js';

/**
 * Runs what belongs together until the signal aborts. When one of them fails, which none should, the others are
 * asked to end as well, and are waited for: what they hold is only then given back.
 *
 * @param begin gets the signal that all of them end by
 * @throws the first failure, when all have ended
 */
export async function runTogether(
  signal: AbortSignal,
  begin: (ending: AbortSignal) => readonly Promise<void>[],
): Promise<void> {
  const failed = sharedController();
  const ending = boundedSignal([signal, failed.signal]);
  try {
    const running = begin(ending.signal).map(async (each) => {
      try {
        await each;
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    });
    await Promise.allSettled(running);
    failed.signal.throwIfAborted();
  } finally {
    ending.release();
  }
}
