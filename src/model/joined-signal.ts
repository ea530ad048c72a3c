import { sharedController } from './shared-controller.js';

/** An abort signal with an end: release it, and nothing of it stays with the signals it came from. */
export interface JoinedSignal {
  readonly signal: AbortSignal;
  /** Aborts it, whatever its parents do. */
  abort(reason: unknown): void;
  release(): void;
}

/**
 * A signal that aborts with the first of its parents, for the same reason. Not AbortSignal.any: that leaves something
 * behind with a long-lived parent at every call, and a collector makes one for every poll.
 */
export function joinedSignal(parents: readonly AbortSignal[]): JoinedSignal {
  const controller = sharedController();
  const follow = (event: Event) => controller.abort((event.target as AbortSignal).reason);
  const aborted = parents.find((parent) => parent.aborted);
  if (aborted) controller.abort(aborted.reason);
  else for (const parent of parents) parent.addEventListener('abort', follow);
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    release: () => {
      for (const parent of parents) parent.removeEventListener('abort', follow);
    },
  };
}
