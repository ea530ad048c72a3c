import { sharedController } from '../model/shared-controller.js';
import { boundedSignal } from './bounded-signal.js';

/**
 * Runs several things at once. When one of them fails, the others are aborted and waited for, and only then the failure
 * is thrown: what they hold can then be given back. Use it instead of Promise.all, which leaves the others running.
 *
 * @param signal aborts all of them
 * @param begin gets the signal that all of them end by
 * @returns what they resolve with, in their order
 * @throws the first failure, when all have ended
 */
export async function runTogether<T extends readonly Promise<unknown>[] | []>(
  signal: AbortSignal,
  begin: (ending: AbortSignal) => T,
): Promise<{ -readonly [Index in keyof T]: Awaited<T[Index]> }> {
  const failed = sharedController();
  const ending = boundedSignal([signal, failed.signal]);
  try {
    const running = begin(ending.signal);
    for (const each of running) each.catch((error: unknown) => failed.abort(error));
    await Promise.allSettled(running);
    failed.signal.throwIfAborted();
    return await Promise.all(running);
  } finally {
    ending.release();
  }
}
