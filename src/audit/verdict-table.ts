import type { StreamNumber } from '../docker/entry-sink.js';
import { FingerprintTable } from './fingerprint-table.js';

/** What is known of a line of the Engine's; kept in seven bits. */
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

const STDERR = 0x80;

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

  add(words: Uint32Array, verdict: number, stream: StreamNumber): 'added' | 'known' | 'full' {
    return this.#table.add(words, inStream(verdict, stream));
  }

  /** Where a line stands, or -1. */
  find(words: Uint32Array): number {
    return this.#table.find(words);
  }

  verdictOf(slot: number): number {
    return this.#table.stateOf(slot) & ~STDERR;
  }

  set(slot: number, verdict: number): void {
    this.#table.setState(slot, (this.#table.stateOf(slot) & STDERR) | verdict);
  }

  /** How many lines have a verdict, in one stream or in both. */
  having(verdict: number, stream?: StreamNumber): number {
    if (stream !== undefined) return this.#table.count(inStream(verdict, stream));
    return this.having(verdict, 1) + this.having(verdict, 2);
  }
}

function inStream(verdict: number, stream: StreamNumber): number {
  return stream === 1 ? verdict : verdict | STDERR;
}
