import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { NS_PER_SECOND } from '../../../../src/model/nanoseconds.js';
import { startLokiSimulator, type LokiSimulator } from '../../../../src/simulators/loki/index.js';
import { pushToLoki } from '../../../support/loki-push.js';
import { SleepingClock } from '../../../support/sleeping-clock.js';

const NOW = 1_700_000_000n * NS_PER_SECOND;

let clock: SleepingClock;
let loki: LokiSimulator;

beforeEach(async () => {
  clock = new SleepingClock(NOW);
  loki = await startLokiSimulator({ clock, limits: { discoverLogLevels: false } });
});

afterEach(async () => {
  await loki.close();
});

interface QueryResult {
  status: number;
  text: string;
  streams: { stream: Record<string, string>; values: [string, string, unknown?][] }[];
  data: Record<string, unknown>;
}

async function get(path: string, parameters: Record<string, string> = {}, headers = {}): Promise<Response> {
  return fetch(`${loki.url}${path}?${new URLSearchParams(parameters).toString()}`, { headers });
}

async function query(parameters: Record<string, string>, headers = {}): Promise<QueryResult> {
  const answer = await get('/loki/api/v1/query_range', parameters, headers);
  const text = await answer.text();
  const data = answer.ok ? JSON.parse(text).data : {};
  return { status: answer.status, text, data, streams: data.result ?? [] };
}

const linesOf = ({ streams }: QueryResult): string[] =>
  streams.flatMap(({ values }) => values.map(([, line]) => line));

async function fill(): Promise<void> {
  const entries = [1n, 2n, 3n, 4n].map((i) => ({ stamp: NOW - 10n + i, line: `line ${i}` }));
  await pushToLoki(loki.url, [
    { labels: '{service_name="s", app="web", n="1"}', entries: [...entries].reverse() },
    { labels: '{service_name="s", app="db"}', entries: [{ stamp: NOW - 8n, line: 'other' }] },
  ]);
}

describe('query', () => {
  const instant = async (text: string, time?: bigint) => {
    const parameters = { query: text, ...(time === undefined ? {} : { time: String(time) }) };
    const answer = await get('/loki/api/v1/query', parameters);
    return { status: answer.status, text: await answer.text() };
  };

  test('counts the entries after the begin of the range, up to its end; every copy counts', async () => {
    await fill();
    const { text } = await instant('sum(count_over_time({app="web"}[2ns]))', NOW - 7n);
    expect(JSON.parse(text).data).toMatchObject({
      resultType: 'vector',
      result: [{ metric: {}, value: [expect.any(Number), '2'] }],
    });
    const none = await instant('sum(count_over_time({app="web"}[2ns]))', NOW);
    expect(JSON.parse(none.text).data).toMatchObject({ resultType: 'vector', result: [] });
  });

  test('a simulator that only counts knows how many entries a stream has', async () => {
    await loki.close();
    loki = await startLokiSimulator({ clock, countOnly: true });
    await fill();
    const { text } = await instant('sum(count_over_time({app="web"}[2ns]))', NOW - 7n);
    expect(JSON.parse(text).data.result).toMatchObject([{ value: [expect.any(Number), '4'] }]);
  });

  test('a query of lines is refused, and so is a longer range than is allowed', async () => {
    expect(await instant('{app="web"}')).toMatchObject({
      status: 400,
      text: expect.stringContaining('instant'),
    });
    const tooLong = await instant('sum(count_over_time({app="web"}[722h]))');
    expect(tooLong).toMatchObject({ status: 400, text: expect.stringContaining('exceeds the limit') });
  });
});

