import type { AnchorEntry } from '../model/cursor.js';
import { NS_PER_SECOND } from '../model/nanoseconds.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import { fingerprint } from './fingerprint.js';

/** An anchor has at most as many entries as a bit mask holds. */
export const MAX_ANCHOR = 32;

/** Where an entry of an answer stands, as seen from the cursor. */
export type Place =
  /** Not told yet: before the anchor, or the anchor is not in this answer. */
  | 'unknown'
  /** One of the anchor's own entries. */
  | 'anchor'
  /** Behind the anchor: this entry and all that follow are new. */
  | 'new';

/**
 * Finds the anchor run in an answer, entry by entry, in constant memory.
 *
 * Entries of an answer are in file order, and the anchor is a contiguous run of the log: so it stands
 * contiguously in every answer that reaches back to it, or an end of it does where the answer begins inside it.
 * The search is the bit-parallel one (Shift-And): bit j of the state says that the entries read last are the
 * anchor's up to its j-th. All that follows its last entry is new, whatever its stamp. When the run breaks off
 * before (the rest of it was lost from the log), what follows is new as well: in doubt an entry is delivered
 * again, which Loki folds, and never skipped.
 */
export class AnchorMatcher {
  readonly #seconds: Float64Array;
  readonly #nanos: Float64Array;
  readonly #streams: Uint8Array;
  readonly #hashes: readonly string[];
  readonly #last: number;
  #state = 0;
  #aligned: boolean;

  /** @param anchor at most MAX_ANCHOR entries; none means the beginning of the log, so everything is new */
  constructor(anchor: readonly AnchorEntry[]) {
    if (anchor.length > MAX_ANCHOR) throw new RangeError(`an anchor of ${anchor.length} entries`);
    this.#seconds = Float64Array.from(anchor, (entry) => Number(entry.stamp / NS_PER_SECOND));
    this.#nanos = Float64Array.from(anchor, (entry) => Number(entry.stamp % NS_PER_SECOND));
    this.#streams = Uint8Array.from(anchor, (entry) => (entry.stream === 'stdout' ? 1 : 2));
    this.#hashes = anchor.map((entry) => entry.hash);
    this.#last = anchor.length - 1;
    this.#aligned = anchor.length === 0;
  }

  /** The anchor, or a part of it, was found: the answer is continuous with what was delivered. */
  get found(): boolean {
    return this.#aligned || this.#state !== 0;
  }

  /** The search is over: all further entries are new and need not be shown to the matcher. */
  get done(): boolean {
    return this.#aligned;
  }

  /** Shows the next entry of the answer. */
  place(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
  ): Place {
    if (this.#aligned) return 'new';
    const equal = this.#equalTo(stream, seconds, nanos, source, start, end);
    const continued = ((this.#state << 1) | 1) & equal;
    if (equal === 0) {
      if (this.#state === 0) return 'unknown';
      this.#aligned = true;
      return 'new';
    }
    // An anchor entry that does not continue the run: the answer begins inside the anchor, or some of it is
    // missing here. Any of its places is possible then.
    this.#state = this.#state !== 0 && continued !== 0 ? continued : equal;
    if ((this.#state & (1 << this.#last)) !== 0) this.#aligned = true;
    return 'anchor';
  }

  /** The places in the anchor of which this could be the entry, as bits. */
  #equalTo(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
  ): number {
    let bits = 0;
    let hash: string | undefined;
    for (let i = 0; i <= this.#last; i++) {
      if (this.#nanos[i] !== nanos || this.#seconds[i] !== seconds || this.#streams[i] !== stream) continue;
      hash ??= fingerprint(source, start, end);
      if (hash === this.#hashes[i]) bits |= 1 << i;
    }
    return bits;
  }
}
