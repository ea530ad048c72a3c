import type { StreamNumber } from '../docker/entry-sink.js';
import type { LinePiece } from '../model/line-piece.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import { stampOf } from '../loki/read/stamp-range.js';

/** A line of the Engine's, or a piece of one, as the collector delivers it where nothing else cuts the line. */
export interface NamedPart {
  /** In the table; -1: it came since the table was made. */
  readonly slot: number;
  readonly stamp: Nanoseconds;
  readonly words: Uint32Array;
  /** Where it lies in the line. */
  readonly from: number;
  readonly to: number;
  readonly piece: LinePiece | undefined;
}

/** A whole line of the Engine's, in the parts in which it is expected to be in Loki: mostly one. */
export interface NamedLine {
  readonly stream: StreamNumber;
  /** The stamp of its first part. */
  readonly lineId: Nanoseconds;
  readonly bytes: Buffer;
  readonly parts: readonly NamedPart[];
}

/** A line over this, in bytes, is judged by its parts alone, and not repaired: it is not held in memory. */
const MOST_HELD = 64 * 1024 * 1024;

/** Puts the pieces of one stream's lines together again. */
export class LineGatherer {
  readonly #stream: StreamNumber;
  #parts: NamedPart[] = [];
  #texts: Buffer[] = [];
  #bytes = 0;

  constructor(stream: StreamNumber) {
    this.#stream = stream;
  }

  /** Takes the next line or piece; returns the line that ends with it. */
  add(
    slot: number,
    words: Uint32Array,
    seconds: number,
    nanos: number,
    text: Buffer,
    piece: LinePiece | undefined,
  ): NamedLine | undefined {
    if (piece === undefined || piece.number === 1) this.#begin();
    const stamp = stampOf(seconds, nanos);
    const from = this.#bytes;
    this.#bytes += text.length;
    this.#parts.push({ slot, stamp, words: words.slice(), from, to: this.#bytes, piece });
    const isWhole = piece === undefined;
    if (this.#bytes > MOST_HELD) this.#texts = [];
    else this.#texts.push(isWhole ? text : Buffer.from(text));
    if (!isWhole && piece.count === undefined) return undefined;
    const line: NamedLine = {
      stream: this.#stream,
      lineId: piece?.lineId ?? stamp,
      bytes: isWhole ? text : Buffer.concat(this.#texts),
      parts: this.#parts,
    };
    this.#begin();
    return line;
  }

  #begin(): void {
    this.#parts = [];
    this.#texts = [];
    this.#bytes = 0;
  }
}

/** Whether the line's bytes are there; see MOST_HELD. */
export function isHeld({ bytes, parts }: NamedLine): boolean {
  return bytes.length === (parts.at(-1)?.to ?? 0);
}
