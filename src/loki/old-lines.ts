import type { Nanoseconds } from '../model/nanoseconds.js';
import type { AgeLimits } from './age-limits.js';
import type { EntryBatch } from './batch.js';
import type { EntrySet } from './entry-set.js';
import type { Rejection } from './rejected-record.js';
import type { StreamTarget } from './stream-target.js';
import { unstored, type UnstoredLines } from './unstored-lines.js';

/** What became of the entries that were sent so far. */
interface Progress {
  readonly accepted: number;
  readonly rejections: readonly Rejection[];
}

/** What Loki refused, and what was not sent. */
interface Divided {
  /** Of these a copy is kept. */
  readonly toStore: readonly Rejection[];
  /** Too old: of these none is. */
  readonly tooOld: readonly UnstoredLines[];
}

/**
 * The lines of one batch that are too old for Loki. Once a refusal has shown how old a line may be, older ones are
 * skipped before they are sent. No copy is kept of any: Docker's log has them, and a copy of an old log would take as
 * much room as the log.
 */
export class OldLines {
  readonly #target: StreamTarget;
  readonly #limits: AgeLimits;
  readonly #skipped: UnstoredLines[] = [];
  #skippedBytes = 0;

  constructor(target: StreamTarget, limits: AgeLimits) {
    this.#target = target;
    this.#limits = limits;
  }

  /** Lines with an older timestamp need not be sent; undefined: no limit is known. */
  get skipBefore(): Nanoseconds | undefined {
    return this.#limits.skipBefore(this.#target.tenant);
  }

  /** Of the lines that were skipped. */
  get skippedBytes(): number {
    return this.#skippedBytes;
  }

  /** Skips a whole batch without a look at its entries; false: some of them may have to be sent. */
  skipsAll({ entries: lines, oldest: from, newest: until, lineBytes }: EntryBatch): boolean {
    const { skipBefore } = this;
    if (skipBefore === undefined || lines === 0 || until >= skipBefore) return false;
    if (this.#limits.isProbeDue(this.#target.tenant)) return false;
    this.#skippedBytes += lineBytes;
    this.#skipped.push({ target: this.#target, kind: 'too-old', reason: this.#reason(), lines, from, until });
    return true;
  }

  /**
   * Of entries that may be too old those that are to be sent: all of them while no limit is known, else those that
   * are not older. Now and then one of the older ones is sent, to see whether Loki accepts it by now.
   *
   * @param progress looked at after each set
   */
  *toSend(entries: EntrySet, progress: Progress): Generator<EntrySet> {
    const { skipBefore } = this;
    if (skipBefore === undefined) {
      yield entries;
      return;
    }
    const [old, others] = entries.partition((stamp) => stamp < skipBefore);
    yield others;
    if (old.size === 0) return;
    if (!this.#limits.takeProbe(this.#target.tenant)) {
      this.#skippedBytes += old.lineBytes;
      this.#skipped.push(unstored(old, 'too-old', this.#reason()));
      return;
    }
    const { accepted } = progress;
    yield old.slice(0, 1);
    if (progress.accepted > accepted) this.#limits.forget(this.#target.tenant);
    else this.#learn(progress.rejections);
    yield* this.toSend(old.slice(1, old.size), progress);
  }

  /**
   * Learns from what Loki refused, and divides it. Where a refusal does not show a limit that can be (a clock is
   * wrong), lines refused for their age are stored as all others are.
   */
  divide(rejections: readonly Rejection[]): Divided {
    this.#learn(rejections);
    const known = this.skipBefore !== undefined;
    const refused = known ? rejections.filter(isTooOld) : [];
    return {
      toStore: known ? rejections.filter((each) => !isTooOld(each)) : rejections,
      tooOld: [
        ...refused.map(({ entries, kind }) => unstored(entries, kind, this.#reason())),
        ...this.#skipped,
      ],
    };
  }

  #learn(rejections: readonly Rejection[]): void {
    for (const { entries, reason, kind, oldestAcceptable } of rejections) {
      if (kind !== 'too-old') continue;
      // What is older than a refused entry is refused with it: the reason is that of the newest.
      const { until } = unstored(entries, kind, reason);
      this.#limits.refused(this.#target.tenant, until, oldestAcceptable);
    }
  }

  #reason(): string {
    return `older than the ${this.#limits.ageText(this.#target.tenant)} that Loki accepts`;
  }
}

function isTooOld({ kind }: Rejection): boolean {
  return kind === 'too-old';
}
