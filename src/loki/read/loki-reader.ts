import type { Nanoseconds } from '../../model/nanoseconds.js';
import {
  notUnderstood,
  type LokiEntry,
  type LokiQueries,
  type PageAnswer,
  type PageQuestion,
} from './loki-query.js';
import { PageSize } from './page-size.js';
import { stampOf, type StampRange } from './stamp-range.js';

export interface LokiReaderOptions {
  readonly queries: LokiQueries;
  /** The longest range of one question, ns (`max_query_length`, by default 30 days and 1 hour). */
  readonly maxRange?: Nanoseconds;
  /** `max_entries_limit_per_query`, where it is known. */
  readonly maxLimit?: number;
  /** Told how many bytes an answer had, while it is looked at. */
  readonly onPage?: (bytes: number) => void;
}

export interface StreamReading {
  /** A stream selector of LogQL, `{a="b"}`. */
  readonly selector: string;
  readonly range: StampRange;
  /** How many entries from a stamp on make up so many bytes together; undefined: not known, or fewer. */
  readonly expected?: (from: Nanoseconds, bytes: number) => number | undefined;
  readonly visit: (entry: LokiEntry) => void;
}

export interface ReadingResult {
  /** Stamps with more entries than Loki gives at once: perhaps not all of them were seen. */
  readonly crowded: readonly Nanoseconds[];
  /** Entries that could not be understood, and were not visited; one at the edge of two pages counts twice. */
  readonly malformed: number;
}

type Page = Extract<PageAnswer, { readonly kind: 'page' }>;

/** Loki's default `max_query_length`, rounded down, ns. */
export const DEFAULT_MAX_RANGE = 30n * 86_400n * 1_000_000_000n;
const SHORTEST_RANGE = 1_000_000_000n;
/** Answers that did not come, with a limit of one entry, after which it is not the size. */
const HOPELESS = 3;
/** No more entries of one stamp are asked for than these, whatever Loki allows. */
const MOST_AT_ONCE = 50_000;

/**
 * Reads the entries of a selector, oldest first, page by page.
 *
 * `start` is inclusive and `end` is not, and a full page may end among entries of one stamp: what it has of its
 * last stamp is left, and the next page begins with that stamp. Where a whole page has only one stamp, more is
 * asked for, up to what Loki allows, and what is then still not seen is said. An answer that does not come is
 * asked for again with a much lower limit, and for half of the range.
 */
export class LokiReader {
  readonly #options: LokiReaderOptions;
  readonly #size = new PageSize();
  #maxRange: Nanoseconds;
  #range: Nanoseconds;
  #fruitless = 0;

  constructor(options: LokiReaderOptions) {
    this.#options = options;
    this.#maxRange = options.maxRange ?? DEFAULT_MAX_RANGE;
    this.#range = this.#maxRange;
    if (options.maxLimit !== undefined && options.maxLimit > 0) this.#size.limited(options.maxLimit);
  }

