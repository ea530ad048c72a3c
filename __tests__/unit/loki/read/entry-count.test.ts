import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { LokiRequestError } from '../../../../src/loki/loki-error.js';
import { entryCounter, type EntryCounter } from '../../../../src/loki/read/entry-count.js';
import type { LokiAnswer, LokiQuery } from '../../../../src/loki/transport.js';
import { NS_PER_SECOND } from '../../../../src/model/nanoseconds.js';
import { startLokiSimulator, type LokiSimulator } from '../../../../src/simulators/loki/index.js';
import { never } from '../../../support/engine-api.js';
import { pushToLoki } from '../../../support/loki-push.js';
import { SleepingClock } from '../../../support/sleeping-clock.js';

const NOW = 1_700_000_000n * NS_PER_SECOND;
const HOUR = 3600n * NS_PER_SECOND;
const range = { from: NOW - HOUR, until: NOW };

let loki: LokiSimulator;

beforeEach(async () => {
  loki = await startLokiSimulator({ clock: new SleepingClock(NOW), limits: { discoverLogLevels: false } });
});

afterEach(async () => {
  await loki.close();
});

/** Asks the simulated Loki. */
async function get(path: string, { parameters = {} }: LokiQuery): Promise<LokiAnswer> {
  const answer = await fetch(`${loki.url}${path}?${new URLSearchParams(parameters).toString()}`);
  return { status: answer.status, body: await answer.text(), contentType: 'application/json' };
}

const counterOf = (over: Partial<Parameters<typeof entryCounter>[0]> = {}): EntryCounter =>
  entryCounter({ transport: { get }, maxRange: 24n * HOUR, ...over });

test('entries are counted from the begin of a range, which is included, to its end, which is not', async () => {
  const entries = [-4n, -3n, -2n, -1n].map((at) => ({ stamp: NOW + at, line: `line ${at}` }));
  await pushToLoki(loki.url, [
    { labels: '{app="web", n="1"}', entries },
    { labels: '{app="web", n="2"}', entries: [{ stamp: NOW - 2n, line: 'other' }] },
    { labels: '{app="db"}', entries },
  ]);
  const count = counterOf();
  expect(await count('{app="web"}', { from: NOW - 3n, until: NOW - 1n }, never)).toBe(3);
  expect(await count('{app="web"}', { from: NOW - 4n, until: NOW }, never)).toBe(5);
  expect(await count('{app="none"}', range, never)).toBe(0);
});

test('a range longer than Loki allows is counted in parts', async () => {
  const entries = [0n, 10n, 20n, 59n].map((minute) => ({
    stamp: range.from + minute * 60n * NS_PER_SECOND,
    line: `line ${minute}`,
  }));
  await pushToLoki(loki.url, [{ labels: '{app="web"}', entries }]);
  expect(await counterOf({ maxRange: HOUR / 6n })('{app="web"}', range, never)).toBe(4);
});

test.each<[string, () => Promise<Partial<LokiAnswer>>]>([
  ['a refusal', async () => ({ status: 403, body: 'forbidden' })],
  ['no such endpoint', async () => ({ status: 404, body: '404 page not found' })],
  ['no answer', () => Promise.reject(new LokiRequestError('loki_unreachable', 'refused'))],
  ['no JSON', async () => ({ status: 200, body: '<html>' })],
  ['null', async () => ({ status: 200, body: 'null' })],
  ['streams', async () => ({ status: 200, body: '{"data":{"resultType":"streams","result":[]}}' })],
  [
    'several samples',
    async () => ({
      status: 200,
      body: '{"data":{"resultType":"vector","result":[{"value":[1,"1"]},{"value":[1,"2"]}]}}',
    }),
  ],
  [
    'no number',
    async () => ({ status: 200, body: '{"data":{"resultType":"vector","result":[{"value":[1,"x"]}]}}' }),
  ],
  ['no sample', async () => ({ status: 200, body: '{"data":{"resultType":"vector","result":[null]}}' })],
])('%s is no count', async (_, answer) => {
  const transport = {
    get: async () => ({ contentType: 'application/json', body: '', status: 200, ...(await answer()) }),
  };
  expect(await counterOf({ transport })('{app="web"}', range, never)).toBeUndefined();
});
