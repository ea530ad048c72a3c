/** Loki's default of `max_entries_limit_per_query`; where it is off or higher, more is asked for when needed. */
export const USUAL_LIMIT = 5000;
/** As many lines of 256 KiB, the longest that Loki takes by default (`max_line_size`), come in one answer. */
const FIRST_LIMIT = 12;
/** What an answer should be at most: half of what gRPC lets through between querier and frontend. */
const WANTED_BYTES = 2 * 1024 * 1024;
/** An answer that does not come costs a minute: the next limit is lower by this at once, */
const CUT = 64;
/** and rises by this with each that comes, so that a log with some long lines here and there costs few of them. */
const RECOVERY = 1.1;

/** Chooses how many entries to ask for, so that the answer stays well under 4 MiB. */
export class PageSize {
  #max: number | undefined;
  /** Bytes an entry, as the last page had it. */
  #measured: number | undefined;
  /** Set after an answer that did not come, raised with each that did. */
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
    this.#cap = Math.ceil(this.#cap * RECOVERY);
  }

  didNotCome(limit: number): void {
    this.#cap = Math.max(1, Math.floor(limit / CUT));
  }

  limited(max: number): void {
    this.#max = Math.max(1, max);
  }
}
