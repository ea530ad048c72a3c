import { PollardError } from '../model/errors.js';
import { sharedController } from '../model/shared-controller.js';

/** An abort signal with an end: release it, and nothing of it stays with the signals it came from. */
export interface BoundedSignal {
  readonly signal: AbortSignal;
  release(): void;
}

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

/**
 * A signal that aborts with the first of its parents, or after `ms`. Not AbortSignal.any: that leaves something
 * behind with a long-lived parent at every call, and a collector makes one for every poll.
 */
export function boundedSignal(parents: readonly AbortSignal[], ms?: number): BoundedSignal {
  const controller = sharedController();
  const follow = (event: Event) => controller.abort((event.target as AbortSignal).reason);
  const aborted = parents.find((parent) => parent.aborted);
  if (aborted) controller.abort(aborted.reason);
  else for (const parent of parents) parent.addEventListener('abort', follow);
  const timer = ms === undefined ? undefined : setTimeout(() => controller.abort(new DeadlinePassed(ms)), ms);
  return {
    signal: controller.signal,
    release: () => {
      clearTimeout(timer);
      for (const parent of parents) parent.removeEventListener('abort', follow);
    },
  };
}
