import { NS_PER_MS, type Nanoseconds } from '../../model/nanoseconds.js';
import { parseLabels } from './labels.js';
import { duration, goDuration, type LokiLimits } from './limits.js';
import type { StoredStream } from './log-store.js';
import { readStamp } from './query.js';
import { parseLogQuery, SelectorError, type LogQuery } from './selector.js';

export interface CountQuery extends LogQuery {
  /** The range is `(end - length, end]`. */
  readonly end: Nanoseconds;
  /** ns. */
  readonly length: Nanoseconds;
}

const COUNT = /^\s*sum\s*\(\s*count_over_time\s*\(\s*(.+)\[(\d+)(ns|ms|s|m|h)\]\s*\)\s*\)\s*$/s;
const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  ms: NS_PER_MS,
  s: 1000n * NS_PER_MS,
  m: 60_000n * NS_PER_MS,
  h: 3_600_000n * NS_PER_MS,
};

/**
 * Reads an instant query (pkg/loghttp/params.go, query.go): `time` is now by default. Of metric queries only the sum of
 * a count over time is understood.
 *
 * @throws SelectorError for what Loki answers with 400
 */
export function readCountQuery(
  parameters: URLSearchParams,
  now: Nanoseconds,
  limits: LokiLimits,
): CountQuery {
  const end = readStamp(parameters, 'time') ?? now;
  const query = parameters.get('query') ?? '';
  const [, log, number, unit] = COUNT.exec(query) ?? [];
  if (log === undefined || number === undefined || unit === undefined) {
    // pkg/logqlmodel/error.go, ErrUnsupportedSyntaxForInstantQuery.
    if (query.trim().startsWith('{')) {
      parseLogQuery(query);
      throw new SelectorError(
        'log queries are not supported as an instant query type, please change your query to a range query type',
      );
    }
    throw new SelectorError('parse error : the simulator understands sum(count_over_time(...)) alone');
  }
  const length = BigInt(number) * (UNITS[unit] as bigint);
  const ms = Number(length / NS_PER_MS);
  if (limits.maxQueryLengthMs > 0 && ms > limits.maxQueryLengthMs) {
    const figures = `(query length: ${goDuration(ms)}, limit: ${duration(limits.maxQueryLengthMs)})`;
    throw new SelectorError(`the query time range exceeds the limit ${figures}`);
  }
  return { ...parseLogQuery(log.trim()), end, length };
}

/** Begin exclusive, end inclusive (pkg/logql/range_vector.go). Every copy of an entry counts. */
export function countEntries(
  streams: Iterable<StoredStream>,
  { matches, keeps, end, length }: CountQuery,
): number {
  let count = 0;
  for (const stream of streams) {
    if (!matches(stream.labels)) continue;
    stream.visit(end - length, end, (entry) => {
      if (keeps(stream.labels, entry.metadata)) count++;
    });
  }
  return count;
}

/** Of a simulator that keeps no entries, and so none of their timestamps and metadata. */
export function countOfStreams(
  counted: Readonly<Record<string, number>>,
  { matches }: Pick<CountQuery, 'matches'>,
): number {
  let count = 0;
  for (const [labels, entries] of Object.entries(counted)) {
    if (matches(parseLabels(labels))) count += entries;
  }
  return count;
}
