import type { AnchorEntry, OpenLine } from '../model/cursor.js';
import { NS_PER_SECOND } from '../model/nanoseconds.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import { fingerprint } from './fingerprint.js';
import { FrontRows } from './front-rows.js';

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
  /** The same, if the answer turned out to show the beginning of the log, and without new entries. */
  readonly endsWhole: boolean;
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
  readonly endsWhole = false;

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

export interface MatchRules {
  /**
   * What follows a part of the anchor counts as new. Only for a log that is known not to hold the anchor's end: among
   * equal entries a part may be found where the whole is yet to come.
   */
  readonly acceptsPart?: boolean | undefined;
  /**
   * Set: the answer may begin anywhere in the log (`tail`); the lines that are open at the anchor's end. Left out: it
   * begins where the log does, or before all entries with the anchor's timestamps.
   */
  readonly window?: { readonly open: readonly OpenLine[] } | undefined;
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
 *
 * Where the answer may begin inside a row of equal entries, their numbers may be wrong (see FrontRows). Such an entry
 * could be each one of the anchor that has its timestamp, and proves nothing: the anchor is found only if another entry
 * of it is.
 */
export class AnchorMatcher implements Alignment {
  readonly #seconds: Float64Array;
  readonly #nanos: Float64Array;
  readonly #streams: Uint8Array;
  readonly #hashes: readonly string[];
  readonly #last: number;
  readonly #acceptsPart: boolean;
  readonly #front: FrontRows | undefined;
  /** What would be found if the answer began with the log, or not inside a row. */
  readonly #ifWhole: AnchorMatcher | undefined;
  #isNewIfWhole = false;
  #state = 0;
  /** Of the state, the ways to match that hold an entry whose number is known. */
  #proven = 0;
  /** Likewise, an entry whose number is likely. */
  #likely = 0;
  #first = true;
  #aligned: boolean;
  #isUnclear = false;

  /** @param anchor at most MAX_ANCHOR entries; none means the beginning of the log, so everything is new */
  constructor(anchor: readonly AnchorEntry[], { acceptsPart = false, window }: MatchRules = {}) {
    if (anchor.length > MAX_ANCHOR) throw new RangeError(`an anchor of ${anchor.length} entries`);
    this.#seconds = Float64Array.from(anchor, (entry) => Number(entry.stamp / NS_PER_SECOND));
    this.#nanos = Float64Array.from(anchor, (entry) => Number(entry.stamp % NS_PER_SECOND));
    this.#streams = Uint8Array.from(anchor, (entry) => (entry.stream === 'stdout' ? 1 : 2));
    this.#hashes = anchor.map((entry) => entry.hash);
    this.#acceptsPart = acceptsPart;
    this.#front = window && new FrontRows(window.open);
    this.#ifWhole = window && new AnchorMatcher(anchor);
    this.#last = anchor.length - 1;
    this.#aligned = anchor.length === 0;
  }

  /** The anchor, or an accepted part of it, was found: the answer is continuous with what was delivered. */
  get found(): boolean {
    return this.#aligned || this.#ended() || (this.#acceptsPart && this.#state !== 0);
  }

  /** The anchor was found, if the answer turned out to show the beginning of the log. */
  get foundIfWhole(): boolean {
    return this.found || this.#ifWhole?.found === true;
  }

  get endsWhole(): boolean {
    return this.foundIfWhole && !this.#isNewIfWhole;
  }

  /** The answer shows entries that may be the anchor's, and not enough to prove it: a wider one may. */
  get isUnclear(): boolean {
    return this.#isUnclear && !this.found;
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
    if (this.#ifWhole?.place(stream, seconds, nanos, source, start, end, repeat) === 'new') {
      this.#isNewIfWhole = true;
    }
    const number = this.#front?.next(stream, seconds, nanos, repeat) ?? 'known';
    const possible = this.#placesAt(stream, seconds, nanos);
    const exact =
      possible === 0 || number === 'unknown' ? 0 : this.#equalTo(possible, source, start, end, repeat);
    const equal = number === 'known' ? exact : possible;
    if (number !== 'known' && possible !== 0) this.#isUnclear = true;
    const continued = (this.#state << 1) & equal;
    const hasEnded = this.#ended();
    if (continued === 0 && (hasEnded || (equal === 0 && this.#state !== 0 && this.#acceptsPart))) {
      // Behind the anchor's end; or behind the part of it that is left.
      this.#aligned = true;
      return 'new';
    }
    const begun = this.#mayBegin(continued, hasEnded) & equal;
    this.#first = false;
    this.#state = continued | begun;
    this.#proven = number === 'known' ? this.#state : (this.#proven << 1) & continued;
    const likely = ((this.#likely << 1) & continued) | (number === 'likely' ? this.#state : 0);
    this.#likely = likely & exact;
    if (this.#state === 0) return 'unknown';
    if (this.#ended()) {
      const certain = this.#certain();
      // What began later than the run that ends here is no alternative to it.
      const isContinued = (continued & (1 << this.#last)) !== 0;
      this.#state = isContinued ? certain & continued : certain;
      this.#proven &= this.#state;
      this.#likely &= this.#state;
      // With a shorter alternative still open, the next entry decides.
      if (this.#state === 1 << this.#last) this.#aligned = true;
    }
    return 'anchor';
  }

  /** Where in the anchor a run may begin: at its first entry; or the answer begins inside it, at any of its places. */
  #mayBegin(continued: number, hasEnded: boolean): number {
    if (hasEnded) return 0;
    if (this.#first) return -1;
    if (this.#acceptsPart) return continued === 0 ? -1 : 0;
    return 1;
  }

  /** The entry read last may have been the anchor's last. */
  #ended(): boolean {
    return (this.#certain() & (1 << this.#last)) !== 0;
  }

  /** Of the state, the ways to match that are proven. */
  #certain(): number {
    return this.#proven | (this.#front?.proves === true ? this.#likely : 0);
  }

  /** The places in the anchor with this stream and timestamp, as bits. */
  #placesAt(stream: StreamNumber, seconds: number, nanos: number): number {
    let bits = 0;
    for (let i = 0; i <= this.#last; i++) {
      if (this.#nanos[i] === nanos && this.#seconds[i] === seconds && this.#streams[i] === stream)
        bits |= 1 << i;
    }
    return bits;
  }

  /** Of these places in the anchor those of which this could be the entry, as bits. */
  #equalTo(places: number, source: Buffer, start: number, end: number, repeat: number): number {
    const hash = fingerprint(source, start, end, repeat);
    let bits = 0;
    for (let i = 0; i <= this.#last; i++) {
      if ((places & (1 << i)) !== 0 && hash === this.#hashes[i]) bits |= 1 << i;
    }
    return bits;
  }
}
