import { PollardError } from '../model/errors.js';
import { joinedSignal, type JoinedSignal } from '../model/joined-signal.js';

export type BoundedSignal = Pick<JoinedSignal, 'signal' | 'release'>;

/** The deadline of a poll has passed. */
export class DeadlinePassed extends PollardError {
  override name = 'DeadlinePassed';
  constructor(ms: number) {
    super('poll_deadline_passed', `the deadline of ${Math.round(ms)} ms has passed`, {
      setting: 'poll.deadline',
      hint: 'look at the load and the log of the Engine; raise poll.deadline if it is only slow',
      exit: 'partial',
    });
  }
}

/** A signal that aborts with the first of its parents, or after `ms`. */
export function boundedSignal(parents: readonly AbortSignal[], ms?: number): BoundedSignal {
  const joined = joinedSignal(parents);
  const timer = ms === undefined ? undefined : setTimeout(() => joined.abort(new DeadlinePassed(ms)), ms);
  return {
    signal: joined.signal,
    release: () => {
      clearTimeout(timer);
      joined.release();
    },
  };
}
