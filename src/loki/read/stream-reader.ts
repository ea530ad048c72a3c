import type { Clock, Random } from '../../model/clock.js';
import { NS_PER_MS, type Nanoseconds } from '../../model/nanoseconds.js';
import type { EntrySet } from '../entry-set.js';
import type { Semaphore } from '../semaphore.js';
import type { StreamTarget } from '../stream-target.js';
import type { LokiTransport } from '../transport.js';
import { ExpectedEntries } from './expected-entries.js';
import { LokiQueries, notUnderstood, type PageAnswer } from './loki-query.js';
import { LokiReader } from './loki-reader.js';
import { stampOf } from './stamp-range.js';

export interface StreamReaderOptions {
  readonly transport: LokiTransport;
  /** Bounds the requests under way, those of pushes included. */
  readonly slots: Semaphore;
  readonly clock: Clock;
  readonly random: Random;
}

/** Loki takes timestamps up to this much after now (`creation_grace_period`, 10 min by default), ns. */
const AHEAD = 60n * 60_000n * NS_PER_MS;

/**
 * Asks Loki what it holds of one stream. Nothing is repeated here: each question is asked once.
 *
 * All methods throw LokiRequestError when no answer came, PollardError `loki_query_failed` for a failure that may
 * heal, PollardError `loki_query_refused` when reading is not allowed or not offered, and the signal's reason when it
 * aborts.
 */
export class StreamReader {
  readonly #options: StreamReaderOptions;
  readonly #transport: Pick<LokiTransport, 'get'>;

  constructor(options: StreamReaderOptions) {
    const { transport, slots } = options;
    this.#options = options;
    this.#transport = {
      get: async (path, query, signal) => {
        const release = await slots.acquire(signal);
        try {
          return await transport.get(path, query, signal);
        } finally {
          release();
        }
      },
    };
  }

  /**
   * The timestamp of the newest entry that Loki holds of a stream, ns; undefined: none from `from` on. When the time
   * from there to now is longer than one query may span: now.
   */
  async newest(
    target: StreamTarget,
    from: Nanoseconds,
    signal: AbortSignal,
  ): Promise<Nanoseconds | undefined> {
    const now = this.#options.clock.now();
    const until = (from > now ? from : now) + AHEAD;
    const answer = await this.#queries(target).page(
      { selector: target.labelString, range: { from, until }, limit: 1, direction: 'backward' },
      signal,
    );
    if (answer.kind === 'too-long') return now;
    const [entry] = pageOf(answer);
    return entry === undefined ? undefined : stampOf(entry.seconds, entry.nanos);
  }

  /** The entries of the set that Loki does not hold, in the order of the set. */
  async missing(entries: EntrySet, signal: AbortSignal): Promise<EntrySet> {
    const expected = new ExpectedEntries(entries);
    const reader = new LokiReader({ queries: this.#queries(entries.target) });
    const { malformed } = await reader.read(
      {
        selector: entries.target.labelString,
        range: { from: expected.oldest, until: expected.newest + 1n },
        expected: (from, bytes) => expected.countFrom(from, bytes),
        visit: (entry) => expected.note(entry),
      },
      signal,
    );
    // What was not understood may be what seems to be missing.
    if (malformed > 0) throw notUnderstood();
    return expected.missing();
  }

  #queries({ tenant }: StreamTarget): LokiQueries {
    const { clock, random } = this.#options;
    return new LokiQueries({
      transport: this.#transport,
      clock,
      random,
      tries: 1,
      ...(tenant === undefined ? {} : { tenant }),
    });
  }
}

/** One entry is asked for: an answer that did not come was not too large. */
function pageOf(answer: Exclude<PageAnswer, { kind: 'too-long' }>) {
  switch (answer.kind) {
    case 'page':
      if (answer.malformed > 0) throw notUnderstood();
      return answer.entries;
    case 'too-large':
      throw answer.error;
    case 'limit':
      return [];
  }
}
