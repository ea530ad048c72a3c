import type { StreamNumber } from '../docker/entry-sink.js';
import type { EntryPart } from './digests.js';
import { FingerprintTable } from './fingerprint-table.js';

/** What is known of a line of the Engine's, or of a piece of one; kept in seven bits. */
export const Verdict = {
  /** Must be in Loki. */
  waiting: 1,
  /** Need not be in Loki yet. */
  pending: 2,
  found: 3,
  missing: 4,
  /** Was missing and was sent. */
  sent: 5,
  /** Was sent and is there. */
  repaired: 6,
  stillPending: 7,
  crowded: 8,
  expired: 9,
  changed: 10,
  inPieces: 11,
  /** In Loki, under another name of the container. */
  elsewhere: 12,
  /** In Loki with the container's id, under labels that the settings do not give it. */
  relabelled: 13,
} as const;

/** From here to the last: refused, each number for a kind of refusal. */
export const FIRST_KIND = 32;
export const LAST_KIND = 127;

const VERDICT = 0x7f;
const STDERR = 0x80;
/** The first piece of a long line: its verdict is that of the line. */
const FIRST_PIECE = 0x100;
/** A further one, which is no line of its own. */
const FURTHER_PIECE = 0x200;
const PART: Record<EntryPart, number> = { line: 0, first: FIRST_PIECE, further: FURTHER_PIECE };

/** The Engine's lines of a slice, as fingerprints, and what is known of each. */
export class VerdictTable {
  readonly #table: FingerprintTable;

  /** @param maxEntries for how many lines there is room */
  constructor(maxEntries: number) {
    this.#table = new FingerprintTable(maxEntries);
  }

  get bytes(): number {
    return this.#table.bytes;
  }

  add(
    words: Uint32Array,
    verdict: number,
    stream: StreamNumber,
    part: EntryPart = 'line',
  ): 'added' | 'known' | 'full' {
    return this.#table.add(words, inStream(verdict, stream) | PART[part]);
  }

  /** Where a line stands, or -1. */
  find(words: Uint32Array): number {
    return this.#table.find(words);
  }

  verdictOf(slot: number): number {
    return this.#table.stateOf(slot) & VERDICT;
  }

  set(slot: number, verdict: number): void {
    this.#table.setState(slot, (this.#table.stateOf(slot) & ~VERDICT) | verdict);
  }

  /** How many lines have a verdict, in one stream or in both. */
  having(verdict: number, stream?: StreamNumber): number {
    if (stream === undefined) return this.having(verdict, 1) + this.having(verdict, 2);
    return this.#table.count(inStream(verdict, stream), VERDICT | STDERR | FURTHER_PIECE);
  }

  /** How many of these lines are in pieces. */
  longHaving(verdict: number, stream: StreamNumber): number {
    return this.#table.count(inStream(verdict, stream) | FIRST_PIECE, ALL);
  }

  /** Whether any line, or any piece of one, has one of the verdicts. */
  any(...verdicts: readonly number[]): boolean {
    return verdicts.some((verdict) => this.#table.count(verdict, VERDICT) > 0);
  }

  /** Whether a slot is a further piece of a line. */
  isFurther(slot: number): boolean {
    return (this.#table.stateOf(slot) & FURTHER_PIECE) !== 0;
  }

  /** Whether any further piece of a line has a verdict. */
  anyFurther(verdict: number): boolean {
    return this.#table.count(verdict | FURTHER_PIECE, VERDICT | FURTHER_PIECE) > 0;
  }
}

const ALL = VERDICT | STDERR | FIRST_PIECE | FURTHER_PIECE;

function inStream(verdict: number, stream: StreamNumber): number {
  return stream === 1 ? verdict : verdict | STDERR;
}
