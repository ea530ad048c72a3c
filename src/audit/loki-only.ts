import type { StreamNumber } from '../docker/entry-sink.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import type { Fingerprinter } from './fingerprinter.js';
import type { LokiEntry } from '../loki/read/loki-query.js';
import type { LineSample, StreamCounts } from './report.js';
import { stampOf } from '../loki/read/stamp-range.js';
import { streamName } from './subject.js';

/** An entry that the Engine does not have, and that may be a piece of a line that it has. */
interface Piece {
  readonly stream: StreamNumber;
  readonly stamp: Nanoseconds;
  readonly words: Uint32Array;
  /** Of its text as UTF-8. */
  readonly bytes: number;
  /** Of the first ones; the others are only counted. */
  readonly text: string | undefined;
  used: boolean;
}

/** Pieces kept at most; about what one of them takes. */
const MOST_PIECES = 20_000;
const PIECE_BYTES = 200;
const SAMPLE_CHARACTERS = 500;
/** Of a line, all pieces but the last have 16 KiB (Docker's chunk), or what `lines.max_bytes` or Loki allows. */
const SMALLEST_PIECE = 1024;

/**
 * What Loki has of a slice and the Engine has not. Older than the Engine's log: rotated away. Else it may be a
 * piece of a line that was not ended for so long that the collector delivered what there was of it
 * (`lines.open_max_age`); and what is not even that is unknown.
 */
export class LokiOnly {
  readonly #oldest: Nanoseconds | undefined;
  readonly #counts: Record<StreamNumber, { rotated: number; unknown: number }> = {
    1: { rotated: 0, unknown: 0 },
    2: { rotated: 0, unknown: 0 },
  };
  readonly #pieces = new Map<string, Piece[]>();
  readonly #texts: number;
  #kept = 0;

  /**
   * @param oldest the stamp of the oldest entry of the Engine's log; undefined: it has none
   * @param texts of how many entries the text is kept
   */
  constructor(oldest: Nanoseconds | undefined, texts: number) {
    this.#oldest = oldest;
    this.#texts = texts;
  }

  static get maxBytes(): number {
    return MOST_PIECES * PIECE_BYTES;
  }

  /** Whether there is anything that was not rotated away. */
  get anyUnknown(): boolean {
    return this.#counts[1].unknown + this.#counts[2].unknown > 0;
  }

  add(stream: StreamNumber, entry: LokiEntry, words: Uint32Array): void {
    const stamp = stampOf(entry.seconds, entry.nanos);
    if (this.#oldest === undefined || stamp < this.#oldest) {
      this.#counts[stream].rotated++;
      return;
    }
    this.#counts[stream].unknown++;
    if (this.#kept >= MOST_PIECES) return;
    const text = this.#kept < this.#texts ? entry.line.slice(0, SAMPLE_CHARACTERS) : undefined;
    const bytes = Buffer.byteLength(entry.line);
    const piece: Piece = { stream, stamp, words: words.slice(), bytes, text, used: false };
    const key = keyOf(stream, stamp);
    const pieces = this.#pieces.get(key);
    if (pieces === undefined) this.#pieces.set(key, [piece]);
    else pieces.push(piece);
    this.#kept++;
  }

  /**
   * Looks for a line of the Engine's in pieces: `whole` when they make up all of it, `beginning` when Loki has
   * only its beginning. Pieces that were found are no longer unknown.
   */
  find(
    prints: Fingerprinter,
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
  ): 'whole' | 'beginning' | undefined {
    const pieces = this.#pieces.get(keyOf(stream, stampOf(seconds, nanos)));
    if (pieces === undefined) return undefined;
    const found: Piece[] = [];
    let at = start;
    for (;;) {
      const next = pieces.find((piece) => {
        const last = at > start && at + piece.bytes === end;
        if (piece.used || found.includes(piece) || at + piece.bytes > end) return false;
        if (piece.bytes < SMALLEST_PIECE && !last) return false;
        prints.ofBytes(stream, seconds, nanos, source, at, at + piece.bytes);
        return piece.words.every((word, i) => word === prints.words[i]);
      });
      if (next === undefined) break;
      found.push(next);
      at += next.bytes;
    }
    for (const piece of found) piece.used = true;
    this.#counts[stream].unknown -= found.length;
    if (found.length === 0) return undefined;
    return at === end ? 'whole' : 'beginning';
  }

  countInto(stream: StreamNumber, counts: StreamCounts): void {
    counts.rotated += this.#counts[stream].rotated;
    counts.unknown += this.#counts[stream].unknown;
  }

  /** Entries of which nothing is known. */
  *samples(): Generator<LineSample> {
    for (const pieces of this.#pieces.values()) {
      for (const { stream, stamp, text, used } of pieces) {
        if (!used && text !== undefined) yield { stream: streamName(stream), stamp, text };
      }
    }
  }
}

function keyOf(stream: StreamNumber, stamp: Nanoseconds): string {
  return `${stream} ${stamp}`;
}
