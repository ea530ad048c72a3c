import { NS_PER_MS, type Nanoseconds } from '../model/nanoseconds.js';

/**
 * The log of a container that has ended and was read to its end. The daemon reports the end after it has waited 10 s
 * for its logger (moby: daemon/container/monitor.go, loggerCloseTimeout). A log in files is closed then. With driver
 * journald the daemon may go on writing, and journald may still take in what it was sent.
 */
export interface AfterEnd {
  /** Monotonic ms: when the container ended, as far as is known, or when its log was last found to have grown. */
  readonly since: number;
  /** The log was found to have grown after the container's end. */
  readonly grew: boolean;
  /** Looks at the end of the log since then, failed ones included. */
  readonly looks: number;
  /** When the last poll or look that found nothing more began, ms after `since`. */
  readonly quietFor: number;
  /** The logging driver is closed before the end is reported, so that nothing of the container's can follow. */
  readonly closed: boolean;
  /** `FinishedAt` of the container, ns. */
  readonly finishedAt: Nanoseconds;
}

/** ms before each of the first looks. */
const FIRST_PAUSES: readonly number[] = [1000, 10_000, 60_000, 600_000];
/** ms between the looks after those. */
const LATER_PAUSE = 300_000;
/** ms after which a log that stays as it is is looked at no more. */
const WATCHED = 3_600_000;
/** A pause shorter than this part of the time since the end is left out: little is to be expected so soon. */
const SHORTEST_PAUSE = 1 / 20;
/** ms for which nothing must have followed the end of a log that is not closed with it. */
const SETTLES_AFTER = 1000;
/** ms, likewise, where it is known that the daemon had not written everything by then. */
const SETTLES_LATE_AFTER = 10_000;
const LOGGER_TIMEOUT_NS = 10_000n * NS_PER_MS;

export interface End {
  readonly logDriver: string;
  readonly finishedAt: Nanoseconds;
  /** When its death was reported, ns; undefined where no event of it was heard. */
  readonly diedAt: Nanoseconds | undefined;
  /** When the poll began that read the log to its end: monotonic ms, and ns of the wall clock. */
  readonly began: number;
  readonly beganAt: Nanoseconds;
}

/** A log that was just read to its end. */
export function readToEnd({ logDriver, finishedAt, diedAt, began, beganAt }: End): AfterEnd {
  const endedAt = diedAt !== undefined && diedAt > finishedAt ? diedAt : finishedAt;
  const age = beganAt > endedAt ? Number((beganAt - endedAt) / NS_PER_MS) : 0;
  const closed = logDriver !== 'journald';
  return { since: began - age, grew: false, looks: 0, quietFor: age, closed, finishedAt };
}

/** The log has grown after its container's end, and is not read to its end now. @param now monotonic ms */
export function grown(before: AfterEnd, now: number): AfterEnd {
  return { ...before, since: now, grew: true, looks: 0, quietFor: -1 };
}

/** A poll brought what had come after the container's end. @param began monotonic ms */
export function readAgain(before: AfterEnd, began: number): AfterEnd {
  return { ...before, since: began, grew: true, looks: 0, quietFor: 0 };
}

/** A look, or a poll in place of one, found nothing more. @param began monotonic ms */
export function quiet(before: AfterEnd, began: number): AfterEnd {
  return { ...before, looks: before.looks + 1, quietFor: Math.max(0, began - before.since) };
}

/** A look failed. */
export function notSeen(before: AfterEnd): AfterEnd {
  return { ...before, looks: before.looks + 1 };
}

/**
 * The pause before the next look, ms; undefined when none is needed any more.
 *
 * @param now monotonic ms
 */
export function pauseBeforeLook({ since, looks }: AfterEnd, now: number): number | undefined {
  const age = now - since;
  if (age >= WATCHED) return undefined;
  return FIRST_PAUSES.slice(looks).find((pause) => pause >= age * SHORTEST_PAUSE) ?? LATER_PAUSE;
}

/**
 * Whether all of the log was read, so that nothing is missing when the container is removed now.
 *
 * @param diedAt when the container's death was reported, ns; undefined where no event of it was heard
 */
export function isSettled(
  { closed, grew, quietFor, finishedAt }: AfterEnd,
  diedAt: Nanoseconds | undefined,
): boolean {
  if (closed && !grew) return true;
  // A daemon that waited in vain for its logger goes on writing.
  const isLate = grew || (diedAt !== undefined && diedAt - finishedAt >= LOGGER_TIMEOUT_NS);
  return quietFor >= (isLate ? SETTLES_LATE_AFTER : SETTLES_AFTER);
}
