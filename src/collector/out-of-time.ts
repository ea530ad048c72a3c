import { PollardError } from '../model/errors.js';
import { DeadlinePassed } from './bounded-signal.js';

/** Whether a poll ended by its deadline, or because the Engine sent nothing for too long. */
export function ranOutOfTime(error: Error | undefined): boolean {
  if (error instanceof DeadlinePassed) return true;
  return error instanceof PollardError && (error.code === 'engine_timeout' || error.code === 'log_stalled');
}
