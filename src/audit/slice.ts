import type { StreamNumber } from '../docker/entry-sink.js';
import { RangeBounds, type StampRange } from '../loki/read/stamp-range.js';
import type { Difference } from './survey.js';
import type { TimeGrid } from './time-grid.js';

/** Which part of the lines, of some that are divided into parts; a power of two. */
interface Part {
  readonly index: number;
  readonly of: number;
}

const WHOLE: Part = { index: 0, of: 1 };
/** Stamps are not divided any finer: those left together are one, or as good as one. */
const MOST_STAMP_PARTS = 2 ** 31;
const JOINED_OVER = 500;

/**
 * Some buckets of the two streams, or of their lines a part: as many as the table of fingerprints has room for.
 * A part is chosen by the stamp, so that lines of one stamp, and the pieces of a line, which have consecutive ones,
 * stay together; only where one stamp has too many is it chosen by the fingerprint.
 */
export class Slice {
  readonly #grid: TimeGrid;
  readonly #bounds: RangeBounds;
  /** By bucket: 1 for stdout, 2 for stderr. */
  readonly #mask: Uint8Array;
  readonly #stamps: Part;
  readonly #prints: Part;
  /** The Engine's lines in it, about. */
  readonly lines: number;

  private constructor(grid: TimeGrid, mask: Uint8Array, lines: number, stamps: Part, prints: Part) {
    this.#grid = grid;
    this.#bounds = new RangeBounds(grid.range);
    this.#mask = mask;
    this.lines = lines;
    this.#stamps = stamps;
    this.#prints = prints;
  }

  /**
   * Packs differing buckets into slices of at most so many lines.
   *
   * @param differences from the oldest to the newest
   */
  static *pack(grid: TimeGrid, differences: Iterable<Difference>, maxLines: number): Generator<Slice> {
    let mask = new Uint8Array(grid.size);
    let lines = 0;
    let any = false;
    for (const difference of differences) {
      if (any && lines + difference.lines > maxLines) {
        yield* Slice.#parts(grid, mask, lines, maxLines);
        mask = new Uint8Array(grid.size);
        lines = 0;
      }
      mask[difference.bucket] = (mask[difference.bucket] as number) | difference.stream;
      lines += difference.lines;
      any = true;
    }
    if (any) yield* Slice.#parts(grid, mask, lines, maxLines);
  }

  static *#parts(grid: TimeGrid, mask: Uint8Array, lines: number, maxLines: number): Generator<Slice> {
    const of = Math.min(2 ** Math.ceil(Math.log2(Math.max(1, lines / maxLines))), MOST_STAMP_PARTS);
    for (let index = 0; index < of; index++) {
      yield new Slice(grid, mask, Math.ceil(lines / of), { index, of }, WHOLE);
    }
  }

  /** Whether all lines of a stamp that is in it are in it. */
  get holdsWholeStamps(): boolean {
    return this.#prints.of === 1;
  }

  /** The oldest stamp in it. */
  get range(): StampRange {
    const first = this.#mask.findIndex((streams) => streams > 0);
    const last = this.#mask.findLastIndex((streams) => streams > 0);
    return this.#grid.rangeOf(first, last);
  }

  /**
   * The stretches of time that it has of a stream. Two are one when little lies between them: a question costs
   * more than a few lines too many.
   *
   * @param linesIn how many lines there are in a bucket
   */
  *ranges(stream: StreamNumber, linesIn: (bucket: number) => number): Generator<StampRange> {
    let first = -1;
    let last = -1;
    let between = 0;
    for (let bucket = 0; bucket < this.#mask.length; bucket++) {
      if (((this.#mask[bucket] as number) & stream) === 0) {
        between += linesIn(bucket);
        continue;
      }
      if (first >= 0 && between > JOINED_OVER) {
        yield this.#grid.rangeOf(first, last);
        first = -1;
      }
      if (first < 0) first = bucket;
      last = bucket;
      between = 0;
    }
    if (first >= 0) yield this.#grid.rangeOf(first, last);
  }

  /** Whether a line of this stream and stamp may be in it. */
  contains(stream: StreamNumber, seconds: number, nanos: number): boolean {
    return (
      this.covers(stream, seconds, nanos) &&
      (this.#stamps.of === 1 || (stampHash(seconds, nanos) & (this.#stamps.of - 1)) === this.#stamps.index)
    );
  }

  /** Whether a line of this stream and stamp may be in it, or in another part of the same buckets. */
  covers(stream: StreamNumber, seconds: number, nanos: number): boolean {
    if (!this.#bounds.contains(seconds, nanos)) return false;
    return ((this.#mask[this.#grid.indexOf(seconds, nanos)] as number) & stream) !== 0;
  }

  /** Whether such a line is, by its fingerprint. */
  takes(words: Uint32Array): boolean {
    return this.#prints.of === 1 || ((words[3] as number) & (this.#prints.of - 1)) === this.#prints.index;
  }

  /** The two halves of a slice that turned out to have too many lines. @param oneStamp all in one part; see inOnePart */
  halves(oneStamp: boolean): [Slice, Slice] {
    const byPrint = oneStamp || this.#stamps.of >= MOST_STAMP_PARTS;
    const { index, of } = byPrint ? this.#prints : this.#stamps;
    const half = (upper: boolean): Slice => {
      const part = { index: upper ? index + of : index, of: of * 2 };
      return new Slice(
        this.#grid,
        this.#mask,
        Math.ceil(this.lines / 2),
        byPrint ? this.#stamps : part,
        byPrint ? part : this.#prints,
      );
    };
    return [half(false), half(true)];
  }
}

/** Stamps closer than these, ns, are mostly in one part: 2^14. */
const PART_BITS = 14;

/** Whether lines of two stamps are in the same part, however finely the stamps are divided. */
export function inOnePart(a: Stamped, b: Stamped): boolean {
  return a.seconds === b.seconds && a.nanos >>> PART_BITS === b.nanos >>> PART_BITS;
}

interface Stamped {
  readonly seconds: number;
  readonly nanos: number;
}

/** Spreads stamps, also those that lie close together (murmur3's last step). */
function stampHash(seconds: number, nanos: number): number {
  let hash = Math.imul(seconds, 0x9e3779b1) ^ (nanos >>> PART_BITS);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
