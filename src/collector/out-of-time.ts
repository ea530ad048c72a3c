import { PollardError } from '../model/errors.js';

const OUT_OF_TIME: ReadonlySet<string> = new Set(['poll_deadline_passed', 'engine_timeout', 'log_stalled']);

/** Whether a poll ended by its deadline, or because the Engine sent nothing for too long. */
export function ranOutOfTime(error: Error | undefined): boolean {
  return error instanceof PollardError && OUT_OF_TIME.has(error.code);
}
