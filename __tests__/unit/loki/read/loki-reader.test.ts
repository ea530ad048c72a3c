import fc from 'fast-check';
import { LokiQueries, type LokiEntry } from '../../../../src/loki/read/loki-query.js';
import { LokiReader } from '../../../../src/loki/read/loki-reader.js';
import { readLokiFacts } from '../../../../src/audit/loki-facts.js';
import { LokiRequestError } from '../../../../src/loki/loki-error.js';
import type { LokiAnswer } from '../../../../src/loki/transport.js';
import { NS_PER_SECOND } from '../../../../src/model/nanoseconds.js';
import { never } from '../../../support/engine-api.js';
import { LeapingClock } from '../../../support/leaping-clock.js';
import { ModelLoki } from '../../../support/model-loki.js';

const START = 1_700_000_000n * NS_PER_SECOND;
const DAY = 86_400n * NS_PER_SECOND;
const clock = new LeapingClock();

function put(loki: ModelLoki, stamp: bigint, ...lines: string[]): void {
  for (const line of lines) loki.entries.push({ labels: { a: 'b' }, stamp, line });
}

interface ReadOptions {
  maxLimit?: number;
  expected?: (from: bigint, bytes: number) => number | undefined;
  until?: bigint;
}

async function readAll(loki: ModelLoki, { maxLimit, expected, until = START + DAY }: ReadOptions = {}) {
  const reader = new LokiReader({
    queries: new LokiQueries({ transport: loki, clock, random: () => 0 }),
    ...(maxLimit === undefined ? {} : { maxLimit }),
  });
  const seen: string[] = [];
  const { crowded, malformed } = await reader.read(
    {
      selector: '{a="b"}',
      range: { from: START, until },
      ...(expected === undefined ? {} : { expected }),
      visit: ({ seconds, nanos, line }: LokiEntry) =>
        seen.push(`${BigInt(seconds) * NS_PER_SECOND + BigInt(nanos)} ${line}`),
    },
    never,
  );
  return { seen, crowded, malformed };
}

const inOrder = (loki: ModelLoki): string[] =>
  [...loki.entries]
    .sort((a, b) => (a.stamp < b.stamp ? -1 : a.stamp > b.stamp ? 1 : 0))
    .map(({ stamp, line }) => `${stamp} ${line}`);

test('every entry once, in order, whatever a page holds; of a crowd the ends', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.bigInt({ min: 0n, max: 30n }), { maxLength: 120 }),
      fc.integer({ min: 2, max: 40 }),
      fc.constantFrom(20, 100, 1_000_000),
      fc.boolean(),
      async (stamps, maxEntries, maxBytes, told) => {
        const loki = new ModelLoki();
        loki.maxEntries = maxEntries;
        loki.maxBytes = maxBytes;
        stamps.forEach((stamp, i) => put(loki, START + stamp, `line ${i}`));
        const { seen, crowded } = await readAll(loki, told ? { maxLimit: maxEntries } : {});
        // Bytes keep a page small as well: of what is not crowded all is seen, and nothing twice.
        expect(new Set(seen).size).toBe(seen.length);
        const crowd = new Set(crowded);
        const calm = (text: string): boolean => !crowd.has(BigInt(text.split(' ')[0]!));
        expect(seen.filter(calm)).toEqual(inOrder(loki).filter(calm));
        for (const stamp of crowd) {
          const there = loki.entries.filter((entry) => entry.stamp === stamp);
          const bytes = there.reduce((sum, { line }) => sum + line.length, 0);
          expect(there.length >= maxEntries || bytes > maxBytes / 2).toBe(true);
          const got = seen.filter((text) => text.startsWith(`${stamp} `));
          expect(got.length).toBeGreaterThan(0);
          if (there.length <= 2 * maxEntries && maxBytes === 1_000_000) {
            expect(got).toHaveLength(there.length);
          }
        }
      },
    ),
  );
});

test('a stamp with more entries than a page grows the page, up to what Loki says that it allows', async () => {
  const loki = new ModelLoki();
  loki.maxEntries = 12_000;
  const lines = Array.from({ length: 10_000 }, (_, i) => `line ${i}`);
  put(loki, START + 5n, ...lines);
  put(loki, START + 6n, 'behind');
  const { seen, crowded } = await readAll(loki);
  expect(seen).toEqual([...lines.map((line) => `${START + 5n} ${line}`), `${START + 6n} behind`]);
  expect(crowded).toEqual([]);
});

test('with the default limit 10,000 entries of one stamp are seen from both ends, and said to be too many', async () => {
  const loki = new ModelLoki();
  put(loki, START + 5n, ...Array.from({ length: 10_000 }, (_, i) => `line ${i}`));
  put(loki, START + 6n, 'behind');
  const { seen, crowded } = await readAll(loki);
  expect(new Set(seen).size).toBe(10_001);
  expect(seen.at(-1)).toBe(`${START + 6n} behind`);
  expect(crowded).toEqual([START + 5n]);
});

