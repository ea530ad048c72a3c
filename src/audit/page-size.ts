/** Loki's default of `max_entries_limit_per_query`; where it is off or higher, more is asked for when needed. */
export const USUAL_LIMIT = 5000;
/** No answer to one question is made longer, whatever Loki allows, but for a stamp with more entries. */
const FIRST_LIMIT = 500;
/** What an answer should be at most: half of what gRPC lets through between querier and frontend. */
const WANTED_BYTES = 2 * 1024 * 1024;

/** Chooses how many entries to ask for, so that the answer stays well under 4 MiB. */
export class PageSize {
  #max: number | undefined;
  /** Bytes an entry, as the last page had it. */
  #measured: number | undefined;
  /** Set after an answer that did not come, doubled with each that did. */
  #cap = Infinity;

  /** The most entries that Loki gives at once, as far as is known. */
  get max(): number {
    return this.#max ?? USUAL_LIMIT;
  }

  /** Whether that was said by Loki. */
  get maxKnown(): boolean {
    return this.#max !== undefined;
  }

  /**
   * The limit for the next page.
   *
   * @param expected how many entries from here on have the wanted size together, where that is known
   */
  next(expected: number | undefined): number {
    const measured = this.#measured === undefined ? FIRST_LIMIT : WANTED_BYTES / this.#measured;
    const wanted = Math.min(expected ?? measured, this.max, this.#cap);
    return Math.max(1, Math.floor(wanted));
  }

  /** What `next` calls the wanted size, bytes. */
  static get wantedBytes(): number {
    return WANTED_BYTES;
  }

  came(entries: number, bytes: number): void {
    if (entries > 0) this.#measured = bytes / entries;
    this.#cap *= 2;
  }

  didNotCome(limit: number): void {
    this.#cap = Math.max(1, Math.floor(limit / 2));
  }

  limited(max: number): void {
    this.#max = Math.max(1, max);
  }
}
