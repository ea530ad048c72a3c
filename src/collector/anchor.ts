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

/** Tells for each entry of an answer, one after the other, whether it is new. */
export interface Alignment {
  /** The answer is continuous with what was delivered. */
  readonly found: boolean;
  /** All further entries are new and need not be shown. */
  readonly done: boolean;
  /** Shows the next entry of the answer. `repeat` is its number among equal ones; see Repeats. */
  place(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    repeat: number,
  ): Place;
}

/** Takes an entry and all behind it for new: where the first one after a damaged place is known. */
export class StartMatcher implements Alignment {
  readonly #matcher: AnchorMatcher;
  done = false;

  constructor(first: AnchorEntry) {
    this.#matcher = new AnchorMatcher([first]);
  }

  get found(): boolean {
    return this.done;
  }

  place(...entry: Parameters<Alignment['place']>): Place {
    if (this.done) return 'new';
    this.done = this.#matcher.place(...entry) === 'anchor';
    return this.done ? 'new' : 'unknown';
  }
}

/**
 * Finds the anchor run in an answer, entry by entry, in constant memory.
 *
 * Entries of an answer are in file order, and the anchor is a contiguous run of the log: so it stands
 * contiguously in every answer that reaches back to it, or an end of it does where the answer begins inside it.
 * The search is the bit-parallel one (Shift-And): bit j of the state says that the entries read last are the
 * anchor's up to its j-th. All that follows its last entry is new, whatever its stamp. Where the
 * end of the run was lost from the log, what follows the rest of it is new. Where equal entries leave several
 * ways to match, the longest is taken: what it skips is equal, to the nanosecond, to what Loki holds.
 */
export class AnchorMatcher implements Alignment {
  readonly #seconds: Float64Array;
  readonly #nanos: Float64Array;
  readonly #streams: Uint8Array;
  readonly #hashes: readonly string[];
  readonly #last: number;
  readonly #acceptsPart: boolean;
  #state = 0;
  #first = true;
  #aligned: boolean;

  /**
   * @param anchor at most MAX_ANCHOR entries; none means the beginning of the log, so everything is new
   * @param acceptsPart what follows a part of the anchor counts as new. Only for a log that is known not to hold
   *   the anchor's end: among equal entries a part may be found where the whole is yet to come.
   */
  constructor(anchor: readonly AnchorEntry[], acceptsPart = false) {
    if (anchor.length > MAX_ANCHOR) throw new RangeError(`an anchor of ${anchor.length} entries`);
    this.#seconds = Float64Array.from(anchor, (entry) => Number(entry.stamp / NS_PER_SECOND));
    this.#nanos = Float64Array.from(anchor, (entry) => Number(entry.stamp % NS_PER_SECOND));
    this.#streams = Uint8Array.from(anchor, (entry) => (entry.stream === 'stdout' ? 1 : 2));
    this.#hashes = anchor.map((entry) => entry.hash);
    this.#acceptsPart = acceptsPart;
    this.#last = anchor.length - 1;
    this.#aligned = anchor.length === 0;
  }

  /** The anchor, or an accepted part of it, was found: the answer is continuous with what was delivered. */
  get found(): boolean {
    return this.#aligned || this.#ended() || (this.#acceptsPart && this.#state !== 0);
  }

  /** How many entries of the anchor the log still holds, when the answer ended with a part of it. */
  get part(): number {
    return 32 - Math.clz32(this.#state);
  }

  /** The search is over: all further entries are new and need not be shown to the matcher. */
  get done(): boolean {
    return this.#aligned;
  }

  /** Shows the next entry of the answer. `repeat` is its number among equal ones; see Repeats. */
  place(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    repeat: number,
  ): Place {
    if (this.#aligned) return 'new';
    const equal = this.#equalTo(stream, seconds, nanos, source, start, end, repeat);
    const continued = (this.#state << 1) & equal;
    const first = this.#first;
    this.#first = false;
    if (continued !== 0) {
      this.#state = continued;
    } else if (this.#ended() || (equal === 0 && this.#state !== 0 && this.#acceptsPart)) {
      // Behind the anchor's end; or behind the part of it that is left.
      this.#aligned = true;
      return 'new';
    } else if (equal === 0) {
      this.#state = 0;
      return 'unknown';
    } else {
      // The anchor begins here; or the answer begins inside it, at any of its places.
      this.#state = first || this.#acceptsPart ? equal : equal & 1;
      if (this.#state === 0) return 'unknown';
    }
    // With a shorter alternative still open, the next entry decides.
    if (this.#state === 1 << this.#last) this.#aligned = true;
    return 'anchor';
  }

  /** The entry read last may have been the anchor's last. */
  #ended(): boolean {
    return (this.#state & (1 << this.#last)) !== 0;
  }

  /** The places in the anchor of which this could be the entry, as bits. */
  #equalTo(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    repeat: number,
  ): number {
    let bits = 0;
    let hash: string | undefined;
    for (let i = 0; i <= this.#last; i++) {
      if (this.#nanos[i] !== nanos || this.#seconds[i] !== seconds || this.#streams[i] !== stream) continue;
      hash ??= fingerprint(source, start, end, repeat);
      if (hash === this.#hashes[i]) bits |= 1 << i;
    }
    return bits;
  }
}