test('answers over 4 MiB are not asked for where the lines are known, and in less where they are not', async () => {
  const loki = new ModelLoki();
  for (let i = 0n; i < 1000n; i++) put(loki, START + i, `${i}`);
  for (let i = 1000n; i < 1200n; i++) put(loki, START + i, `${i} `.padEnd(200_000, 'x'));
  const blind = await readAll(loki);
  expect(blind.seen).toEqual(inOrder(loki));
  expect(loki.oversized).toBeGreaterThan(0);

  loki.oversized = 0;
  const expected = (from: bigint, bytes: number): number =>
    loki.entries.filter(({ stamp }) => stamp >= from).findIndex(({ line }) => (bytes -= line.length) < 0) +
      1 || 5000;
  const told = await readAll(loki, { expected });
  expect(told.seen).toEqual(inOrder(loki));
  expect(loki.oversized).toBe(0);
});

test('long lines here and there cost few answers that do not come, of which each takes Loki a minute', async () => {
  const loki = new ModelLoki();
  for (let i = 0n; i < 30_000n; i++) {
    put(loki, START + i, i % 3000n < 20n ? `${i} `.padEnd(250_000, 'x') : `${i}`);
  }
  const { seen } = await readAll(loki);
  expect(seen.length).toBe(30_000);
  expect(loki.oversized).toBeGreaterThan(0);
  expect(loki.oversized).toBeLessThanOrEqual(12);
});

test('the range is divided as max_query_length wants it', async () => {
  const loki = new ModelLoki();
  loki.maxLength = 7n * DAY;
  for (let day = 0n; day < 100n; day++) put(loki, START + day * DAY, `day ${day}`);
  const { seen } = await readAll(loki, { until: START + 100n * DAY });
  expect(seen).toEqual(inOrder(loki));
  loki.queries = 0;
  loki.maxLength = 721n * 3600n * NS_PER_SECOND;
  await readAll(loki, { until: START + 90n * DAY });
  // The first page is short, until it is known how long the lines are.
  expect(loki.queries).toBe(4);
});

class Scripted extends ModelLoki {
  script: (LokiAnswer | Error)[] = [];

  override async get(...question: Parameters<ModelLoki['get']>): Promise<LokiAnswer> {
    const next = this.script.shift();
    if (next instanceof Error) throw next;
    return next ?? (await super.get(...question));
  }
}

const said = (status: number, body: string): LokiAnswer => ({ status, body, contentType: 'text/plain' });
const broken = (code: string): LokiRequestError =>
  new LokiRequestError('loki_unreachable', 'Loki broke off', {
    cause: Object.assign(new Error('x'), { code }),
  });

describe('what Loki answers instead', () => {
  let loki: Scripted;
  beforeEach(() => {
    loki = new Scripted();
    put(loki, START + 1n, 'one');
    put(loki, START + 2n, 'two');
  });

  test.each([
    ['a 504', said(504, 'deadline exceeded')],
    ['a broken connection', broken('UND_ERR_SOCKET')],
    ['no answer in time', new LokiRequestError('loki_timeout', 'late')],
    ['a message that is too large', said(500, 'grpc: received message larger than max (5 vs. 4)')],
    ['a busy Loki', said(429, 'too many outstanding requests')],
    ['a Loki that starts', said(503, 'not ready')],
    ['nobody there', broken('ECONNREFUSED')],
  ])('%s: asked again', async (_, answer) => {
    loki.script = [answer, answer];
    expect((await readAll(loki)).seen).toEqual(inOrder(loki));
  });

  test.each([
    ['never an answer', Array.from({ length: 50 }, () => said(504, 'deadline exceeded')), /504 deadline/],
    ['never anybody there', Array.from({ length: 50 }, () => broken('ECONNREFUSED')), /broke off/],
    ['a tenant that may not read', [said(401, 'no org id')], /401 no org id/],
    ['a query that is refused', [said(400, 'parse error')], /400 parse error/],
    ['a page of something else', [said(200, '<html>hello</html>')], /is none: <html>hello/],
    ['an answer without a result', [said(200, '{"status":"success"}')], /is none/],
    [
      'a range that is never short enough',
      Array.from({ length: 99 }, () => said(400, 'the query time range exceeds the limit')),
      /exceeds/,
    ],
  ])('%s: an error that says so', async (_, script, message) => {
    loki.script = script;
    await expect(readAll(loki)).rejects.toMatchObject({
      exit: 'loki',
      message: expect.stringMatching(message),
    });
  });

  test('a Loki that does not know the flag has the metadata among the labels', async () => {
    loki.script = [
      said(404, ''),
      said(
        200,
        JSON.stringify({
          data: {
            resultType: 'streams',
            result: [{ stream: { a: 'b', container_id: 'c1' }, values: [[String(START), 'x']] }],
          },
        }),
      ),
    ];
    expect(await readLokiFacts(loki, never)).toEqual({});
    const queries = new LokiQueries({ transport: loki, clock, random: () => 0 });
    const range = { from: START, until: START + 1n };
    const page = await queries.page({ selector: '{a="b"}', range, limit: 5, direction: 'forward' }, never);
    expect(page).toMatchObject({ kind: 'page', entries: [{ containerId: 'c1', line: 'x' }] });
  });
});