describe('query_range', () => {
  beforeEach(fill);

  test('start is inclusive, end is not; forward and backward; values as texts', async () => {
    const range = { query: '{app="web"}', start: String(NOW - 8n), end: String(NOW - 6n) };
    const forward = await query({ ...range, direction: 'forward' });
    expect(forward.streams).toEqual([
      {
        stream: { app: 'web', n: '1', service_name: 's' },
        values: [
          [String(NOW - 8n), 'line 2'],
          [String(NOW - 7n), 'line 3'],
        ],
      },
    ]);
    expect(forward.data).toMatchObject({ resultType: 'streams', stats: {} });
    expect(linesOf(await query(range))).toEqual(['line 3', 'line 2']);
  });

  test('limit is over all streams together, from the side of the direction', async () => {
    const range = { query: '{service_name="s"}', end: String(NOW) };
    const first = await query({ ...range, limit: '2', direction: 'FORWARD' });
    expect(linesOf(first).sort()).toEqual(['line 1', 'line 2']);
    expect(linesOf(await query({ ...range, limit: '1' }))).toEqual(['line 4']);
  });

  test.each([
    ['{app="web"}', 4],
    ['{app!="web", service_name="s"}', 1],
    ['{app=~"w.b|d"}', 4],
    ['{app=~"w"}', 0],
    ['{app!~"w.*", service_name=~".+"}', 1],
    ['{service_name="s", n=""}', 1],
  ])('%s finds %i', async (selector, count) => {
    expect(linesOf(await query({ query: selector, end: String(NOW) }))).toHaveLength(count);
  });

  test('label filters look at structured metadata and labels, before the limit', async () => {
    const metadata = (id: string) => ({ container_id: id });
    await pushToLoki(loki.url, [
      {
        labels: '{service_name="s", app="meta"}',
        entries: [1n, 2n, 3n, 4n].map((i) => ({
          stamp: NOW - 10n + i,
          line: `line ${i}`,
          metadata: metadata(i % 2n === 0n ? 'even' : 'odd'),
        })),
      },
    ]);
    const find = async (filter: string, more = {}): Promise<string[]> =>
      linesOf(await query({ query: `{app="meta"}${filter}`, end: String(NOW), ...more }));
    expect(await find(' | container_id="even"')).toEqual(['line 4', 'line 2']);
    expect(await find('|container_id!="even"', { direction: 'forward' })).toEqual(['line 1', 'line 3']);
    expect(await find(' | container_id="odd"', { limit: '1' })).toEqual(['line 3']);
    expect(await find(' | container_id="odd" | app="web"')).toEqual([]);
    expect(await find(' | container_id=~"e.*" | app="meta"')).toEqual(['line 4', 'line 2']);
  });

  test.each([
    [{ query: '{app="web"} | json' }, /^parse error/],
    [{ query: '{app="web"' }, /^parse error at line 1, col \d+: syntax error/],
    [{ query: '{app="web"} |= "x"' }, /^parse error/],
    [{ query: '{app=~".*"}' }, /at least one regexp or equality matcher/],
    [{ query: '{app=~"("}' }, /error parsing regexp/],
    [
      { query: '{a="b"}', limit: '5001' },
      /^max entries limit per query exceeded, limit > max_entries_limit_per_query \(5001 > 5000\)$/,
    ],
    [{ query: '{a="b"}', limit: '0' }, /^limit must be a positive value$/],
    [{ query: '{a="b"}', limit: 'x' }, /invalid syntax$/],
    [{ query: '{a="b"}', direction: 'up' }, /^invalid direction 'up'$/],
    [{ query: '{a="b"}', start: 'x' }, /^could not parse 'start' parameter/],
    [{ query: '{a="b"}', start: '2', end: '1' }, /^end timestamp must not be before or equal to start time$/],
    [
      { query: '{a="b"}', start: '0', end: '2595601' },
      /^the query time range exceeds the limit \(query length: 721h0m1s, limit: 30d1h\)$/,
    ],
  ])('%j: 400', async (parameters, message) => {
    const { status, text } = await query(parameters);
    expect(status).toBe(400);
    expect(text).toMatch(message);
  });

  test('times as ns, as seconds with and without fraction, as RFC 3339; the last hour by default', async () => {
    for (const start of [String(NOW - 10n), '1699999999', '1699999999.5', '2023-11-14T22:13:19Z']) {
      expect(linesOf(await query({ query: '{app="web"}', start, end: String(NOW) }))).toHaveLength(4);
    }
    expect(linesOf(await query({ query: '{app="web"}' }))).toHaveLength(4);
    await clock.pass(3_600_001);
    expect(linesOf(await query({ query: '{app="web"}' }))).toHaveLength(0);
  });

  test('a form that was posted', async () => {
    const body = new URLSearchParams({ query: '{app="db"}' });
    const answer = await fetch(`${loki.url}/loki/api/v1/query_range`, { method: 'POST', body });
    expect(await answer.json()).toMatchObject({
      data: { result: [{ values: [[String(NOW - 8n), 'other']] }] },
    });
  });
});

describe('structured metadata', () => {
  beforeEach(async () => {
    const entries = ['1', '2', '1'].map((id, i) => ({
      stamp: NOW - 10n + BigInt(i),
      line: `l${i}`,
      metadata: { id, app: 'theirs' },
    }));
    await pushToLoki(loki.url, [{ labels: '{app="web", service_name="s"}', entries }]);
  });

  test('are labels of the stream, which comes as several', async () => {
    const { streams } = await query({ query: '{app="web"}', direction: 'forward' });
    const labels = { app: 'web', app_extracted: 'theirs', service_name: 's' };
    expect(streams).toEqual([
      {
        stream: { ...labels, id: '1' },
        values: [
          [String(NOW - 10n), 'l0'],
          [String(NOW - 8n), 'l2'],
        ],
      },
      { stream: { ...labels, id: '2' }, values: [[String(NOW - 9n), 'l1']] },
    ]);
  });

  test('stand beside the line where that is asked for', async () => {
    const flags = { 'x-loki-response-encoding-flags': 'categorize-labels' };
    const { streams, data } = await query({ query: '{app="web"}', limit: '1' }, flags);
    expect(data['encodingFlags']).toEqual(['categorize-labels']);
    const metadata = { structuredMetadata: { id: '1', app: 'theirs' } };
    expect(streams).toEqual([
      { stream: { app: 'web', service_name: 's' }, values: [[String(NOW - 8n), 'l2', metadata]] },
    ]);
  });
});

