import type { MissedReason } from '../../collector/observer.js';
import type { PollReport } from '../../collector/poll.js';
import type { Clock } from '../../model/clock.js';
import type { ContainerSummary } from '../../model/container.js';
import type { Nanoseconds } from '../../model/nanoseconds.js';
import type { PollWitness } from './poll-witness.js';
import { RecentCount } from './recent-count.js';

/** What was counted of one container since the process began. */
export interface ContainerCounts {
  readonly lines: number;
  /** Of the lines. */
  readonly bytes: number;
  /** Lines that Loki refused. */
  readonly rejected: number;
  readonly gaps: number;
  /** Times that the beginning of its log may have been lost. */
  readonly possibleGaps: number;
  /** It was removed before its log was read to the end. */
  readonly missed: boolean;
  /** Delivered in the last minute. */
  readonly linesPerMinute: number;
  /** Entries that the last poll asked for; null: the whole log; undefined: there was none yet. */
  readonly window: number | null | undefined;
}

/** A container whose last lines may never have been seen. */
export interface MissedContainer {
  readonly name: string;
  readonly id: string;
  readonly reason: MissedReason;
  /** Wall clock. */
  readonly at: Nanoseconds;
}

export interface CountedTotals {
  readonly lines: number;
  readonly bytes: number;
  readonly rejected: number;
  readonly gaps: number;
  readonly possibleGaps: number;
  readonly missed: number;
}

interface Counting {
  lines: number;
  bytes: number;
  rejected: number;
  gaps: number;
  possibleGaps: number;
  missed: boolean;
  window: number | null | undefined;
  readonly recent: RecentCount;
}

/** So many of those that were missed are named. */
const MOST_NAMED = 20;

/** Counts what becomes of each container, for the status page; forgets those whose cursors are forgotten. */
export class ContainerCounters implements PollWitness {
  readonly #clock: Clock;
  readonly #containers = new Map<string, Counting>();
  readonly #totals = { lines: 0, bytes: 0, rejected: 0, gaps: 0, possibleGaps: 0, missed: 0 };
  #missed: MissedContainer[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  polled = ({ id }: ContainerSummary, report: PollReport): void => {
    const counting = this.#of(id);
    for (const each of [counting, this.#totals]) {
      each.lines += report.lines;
      each.bytes += report.lineBytes;
      each.rejected += report.rejected;
    }
    counting.window = report.window ?? null;
    counting.recent.add(report.lines);
  };

  gap = ({ id }: ContainerSummary): void => {
    this.#of(id).gaps++;
    this.#totals.gaps++;
  };

  possibleGap = ({ id }: ContainerSummary): void => {
    this.#of(id).possibleGaps++;
    this.#totals.possibleGaps++;
  };

  missed = ({ id, name }: ContainerSummary, reason: MissedReason): void => {
    this.#totals.missed++;
    this.#missed = [...this.#missed, { name, id, reason, at: this.#clock.now() }].slice(-MOST_NAMED);
    // Of those that no collector ever saw there is nothing to count.
    if (reason !== 'removed_unwatched') this.#of(id).missed = true;
  };

  forget(id: string): void {
    this.#containers.delete(id);
  }

  of(id: string): ContainerCounts {
    const { recent, ...counts } = this.#containers.get(id) ?? this.#none();
    return { ...counts, linesPerMinute: recent.count };
  }

  get totals(): CountedTotals {
    return { ...this.#totals };
  }

  /** Those that were missed last, oldest first. */
  get lastMissed(): readonly MissedContainer[] {
    return this.#missed;
  }

  #of(id: string): Counting {
    let counting = this.#containers.get(id);
    if (counting === undefined) {
      counting = this.#none();
      this.#containers.set(id, counting);
    }
    return counting;
  }

  #none(): Counting {
    const recent = new RecentCount(this.#clock);
    return {
      lines: 0,
      bytes: 0,
      rejected: 0,
      gaps: 0,
      possibleGaps: 0,
      missed: false,
      window: undefined,
      recent,
    };
  }
}
