import type { Nanoseconds } from '../model/nanoseconds.js';
import type { StampRange } from '../loki/read/stamp-range.js';

/** What became of the lines of one container in the range. */
export interface ContainerCounts {
  /** In the Engine's log, in the range. */
  readonly lines: number;
  /** Already in Loki before this run, or equal to another line of the same timestamp. */
  readonly alreadyThere: number;
  /** Sent by this run and in Loki now, under any labels. */
  readonly sent: number;
  /** Of the sent: entries under the backfill label, because the live stream does not accept them. */
  readonly sentUnderLabel: number;
  /** Refused by Loki, by kind. */
  readonly refused: Readonly<Record<string, number>>;
  /** Not in Loki, and not refused; in a dry run: what would be sent. */
  readonly missing: number;
  /** After the cursor of the service: the service delivers them. */
  readonly pending: number;
  /** In Loki under labels that these settings do not give the container; not sent again. */
  readonly otherLabels: number;
  /** Not judged: Loki does not show them, shows them cut, or has too many of one timestamp. */
  readonly notJudged: number;
}

/** How a container of a run ended. */
export interface ContainerResult extends ContainerCounts {
  readonly id: string;
  readonly name: string;
  /** `read`, or why not all of it was read; see AuditStatus. */
  readonly status: string;
  readonly reason?: string;
  /** The timestamp of the oldest entry that Docker still has; undefined: it has none, or it is not known. */
  readonly logBegins?: Nanoseconds;
  /** The range begins before `logBegins`, and the container is older than that: lines may have been rotated away. */
  readonly gap: boolean;
}

/** What was sent of a container that is not finished. */
export interface SentSoFar {
  readonly sent: number;
  readonly sentUnderLabel: number;
}

/**
 * The state of one run, as it is kept in the state directory. A run that was interrupted goes on with the containers
 * that are not finished. Those are read again from the beginning of the range: what Loki has by then is not sent again.
 */
export interface RunProgress {
  readonly name: string;
  readonly range: StampRange;
  /** The selection as text; see selectionKey. */
  readonly selection: string;
  readonly startedAt: Nanoseconds;
  readonly updatedAt: Nanoseconds;
  /** Undefined while the run is not finished. */
  readonly finishedAt?: Nanoseconds;
  readonly finished: readonly ContainerResult[];
  /** By container id. */
  readonly open: Readonly<Record<string, SentSoFar>>;
}

/** A run that has not done anything yet. */
export function newRun(name: string, range: StampRange, selection: string, now: Nanoseconds): RunProgress {
  return { name, range, selection, startedAt: now, updatedAt: now, finished: [], open: {} };
}

/** Whether an earlier run of the same name is the same work, and is not finished: then a run goes on with it. */
export function isSameWork(earlier: RunProgress, range: StampRange, selection: string): boolean {
  return (
    earlier.finishedAt === undefined &&
    earlier.range.from === range.from &&
    earlier.range.until === range.until &&
    earlier.selection === selection
  );
}

/** With what was sent so far of the containers that are not finished. */
export function withSent(
  run: RunProgress,
  sent: Readonly<Record<string, SentSoFar>>,
  now: Nanoseconds,
): RunProgress {
  return { ...run, open: { ...run.open, ...sent }, updatedAt: now };
}

/** With one more container finished. */
export function withFinished(run: RunProgress, result: ContainerResult, now: Nanoseconds): RunProgress {
  const open = Object.fromEntries(Object.entries(run.open).filter(([id]) => id !== result.id));
  return { ...run, open, finished: [...run.finished, result], updatedAt: now };
}

/** The run came to its end. */
export function asFinished(run: RunProgress, now: Nanoseconds): RunProgress {
  return { ...run, finishedAt: now, updatedAt: now };
}