describe('an answer over 4 MiB', () => {
  const big = Array.from({ length: 50 }, (_, i) => ({
    stamp: NOW - BigInt(i + 1),
    line: `${i}`.padEnd(100_000),
  }));

  beforeEach(async () => {
    await pushToLoki(loki.url, [{ labels: '{app="big"}', entries: big.slice(0, 25) }]);
    await clock.pass(10_000);
    await pushToLoki(loki.url, [{ labels: '{app="big"}', entries: big.slice(25) }]);
  });

  test('does not come for a minute, and then as 504; half of it comes', async () => {
    let ended = false;
    const answer = query({ query: '{app="big"}' }).finally(() => (ended = true));
    // The request is there when it waits.
    await clock.slept();
    await clock.pass(59_999);
    expect(ended).toBe(false);
    await clock.pass(1);
    const { status, text } = await answer;
    expect(status).toBe(504);
    expect(text).toMatch(/^Request timed out, decrease the duration/);
    expect(linesOf(await query({ query: '{app="big"}', limit: '25' }))).toHaveLength(25);
  });

  test('or ends with the connection', async () => {
    await loki.close();
    loki = await startLokiSimulator({ oversizedAnswer: { afterMs: 0, end: 'close' } });
    const stamp = BigInt(Date.now()) * 1_000_000n;
    const entries = big.slice(0, 25).map(({ line }, i) => ({ stamp: stamp - BigInt(i), line }));
    const other = entries.map(({ stamp: at, line }) => ({ stamp: at, line: `${line}.` }));
    await pushToLoki(loki.url, [{ labels: '{app="big"}', entries }]);
    await pushToLoki(loki.url, [{ labels: '{app="big", n="2"}', entries: other }]);
    await expect(query({ query: '{app="big"}' })).rejects.toThrow('fetch failed');
  });
});

describe('labels and series', () => {
  test('nothing is there: no list at all', async () => {
    expect(await (await get('/loki/api/v1/labels')).json()).toEqual({ status: 'success' });
    expect(await (await get('/loki/api/v1/series')).json()).toEqual({ status: 'success', data: [] });
  });

  test('names, values, label sets', async () => {
    await fill();
    const of = async (path: string, parameters = {}): Promise<unknown> =>
      ((await (await get(path, parameters)).json()) as { data: unknown }).data;
    expect(await of('/loki/api/v1/labels')).toEqual(['app', 'n', 'service_name']);
    expect(await of('/loki/api/v1/label/app/values')).toEqual(['db', 'web']);
    expect(await of('/loki/api/v1/label/app/values', { query: '{n="1"}' })).toEqual(['web']);
    expect(await of('/loki/api/v1/series', { 'match[]': '{app="db"}' })).toEqual([
      { app: 'db', service_name: 's' },
    ]);
    expect(await of('/loki/api/v1/series', { match: '{}' })).toHaveLength(2);
    expect(await of('/loki/api/v1/series', { end: String(NOW - 20n) })).toEqual([]);
  });
});

describe('state', () => {
  test('/ready, buildinfo, unknown paths', async () => {
    expect(await (await get('/ready')).text()).toBe('ready\n');
    expect(await (await get('/loki/api/v1/status/buildinfo')).json()).toMatchObject({ version: '3.5.0' });
    const unknown = await get('/loki/api/v1/nothing');
    expect([unknown.status, await unknown.text()]).toEqual([404, '404 page not found\n']);
    expect((await get('/loki/api/v1/push')).status).toBe(405);
  });

  test('/config shows the limits in the units of Loki', async () => {
    const shown = parse(await (await get('/config')).text());
    expect(shown).toMatchObject({
      server: { grpc_server_max_recv_msg_size: 4_194_304 },
      ingester: { max_chunk_age: '2h0m0s', chunk_idle_period: '30m0s' },
      limits_config: {
        ingestion_rate_mb: 4,
        ingestion_burst_size_mb: 6,
        max_line_size: '256KB',
        reject_old_samples_max_age: '1w',
        creation_grace_period: '10m',
        max_label_names_per_series: 15,
        per_stream_rate_limit: '3MB',
        per_stream_rate_limit_burst: '15MB',
        max_structured_metadata_size: '64KB',
        allow_structured_metadata: true,
        max_query_length: '30d1h',
      },
    });
  });
});