  /**
   * Visits every entry in the range, those of one stamp together.
   *
   * @throws LokiRequestError, PollardError `loki_query_failed`, `loki_query_refused`; the signal's reason when it
   *   aborts
   */
  async read(reading: StreamReading, signal: AbortSignal): Promise<ReadingResult> {
    const { range, visit, expected } = reading;
    const crowded: Nanoseconds[] = [];
    let malformed = 0;
    // Everything before this stamp was visited.
    let at = range.from;
    while (at < range.until) {
      const until = smaller(at + this.#range, range.until);
      const limit = this.#size.next(expected?.(at, PageSize.wantedBytes));
      const page = await this.#ask(reading, { from: at, until }, limit, 'forward', signal);
      if (page === undefined) continue;
      const { entries } = page;
      malformed += page.malformed;
      const last = entries.at(-1);
      if (last === undefined || entries.length + page.malformed < limit) {
        // Where the next page should begin is not known.
        if (page.malformed >= limit) throw notUnderstood();
        for (const entry of entries) visit(entry);
        at = until;
        continue;
      }
      // Full: of its last stamp there may be more.
      const whole = entries.findIndex((entry) => sameStamp(entry, last));
      for (const entry of entries.slice(0, whole)) visit(entry);
      at = stampOf(last.seconds, last.nanos);
      if (whole > 0) continue;
      if (!(await this.#oneStamp(reading, at, limit, signal))) crowded.push(at);
      at += 1n;
    }
    return { crowded, malformed };
  }

  /**
   * Whether there is any entry in a range, also one that cannot be understood.
   *
   * @throws as read
   */
  async holdsAny(selector: string, range: StampRange, signal: AbortSignal): Promise<boolean> {
    let at = range.from;
    while (at < range.until) {
      const until = smaller(at + this.#range, range.until);
      const page = await this.#ask({ selector }, { from: at, until }, 1, 'forward', signal);
      if (page === undefined) continue;
      if (page.entries.length + page.malformed > 0) return true;
      at = until;
    }
    return false;
  }

  /**
   * Visits the entries of one stamp, more than `came` at once. Where Loki does not give all of them: the first
   * ones and the last ones, and false.
   */
  async #oneStamp(
    reading: StreamReading,
    stamp: Nanoseconds,
    came: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const range = { from: stamp, until: stamp + 1n };
    let seen: readonly LokiEntry[] | undefined;
    let tooMany = Infinity;
    let limit = this.#more(came, tooMany);
    for (;;) {
      const page = await this.#ask(reading, range, limit, 'forward', signal);
      if (page === undefined) {
        tooMany = limit;
        limit = this.#size.max < limit ? this.#size.max : Math.max(1, Math.floor(limit / 2));
        if (seen !== undefined && limit <= seen.length) break;
        continue;
      }
      const { entries } = page;
      if (entries.length + page.malformed < limit) {
        for (const entry of entries) reading.visit(entry);
        return true;
      }
      seen = entries;
      const more = this.#more(limit, tooMany);
      if (more <= limit) break;
      limit = more;
    }
    const known = new Set(seen.map(keyOf));
    const backward = await this.#ask(reading, range, seen.length, 'backward', signal);
    for (const entry of seen) reading.visit(entry);
    for (const entry of backward?.entries ?? []) if (!known.has(keyOf(entry))) reading.visit(entry);
    return false;
  }

  /** A limit that is higher than one that was not enough, as far as Loki allows it. */
  #more(limit: number, tooMany: number): number {
    const max = this.#size.maxKnown ? this.#size.max : MOST_AT_ONCE;
    return Math.max(limit, Math.min(limit * 2, max, MOST_AT_ONCE, tooMany - 1));
  }

  /** Undefined: it did not come; next time, ask for less. */
  async #ask(
    reading: Pick<StreamReading, 'selector'>,
    range: StampRange,
    limit: number,
    direction: PageQuestion['direction'],
    signal: AbortSignal,
  ): Promise<Page | undefined> {
    const { queries, onPage } = this.#options;
    const answer = await queries.page({ selector: reading.selector, range, limit, direction }, signal);
    switch (answer.kind) {
      case 'page':
        this.#fruitless = 0;
        this.#size.came(answer.entries.length + answer.malformed, answer.bytes);
        this.#range = smaller(this.#range * 2n, this.#maxRange);
        onPage?.(answer.bytes);
        return answer;
      case 'limit':
        // A Loki that says a limit no lower than what was asked for is not understood.
        this.#size.limited(Math.min(answer.max, limit - 1));
        return undefined;
      case 'too-long':
        if (this.#maxRange <= SHORTEST_RANGE) throw answer.error;
        this.#maxRange /= 2n;
        this.#range = smaller(this.#range, this.#maxRange);
        return undefined;
      case 'too-large':
        if (limit === 1 && ++this.#fruitless >= HOPELESS) throw answer.error;
        this.#size.didNotCome(limit);
        if (this.#range > SHORTEST_RANGE && range.until - range.from > 1n) this.#range /= 2n;
        return undefined;
    }
  }
}

function sameStamp(a: LokiEntry | undefined, b: LokiEntry): boolean {
  return a !== undefined && a.seconds === b.seconds && a.nanos === b.nanos;
}

function keyOf({ line, containerId }: LokiEntry): string {
  return `${containerId ?? ''}\0${line}`;
}

function smaller(a: Nanoseconds, b: Nanoseconds): Nanoseconds {
  return a < b ? a : b;
}
