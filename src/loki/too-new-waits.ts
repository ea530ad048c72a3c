import type { Clock } from '../model/clock.js';
import { NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import { formatAge } from './age-limits.js';
import type { StreamTarget } from './stream-target.js';

/** Entries of a batch that Loki refused as too new. */
export interface TooNewEntries {
  /** The lowest timestamp. */
  readonly oldest: Nanoseconds;
  /** What Loki's clock showed, by its answer. */
  readonly lokiTime: Nanoseconds | undefined;
}

/** Which clock is wrong. */
export interface ClockSkew {
  /** For people, with the difference as far as it is known. */
  readonly text: string;
  /** The lines are ahead of the clock here, too: lines after them may be older. */
  readonly isOfLines: boolean;
}

/** A stream of which lines wait until Loki accepts their timestamps. */
export interface TooNewWait {
  readonly target: StreamTarget;
  /** The lowest timestamp that was refused. */
  readonly oldest: Nanoseconds;
  readonly skew: ClockSkew;
}

interface Wait extends TooNewWait {
  /** Monotonic ms at which this timestamp was refused first. */
  readonly since: number;
}

export interface TooNewWaitsOptions {
  readonly clock: Clock;
  /** How long a line may wait, ms (`loki.too_new_patience`). 0: none waits. */
  readonly patienceMs: number;
  /** Called with all streams that wait, when another one does or no longer does. */
  readonly onChange?: (waiting: readonly TooNewWait[]) => void;
}

/** Clocks that differ by less are right. */
const NEGLIGIBLE = 60n * NS_PER_SECOND;

/**
 * Which streams have lines that are too new for Loki, and since when. Such a line is more than `creation_grace_period`
 * (10 minutes by default) ahead of Loki's clock (pkg/distributor/validator.go ValidateEntry). That heals with time, or
 * when a clock is set right: so the lines are sent again for a while, before they count as refused.
 */
export class TooNewWaits {
  readonly #options: TooNewWaitsOptions;
  /** By container and stream. */
  readonly #waits = new Map<string, Map<string, Wait>>();

  constructor(options: TooNewWaitsOptions) {
    this.#options = options;
  }

  /** From this timestamp on lines of the stream were refused at the last try; undefined: none was. */
  refusedFrom({ containerId, labelString }: StreamTarget): Nanoseconds | undefined {
    return this.#waits.get(containerId ?? '')?.get(labelString)?.oldest;
  }

  /** The same for all streams of a container. */
  containerRefusedFrom(containerId: string): Nanoseconds | undefined {
    let lowest: Nanoseconds | undefined;
    for (const { oldest } of this.#waits.get(containerId)?.values() ?? []) {
      if (lowest === undefined || oldest < lowest) lowest = oldest;
    }
    return lowest;
  }

  /**
   * Takes what became of a batch of a stream.
   *
   * @param holds whether an entry of the batch has this timestamp
   * @param refused undefined: none was refused as too new
   * @returns which clock is wrong: those that were refused are to be sent again later; undefined: the refusal counts
   */
  settled(
    target: StreamTarget,
    holds: (stamp: Nanoseconds) => boolean,
    refused: TooNewEntries | undefined,
  ): ClockSkew | undefined {
    const { clock, patienceMs } = this.#options;
    const before = this.#waits.get(target.containerId ?? '')?.get(target.labelString);
    const isOver =
      before !== undefined &&
      holds(before.oldest) &&
      (refused === undefined || before.oldest < refused.oldest);
    if (refused === undefined) {
      if (isOver) this.#remove(target);
      return undefined;
    }
    const now = clock.monotonic();
    // A line that waited was accepted: the lines after it are on their way, too.
    const kept = isOver ? undefined : before;
    const oldest = kept !== undefined && kept.oldest < refused.oldest ? kept.oldest : refused.oldest;
    const since = kept?.since ?? now;
    if (now - since >= patienceMs) return undefined;
    const skew = this.#skew(refused);
    this.#set({ target, oldest, since, skew }, before?.skew.text);
    return skew;
  }

  /** All lines of a container were settled, or it is gone. */
  forget(containerId: string): void {
    if (this.#waits.delete(containerId)) this.#changed();
  }

  /** What the clocks show. A gateway may answer with its own time: then only Loki's refusal is sure. */
  #skew({ oldest, lokiTime }: TooNewEntries): ClockSkew {
    const now = this.#options.clock.now();
    if (oldest - now > NEGLIGIBLE) {
      const text = `their timestamps are ${formatAge(oldest - now)} ahead of the clock here`;
      return { text, isOfLines: true };
    }
    const known =
      lokiTime !== undefined && now - lokiTime > NEGLIGIBLE ? formatAge(now - lokiTime) : undefined;
    const by = known ?? 'more than its creation_grace_period (10 minutes by default)';
    return { text: `Loki's clock is ${by} behind the clock here`, isOfLines: false };
  }

  #set(wait: Wait, textBefore: string | undefined): void {
    const { containerId = '', labelString } = wait.target;
    let streams = this.#waits.get(containerId);
    if (streams === undefined) this.#waits.set(containerId, (streams = new Map<string, Wait>()));
    streams.set(labelString, wait);
    if (textBefore !== wait.skew.text) this.#changed();
  }

  #remove({ containerId = '', labelString }: StreamTarget): void {
    const streams = this.#waits.get(containerId);
    streams?.delete(labelString);
    if (streams?.size === 0) this.#waits.delete(containerId);
    this.#changed();
  }

  #changed(): void {
    this.#options.onChange?.([...this.#waits.values()].flatMap((streams) => [...streams.values()]));
  }
}
