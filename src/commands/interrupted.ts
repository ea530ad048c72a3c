import { PollardError } from '../model/errors.js';

/** A signal ended the command before it could say anything. */
export class Interrupted extends PollardError {
  override name = 'Interrupted';
  /** @param what the command, such as `the check` */
  constructor(what: string, cause: unknown) {
    super('interrupted', `${what} was interrupted by a signal`, { exit: 'interrupted', cause });
  }
}

/**
 * Runs what a signal may end. Then that is what is told, and not what broke by it, which would look like a fault of
 * Pollard. What is wrong by itself, such as a full disk, is told all the same.
 *
 * @throws Interrupted, or what `work` throws
 */
export async function unlessInterrupted<T>(
  what: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const broken = !(error instanceof PollardError) || error.code === 'push_aborted';
    throw signal.aborted && broken ? new Interrupted(what, error) : error;
  }
}
