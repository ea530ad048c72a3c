import type { EntryBatch } from '../loki/batch.js';
import type { EntrySet } from '../loki/entry-set.js';
import { nanosOf, secondsOf } from '../loki/read/stamp-range.js';
import type { StreamTarget } from '../loki/stream-target.js';
import type { LabelSet } from '../model/labels.js';
import { readPiece } from '../model/line-piece.js';
import type { Nanoseconds } from '../model/nanoseconds.js';

/** One name and value. */
export interface BackfillLabel {
  readonly name: string;
  readonly value: string;
}

export interface OldStreamsParts {
  /** A container's live stream with more labels. */
  readonly targetWith: (live: StreamTarget, labels: LabelSet) => StreamTarget;
  readonly newBatch: (target: StreamTarget) => EntryBatch;
  readonly label: BackfillLabel;
}

/** More streams than this of one live stream are not begun: what they refuse is refused. */
const MOST_STREAMS = 32;

/**
 * The streams that take the old lines of one live stream. Loki accepts a line only if it is not further behind the
 * newest of its stream than half of `max_chunk_age` (pkg/ingester/stream.go, validateEntries), so old lines go into a
 * stream of their own, with one more label. Lines come oldest first, but for lines that are divided by their hash and
 * for a clock that was set back: what one such stream refuses goes into the next one.
 */
export class OldStreams {
  readonly #parts: OldStreamsParts;
  readonly #live: StreamTarget;
  #number = 1;
  #target: StreamTarget;
  #refusedUntil: Nanoseconds | undefined;
  #overflow: EntryBatch[] = [];

  constructor(parts: OldStreamsParts, live: StreamTarget) {
    this.#parts = parts;
    this.#live = live;
    this.#target = this.#makeTarget();
  }

  /** Whether the live stream refuses lines up to this timestamp: its newest line only ever gets newer. */
  refusesAll(newest: Nanoseconds): boolean {
    return this.#refusedUntil !== undefined && newest <= this.#refusedUntil;
  }

  /**
   * Takes a copy of entries that the live stream or an old one refused as too far behind.
   *
   * @returns false when there are too many streams already
   */
  takeRefused(entries: EntrySet): boolean {
    if (entries.target === this.#live) {
      for (let i = 0; i < entries.size; i++) {
        const stamp = entries.stampAt(i);
        if (this.#refusedUntil === undefined || stamp > this.#refusedUntil) this.#refusedUntil = stamp;
      }
    } else if (entries.target === this.#target) {
      if (this.#number >= MOST_STREAMS) return false;
      this.#number++;
      this.#target = this.#makeTarget();
    }
    this.#overflow.push(...this.copies(entries));
    return true;
  }

  /** What takeRefused took since the last call. */
  takeOverflow(): EntryBatch[] {
    const taken = this.#overflow;
    this.#overflow = [];
    return taken;
  }

  /** Entries as batches of the old stream. */
  copies(entries: EntrySet): EntryBatch[] {
    const batches: EntryBatch[] = [];
    let batch = this.#parts.newBatch(this.#target);
    for (let i = 0; i < entries.size; i++) {
      const { stamp, line, structuredMetadata } = entries.entryAt(i);
      const piece = readPiece(structuredMetadata);
      const [seconds, nanos] = [secondsOf(stamp), nanosOf(stamp)];
      if (batch.append(seconds, nanos, line, 0, line.length, piece)) continue;
      batches.push(batch);
      batch = this.#parts.newBatch(this.#target);
      batch.append(seconds, nanos, line, 0, line.length, piece);
    }
    batches.push(batch);
    return batches;
  }

  #makeTarget(): StreamTarget {
    const { name, value } = this.#parts.label;
    const numbered = this.#number === 1 ? value : `${value}.${this.#number}`;
    return this.#parts.targetWith(this.#live, { [name]: numbered });
  }
}