describe('entries that cannot be understood', () => {
  /** Answers with entries of which some are damaged. */
  class DamagedLoki extends ModelLoki {
    readonly #damage: ReadonlyMap<string, unknown>;

    /** @param damage by the text of the line, what stands in its place */
    constructor(damage: ReadonlyMap<string, unknown>) {
      super();
      this.#damage = damage;
    }

    override async get(...question: Parameters<ModelLoki['get']>): Promise<LokiAnswer> {
      const answer = await super.get(...question);
      if (answer.status !== 200) return answer;
      const whole = JSON.parse(answer.body) as { data: { result: { values: [string, string][] }[] } };
      for (const stream of whole.data.result) {
        stream.values = stream.values.map((value) =>
          this.#damage.has(value[1]) ? (this.#damage.get(value[1]) as [string, string]) : value,
        );
      }
      return { ...answer, body: JSON.stringify(whole) };
    }
  }

  /** No value of an entry. */
  const damaged = fc.oneof(
    fc.jsonValue().filter((value) => !Array.isArray(value)),
    fc.tuple(
      fc.jsonValue().filter((stamp) => typeof stamp !== 'string'),
      fc.string(),
    ),
    fc.tuple(fc.constantFrom('', 'x', '12', '-1700000000000000000'), fc.string()),
    fc.tuple(
      fc.constant(String(START)),
      fc.jsonValue().filter((line) => typeof line !== 'string'),
    ),
  );

  test('any damage of single ones: the others are read, each once, and the damaged ones are counted', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(damaged, { nil: undefined, freq: 5 }), { minLength: 1, maxLength: 60 }),
        async (some) => {
          // No page is damaged as a whole: that would end the reading.
          const entries = some.flatMap((each) => [each, undefined]);
          const isDamaged = (n: number): boolean => entries[n] !== undefined;
          const loki = new DamagedLoki(
            new Map(entries.flatMap((value, n) => (isDamaged(n) ? [[`line ${n}`, value] as const] : []))),
          );
          entries.forEach((_, n) => put(loki, START + BigInt(n), `line ${n}`));
          const { seen, malformed } = await readAll(loki);
          expect(seen).toEqual(inOrder(loki).filter((_, n) => !isDamaged(n)));
          const count = entries.filter((_, n) => isDamaged(n)).length;
          // One at the edge of two pages counts twice.
          expect(malformed).toBeGreaterThanOrEqual(count);
          expect(malformed > 0).toBe(count > 0);
        },
      ),
    );
  });

  test('full pages of which some is damaged are read on', async () => {
    const loki = new DamagedLoki(new Map([3, 9, 10, 17].map((n) => [`line ${n}`, null])));
    for (let n = 0; n < 40; n++) put(loki, START + BigInt(n), `line ${n}`);
    loki.maxEntries = 5;
    const { seen } = await readAll(loki, { maxLimit: 5 });
    expect(seen).toHaveLength(36);
  });

  test('a full page in which nothing is understood ends the reading', async () => {
    const loki = new DamagedLoki(new Map(Array.from({ length: 20 }, (_, n) => [`line ${n}`, null])));
    for (let n = 0; n < 20; n++) put(loki, START + BigInt(n), `line ${n}`);
    loki.maxEntries = 5;
    await expect(readAll(loki, { maxLimit: 5 })).rejects.toMatchObject({ code: 'loki_query_failed' });
  });
});

describe('what /config tells', () => {
  const HOUR = 3_600n * NS_PER_SECOND;
  test.each([
    [undefined, {}],
    ['<html>', {}],
    ['- a\n- b', {}],
    ['"', {}],
    [
      'limits_config: {max_entries_limit_per_query: 5000, max_query_length: 30d1h}',
      { maxEntries: 5000, maxQueryLength: 721n * HOUR },
    ],
    ['limits_config: {max_query_length: 721h0m0s, max_query_lookback: 0s}', { maxQueryLength: 721n * HOUR }],
    ['limits_config: {retention_period: 744h}', {}],
    [
      'limits_config: {retention_period: 744h}\ncompactor: {retention_enabled: true}',
      { shownFor: 744n * HOUR },
    ],
    [
      'limits_config: {retention_period: 1w, max_query_lookback: 2d}\ncompactor: {retention_enabled: true}',
      { shownFor: 48n * HOUR },
    ],
  ])('%j', async (config, facts) => {
    const loki = new ModelLoki();
    loki.config = config;
    expect(await readLokiFacts(loki, never)).toEqual(facts);
  });
});
