import type { LinePiece } from '../../model/line-piece.js';
import { NS_PER_SECOND, type Nanoseconds } from '../../model/nanoseconds.js';

/** Stamps from `from` on, and before `until`. */
export interface StampRange {
  readonly from: Nanoseconds;
  readonly until: Nanoseconds;
}

/** A range as it is asked on the hot path: by whole seconds since 1970 and nanoseconds within the second. */
export class RangeBounds {
  readonly #fromSeconds: number;
  readonly #fromNanos: number;
  readonly #untilSeconds: number;
  readonly #untilNanos: number;

  constructor({ from, until }: StampRange) {
    this.#fromSeconds = secondsOf(from);
    this.#fromNanos = nanosOf(from);
    this.#untilSeconds = secondsOf(until);
    this.#untilNanos = nanosOf(until);
  }

  contains(seconds: number, nanos: number): boolean {
    if (seconds < this.#fromSeconds || seconds > this.#untilSeconds) return false;
    if (seconds === this.#fromSeconds && nanos < this.#fromNanos) return false;
    return seconds < this.#untilSeconds || nanos < this.#untilNanos;
  }
}

/** Whole seconds of a stamp that is not before 1970. */
export function secondsOf(stamp: Nanoseconds): number {
  return Number(stamp / NS_PER_SECOND);
}

/** Nanoseconds within the second, of a stamp that is not before 1970. */
export function nanosOf(stamp: Nanoseconds): number {
  return Number(stamp % NS_PER_SECOND);
}

/** Of the line that an entry belongs to: its own stamp, or that of the line's first piece. */
export function lineStamp(
  seconds: number,
  nanos: number,
  piece: LinePiece | undefined,
): { readonly seconds: number; readonly nanos: number } {
  if (piece === undefined) return { seconds, nanos };
  return { seconds: secondsOf(piece.lineId), nanos: nanosOf(piece.lineId) };
}

/** With the stamps at which further pieces of its lines may stand, when all that is known is where lines begin. */
export function withPieces({ from, until }: StampRange): StampRange {
  return { from, until: until + MOST_PIECES };
}

/** Pieces of a line, which have consecutive stamps; more of one are not looked for past a range. */
const MOST_PIECES = 100_000n;

export function stampOf(seconds: number, nanos: number): Nanoseconds {
  return BigInt(seconds) * NS_PER_SECOND + BigInt(nanos);
}
