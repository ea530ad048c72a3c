import { NS_PER_MS, NS_PER_SECOND, parseStamp, type Nanoseconds } from '../../model/nanoseconds.js';
import { lineText, type Entry } from './entry.js';
import { formatLabels, toRecord, type Label } from './labels.js';
import { duration, goDuration, type LokiLimits } from './limits.js';
import type { StoredStream } from './log-store.js';
import { parseLogQuery, SelectorError, type LogQuery } from './selector.js';

const HOUR_NS = 3600n * NS_PER_SECOND;
const DEFAULT_LIMIT = 100;

export interface RangeQuery extends LogQuery {
  readonly start: Nanoseconds;
  readonly end: Nanoseconds;
  readonly limit: number;
  readonly forward: boolean;
}

/**
 * Reads the parameters of query_range (pkg/loghttp/params.go, query.go): stamps as ns, as seconds (up to ten
 * digits, or with a fraction) or RFC 3339; `end` is now and `start` an hour before by default; `limit` 100;
 * backward.
 *
 * @throws SelectorError for what Loki answers with 400
 */
export function readRangeQuery(
  parameters: URLSearchParams,
  now: Nanoseconds,
  limits: LokiLimits,
): RangeQuery {
  const { start, end } = readBounds(parameters, now);
  if (end < start) throw new SelectorError('end timestamp must not be before or equal to start time');
  const limit = Number(parameters.get('limit') ?? DEFAULT_LIMIT);
  if (!Number.isInteger(limit)) {
    throw new SelectorError(
      `strconv.Atoi: parsing ${JSON.stringify(parameters.get('limit'))}: invalid syntax`,
    );
  }
  if (limit <= 0) throw new SelectorError('limit must be a positive value');
  const direction = (parameters.get('direction') ?? 'backward').toLowerCase();
  if (direction !== 'forward' && direction !== 'backward') {
    throw new SelectorError(`invalid direction '${direction}'`);
  }
  const query = parseLogQuery(parameters.get('query') ?? '');
  // pkg/querier/queryrange/limits.go
  if (limits.maxEntriesPerQuery > 0 && limit > limits.maxEntriesPerQuery) {
    const figures = `(${limit} > ${limits.maxEntriesPerQuery})`;
    throw new SelectorError(
      `max entries limit per query exceeded, limit > max_entries_limit_per_query ${figures}`,
    );
  }
  const length = Number((end - start) / NS_PER_MS);
  if (limits.maxQueryLengthMs > 0 && length > limits.maxQueryLengthMs) {
    const figures = `(query length: ${goDuration(length)}, limit: ${duration(limits.maxQueryLengthMs)})`;
    throw new SelectorError(`the query time range exceeds the limit ${figures}`);
  }
  return { ...query, start, end, limit, forward: direction === 'forward' };
}

/** @throws SelectorError */
export function readBounds(
  parameters: URLSearchParams,
  now: Nanoseconds,
): { start: Nanoseconds; end: Nanoseconds } {
  const end = readStamp(parameters, 'end') ?? now;
  const start = readStamp(parameters, 'start') ?? (end < now ? end : now) - HOUR_NS;
  return { start, end };
}

export function readStamp(parameters: URLSearchParams, name: string): Nanoseconds | undefined {
  const text = parameters.get(name);
  if (text === null || text === '') return undefined;
  if (/^-?\d+\.\d+$/.test(text)) return BigInt(Math.round(Number(text) * 1000)) * NS_PER_MS;
  if (/^-?\d+$/.test(text)) return text.length <= 10 ? BigInt(text) * NS_PER_SECOND : BigInt(text);
  const stamp = parseStamp(text);
  if (stamp !== undefined) return stamp;
  throw new SelectorError(`could not parse '${name}' parameter: parsing time ${JSON.stringify(text)}`);
}

interface Found {
  readonly stream: StoredStream;
  readonly entry: Entry;
}

/**
 * The entries of a query, `start` inclusive, `end` exclusive, in the order of the direction, at most `limit` of
 * all streams together.
 */
export function findEntries(streams: Iterable<StoredStream>, query: RangeQuery): Found[] {
  const found: Found[] = [];
  for (const stream of streams) {
    if (!query.matches(stream.labels)) continue;
    const all = stream.shown();
    const from = stream.firstFrom(query.start);
    const to = Math.max(stream.firstFrom(query.end), from);
    const step = query.forward ? 1 : -1;
    let left = query.limit;
    for (let at = query.forward ? from : to - 1; left > 0 && at >= from && at < to; at += step) {
      const entry = all[at] as Entry;
      if (!query.keeps(stream.labels, entry.metadata)) continue;
      found.push({ stream, entry });
      left--;
    }
  }
  const sign = query.forward ? 1 : -1;
  found.sort(({ entry: a }, { entry: b }) => (a.stamp === b.stamp ? 0 : a.stamp < b.stamp ? -sign : sign));
  return found.slice(0, query.limit);
}

/** About what the answer takes between querier and frontend, as protobuf. */
export function answerBytes(found: readonly Found[]): number {
  let bytes = 0;
  for (const { entry } of found) {
    bytes += entry.line.length + 20;
    for (const { name, value } of entry.metadata) bytes += name.length + value.length + 6;
  }
  return bytes;
}

interface ResultStream {
  readonly stream: Record<string, string>;
  readonly values: unknown[][];
}

/**
 * The result as Loki presents it (pkg/util/marshal/query.go). By default structured metadata are labels of the
 * stream, so that one stream comes as several; with `categorize-labels` they stand beside each line.
 */
export function presentStreams(found: readonly Found[], categorize: boolean): ResultStream[] {
  const results = new Map<string, ResultStream>();
  for (const { stream, entry } of found) {
    const labels = categorize ? stream.labels : merged(stream.labels, entry.metadata);
    const key = categorize ? stream.name : formatLabels(labels);
    let result = results.get(key);
    if (result === undefined) results.set(key, (result = { stream: toRecord(labels), values: [] }));
    const value: unknown[] = [String(entry.stamp), lineText(entry.line)];
    if (categorize) {
      value.push(entry.metadata.length > 0 ? { structuredMetadata: toRecord(entry.metadata) } : {});
    }
    result.values.push(value);
  }
  return [...results].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, result]) => result);
}

/** A name that the stream has itself gets `_extracted` (pkg/logql/log/labels.go). */
function merged(labels: readonly Label[], metadata: readonly Label[]): Label[] {
  const own = new Set(labels.map(({ name }) => name));
  const more = metadata.map(({ name, value }) => ({
    name: own.has(name) ? `${name}_extracted` : name,
    value,
  }));
  return [...labels, ...more].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
