import type { LokiAnswer, LokiQuery, LokiTransport } from '../../src/loki/transport.js';

export interface ModelEntry {
  labels: Record<string, string>;
  stamp: bigint;
  line: string;
  containerId?: string;
  /** Further structured metadata. */
  metadata?: Record<string, string>;
}

type Wanted = readonly (readonly [name: string, value: string])[];

/** What Loki answers to `query_range` from entries that it is given, in its smallest form. */
export class ModelLoki implements LokiTransport {
  /** Only to be added to. */
  entries: ModelEntry[] = [];
  #sorted: ModelEntry[] = [];
  maxEntries = 5000;
  /** An answer whose lines have more bytes together does not come. */
  maxBytes = 4 * 1024 * 1024;
  maxLength = 721n * 3_600_000_000_000n;
  /** What `/config` says; undefined: 404. */
  config: string | undefined;
  /** Metric queries are answered. */
  counts = true;
  /** Questions so far. */
  queries = 0;
  /** Answers that did not come. */
  oversized = 0;

  async push(): Promise<LokiAnswer> {
    throw new Error('this one is only read');
  }

  async get(path: string, { parameters = {} }: LokiQuery): Promise<LokiAnswer> {
    await Promise.resolve();
    if (path === '/config') {
      return this.config === undefined ? text(404, 'not found') : text(200, this.config);
    }
    if (path === '/loki/api/v1/query') return this.#count(parameters);
    this.queries++;
    const { query = '', start = '0', end = '0', limit = '100', direction } = parameters;
    const [from, until, max] = [BigInt(start), BigInt(end), Number(limit)];
    if (this.maxEntries > 0 && max > this.maxEntries) {
      const figures = `(${max} > ${this.maxEntries})`;
      return text(
        400,
        `max entries limit per query exceeded, limit > max_entries_limit_per_query ${figures}`,
      );
    }
    if (until - from > this.maxLength) {
      return text(400, 'the query time range exceeds the limit (query length: 2d, limit: 1d)');
    }
    const [selector = '', filter = ''] = query.split('|');
    const id = /container_id="([^"]*)"/.exec(filter)?.[1];
    const wanted = wantedLabels(selector);
    const some =
      direction === 'forward'
        ? this.#some(wanted, from, until, max)
        : this.#last(wanted, from, until, max, id);
    if (some.reduce((bytes, { line }) => bytes + Buffer.byteLength(line), 0) > this.maxBytes) {
      this.oversized++;
      return text(504, 'context deadline exceeded');
    }
    const streams = new Map<string, { stream: Record<string, string>; values: unknown[] }>();
    for (const { labels, stamp, line, containerId, metadata: more = {} } of some) {
      const key = JSON.stringify(labels);
      const stream = streams.get(key) ?? { stream: labels, values: [] };
      streams.set(key, stream);
      const all = containerId === undefined ? more : { container_id: containerId, ...more };
      const metadata = Object.keys(all).length === 0 ? {} : { structuredMetadata: all };
      stream.values.push([String(stamp), line, metadata]);
    }
    const data = {
      resultType: 'streams',
      encodingFlags: ['categorize-labels'],
      result: [...streams.values()],
    };
    return text(200, JSON.stringify({ status: 'success', data }));
  }

  /** At most so many from a stamp on, equal ones of a stream once. */
  #some(wanted: Wanted, from: bigint, until: bigint, max: number, id?: string): ModelEntry[] {
    if (this.#sorted.length !== this.entries.length) {
      this.#sorted = [...this.entries].sort((a, b) => (a.stamp < b.stamp ? -1 : a.stamp > b.stamp ? 1 : 0));
    }
    let at = 0;
    for (let high = this.#sorted.length; at < high;) {
      const middle = (at + high) >> 1;
      if (this.#sorted[middle]!.stamp < from) at = middle + 1;
      else high = middle;
    }
    const known = new Set<string>();
    const found: ModelEntry[] = [];
    for (; at < this.#sorted.length && found.length < max; at++) {
      const entry = this.#sorted[at]!;
      if (entry.stamp >= until) break;
      if (id !== undefined && entry.containerId !== id) continue;
      if (!wanted.every(([name, value]) => entry.labels[name] === value)) continue;
      const key = `${JSON.stringify(entry.labels)} ${entry.stamp} ${entry.line}`;
      if (known.has(key)) continue;
      known.add(key);
      found.push(entry);
    }
    return found;
  }

  #last(wanted: Wanted, from: bigint, until: bigint, max: number, id?: string): ModelEntry[] {
    return this.#some(wanted, from, until, Infinity, id).reverse().slice(0, max);
  }

  /** `sum(count_over_time(...[...ns]))`: every copy counts. */
  #count({ query = '', time = '0' }: Readonly<Record<string, string>>): LokiAnswer {
    if (!this.counts) return text(404, '404 page not found');
    const [, selector = '', length = '0'] = /\((\{[^[]*)\[(\d+)ns\]/.exec(query) ?? [];
    const until = BigInt(time);
    const wanted = wantedLabels(selector);
    const found = this.entries.filter(
      ({ labels, stamp }) =>
        stamp <= until &&
        stamp > until - BigInt(length) &&
        wanted.every(([name, value]) => labels[name] === value),
    );
    const result = found.length === 0 ? [] : [{ metric: {}, value: [0, String(found.length)] }];
    return text(200, JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }
}

function wantedLabels(selector: string): Wanted {
  return [...selector.matchAll(/(\w+)="([^"]*)"/g)].map(
    ([, name, value]) => [name as string, value as string] as const,
  );
}

function text(status: number, body: string): LokiAnswer {
  return { status, body, contentType: 'text/plain' };
}
