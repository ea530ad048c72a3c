import type { LokiTransport } from '../transport.js';
import { PollardError } from '../../model/errors.js';
import type { Nanoseconds } from '../../model/nanoseconds.js';
import type { StampRange } from './stamp-range.js';

export interface EntryCounterOptions {
  readonly transport: Pick<LokiTransport, 'get'>;
  readonly tenant?: string;
  /** The longest range of one query, ns (`max_query_length`). */
  readonly maxRange: Nanoseconds;
}

/**
 * The number of entries that a selector has in a range; undefined: Loki does not answer that.
 *
 * @throws the signal's reason when it aborts
 */
export type EntryCounter = (
  selector: string,
  range: StampRange,
  signal: AbortSignal,
) => Promise<number | undefined>;

/** The frontend may remember an answer from before the entries were pushed. */
const HEADERS = { 'cache-control': 'no-cache' };

/**
 * Counts entries with a metric query, which transfers no lines. Loki counts every copy of an entry that it stores more
 * than once (measured on 3.7.6), so a count is proof only when it is exactly the expected one.
 */
export function entryCounter({ transport, tenant, maxRange }: EntryCounterOptions): EntryCounter {
  return async (selector, range, signal) => {
    let count = 0;
    for (let from = range.from; from < range.until; from += maxRange) {
      const until = from + maxRange < range.until ? from + maxRange : range.until;
      const parameters = {
        // A range vector excludes its begin and includes its end (pkg/logql/range_vector.go).
        query: `sum(count_over_time(${selector}[${until - from}ns]))`,
        time: String(until - 1n),
      };
      const query = { parameters, headers: HEADERS, ...(tenant === undefined ? {} : { tenant }) };
      const part = await answered(transport, query, signal);
      if (part === undefined) return undefined;
      count += part;
    }
    return count;
  };
}

async function answered(
  transport: EntryCounterOptions['transport'],
  query: Parameters<LokiTransport['get']>[1],
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const { status, body } = await transport.get('/loki/api/v1/query', query, signal);
    return status === 200 ? readVector(body) : undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PollardError) return undefined;
    throw error;
  }
}

interface Answer {
  readonly data?: { readonly resultType?: unknown; readonly result?: unknown };
}

/** A vector of one sample, or of none where no entry is found. */
function readVector(body: string): number | undefined {
  let answer: Answer | null;
  try {
    answer = JSON.parse(body) as Answer | null;
  } catch {
    return undefined;
  }
  const { resultType, result } = answer?.data ?? {};
  if (resultType !== 'vector' || !Array.isArray(result) || result.length > 1) return undefined;
  if (result.length === 0) return 0;
  const [sample] = result as readonly ({ readonly value?: unknown } | null)[];
  const value = sample?.value;
  const count = Array.isArray(value) && typeof value[1] === 'string' ? Number(value[1]) : NaN;
  return Number.isSafeInteger(count) ? count : undefined;
}
