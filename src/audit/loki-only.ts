import type { StreamNumber } from '../docker/entry-sink.js';
import type { LinePiece } from '../model/line-piece.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import { canonicalText, REPLACEMENT } from './fingerprinter.js';
import type { LokiEntry } from '../loki/read/loki-query.js';
import type { LineSample, StreamCounts } from './report.js';
import { stampOf } from '../loki/read/stamp-range.js';
import { streamName } from './subject.js';

/** An entry of Loki's that may be a piece of a line of the Engine's. */
export interface Candidate {
  readonly stamp: Nanoseconds;
  /** Its fingerprint. */
  readonly words: Uint32Array;
  /** UTF-16 units of its canonical text. */
  readonly units: number;
  /** The text begins with what was not UTF-8. */
  readonly startsReplaced: boolean;
  /** What its structured metadata says of it. */
  readonly piece: LinePiece | undefined;
  /** It is in Loki as the Engine's line says. */
  readonly expected?: boolean;
}

interface Kept extends Candidate {
  readonly stream: StreamNumber;
  /** Of the first ones; the others are only counted. */
  readonly text: string | undefined;
}

/** Entries kept at most; about what one of them takes. */
const MOST_KEPT = 20_000;
const KEPT_BYTES = 250;
const SAMPLE_CHARACTERS = 500;

/**
 * What Loki has of a slice and the Engine has not. Older than the Engine's log: rotated away. Else it may be a
 * piece of a line that was cut at other places than its length asks for: it was not ended for so long that the
 * collector delivered what there was of it (`lines.open_max_age`), or was delivered by other settings. And what is
 * not even that is unknown.
 */
export class LokiOnly {
  readonly #oldest: Nanoseconds | undefined;
  readonly #counts: Record<StreamNumber, { rotated: number; unknown: number }> = {
    1: { rotated: 0, unknown: 0 },
    2: { rotated: 0, unknown: 0 },
  };
  readonly #kept: Record<StreamNumber, Kept[]> = { 1: [], 2: [] };
  /** Of those kept. */
  readonly #unexplained = new Set<Candidate>();
  readonly #texts: number;
  #sorted = false;

  /**
   * @param oldest the stamp of the oldest entry of the Engine's log; undefined: it has none
   * @param texts of how many entries the text is kept
   */
  constructor(oldest: Nanoseconds | undefined, texts: number) {
    this.#oldest = oldest;
    this.#texts = texts;
  }

  static get maxBytes(): number {
    return MOST_KEPT * KEPT_BYTES;
  }

  /** Whether there is anything that was not rotated away. */
  get anyUnknown(): boolean {
    return this.#counts[1].unknown + this.#counts[2].unknown > 0;
  }

  add(stream: StreamNumber, entry: LokiEntry, words: Uint32Array): void {
    const { piece } = entry;
    const stamp = stampOf(entry.seconds, entry.nanos);
    if (this.#oldest === undefined || (piece?.lineId ?? stamp) < this.#oldest) {
      this.#counts[stream].rotated++;
      return;
    }
    this.#counts[stream].unknown++;
    const kept = this.#kept[1].length + this.#kept[2].length;
    if (kept >= MOST_KEPT) return;
    const text = kept < this.#texts ? entry.line.slice(0, SAMPLE_CHARACTERS) : undefined;
    const one: Kept = { stream, stamp, ...textOf(entry.line), words: words.slice(), piece, text };
    this.#kept[stream].push(one);
    this.#unexplained.add(one);
    this.#sorted = false;
  }

  /**
   * Entries that may be pieces of a line: those that say so, and those that say nothing and have a stamp from that
   * of the line on. In the order of their stamps.
   *
   * @param lineId the stamp of the line's first piece
   * @param most pieces that the line may have
   */
  candidates(stream: StreamNumber, lineId: Nanoseconds, most: number): Candidate[] {
    const kept = this.#kept[stream];
    if (kept.length === 0) return [];
    if (!this.#sorted) {
      for (const each of [1, 2] as const) this.#kept[each].sort((a, b) => compare(a.stamp, b.stamp));
      this.#sorted = true;
    }
    const found: Candidate[] = [];
    for (let at = firstFrom(kept, lineId); at < kept.length; at++) {
      const entry = kept[at] as Kept;
      if (entry.stamp >= lineId + BigInt(most)) break;
      const mayBe = entry.piece === undefined || entry.piece.lineId === lineId;
      if (mayBe && this.#unexplained.has(entry)) found.push(entry);
    }
    return found;
  }

  /** These are pieces of a line, and no longer unknown. Entries that the Engine has are passed over. */
  explain(stream: StreamNumber, pieces: readonly Candidate[]): void {
    for (const piece of pieces) {
      if (this.#unexplained.delete(piece)) this.#counts[stream].unknown--;
    }
  }

  countInto(stream: StreamNumber, counts: StreamCounts): void {
    counts.rotated += this.#counts[stream].rotated;
    counts.unknown += this.#counts[stream].unknown;
  }

  /** Entries of which nothing is known. */
  *samples(): Generator<LineSample> {
    for (const entry of [...this.#kept[1], ...this.#kept[2]]) {
      const { stream, stamp, text } = entry;
      if (text === undefined || !this.#unexplained.has(entry)) continue;
      yield { stream: streamName(stream), stamp, text };
    }
  }
}

/** What of a text tells whether it is a part of another. */
export function textOf(line: string): Pick<Candidate, 'units' | 'startsReplaced'> {
  const text = canonicalText(line);
  return { units: text.length, startsReplaced: text.startsWith(REPLACEMENT) };
}

function firstFrom(kept: readonly Kept[], stamp: Nanoseconds): number {
  let low = 0;
  let high = kept.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((kept[middle] as Kept).stamp < stamp) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compare(a: Nanoseconds, b: Nanoseconds): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
