import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { NS_PER_SECOND } from '../../../../src/model/nanoseconds.js';
import {
  startLokiSimulator,
  type LokiSimulator,
  type Outage,
} from '../../../../src/simulators/loki/index.js';
import { seededRandom } from '../../../../src/simulators/engine/seeded-random.js';
import { pushToLoki, type PushAnswer } from '../../../support/loki-push.js';
import { SleepingClock } from '../../../support/sleeping-clock.js';

const NOW = 1_700_000_000n * NS_PER_SECOND;

let clock: SleepingClock;
let loki: LokiSimulator;
let stamp = NOW;

beforeEach(async () => {
  clock = new SleepingClock(NOW);
  loki = await startLokiSimulator({ clock, random: seededRandom(1) });
});

afterEach(async () => {
  await loki.close();
});

const push = (headers = {}): Promise<PushAnswer> =>
  pushToLoki(loki.url, [{ labels: '{a="b"}', entries: [{ stamp: (stamp += 1n), line: 'x' }] }], headers);
const statusOf = async (): Promise<number | string> =>
  push().then(
    ({ status }) => status,
    () => 'failed',
  );

test('a status, for so many requests: the page of a gateway, or what is given', async () => {
  loki.outage({ status: 503, retryAfter: '7' }, { forRequests: 2 });
  const answer = await push();
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('7');
  expect(answer.headers.get('content-type')).toBe('text/html');
  expect(answer.body).toContain('<h1>503 Service Temporarily Unavailable</h1>');
  expect(await statusOf()).toBe(503);
  expect(await statusOf()).toBe(204);
  loki.outage({ status: 500, body: 'oh\n' }, { forRequests: 1 });
  expect(await push()).toMatchObject({ status: 500, body: 'oh\n' });
  expect(loki.counts()).toMatchObject({ entries: 1, pushStatuses: { 503: 2, 500: 1, 204: 1 } });
});

test('until it is lifted; the first laid strikes; others stay untouched', async () => {
  const lift = loki.outage({ status: 502 }, { endpoint: 'push' });
  loki.outage({ status: 429 });
  expect(await statusOf()).toBe(502);
  lift();
  expect(await statusOf()).toBe(429);
  expect((await fetch(`${loki.url}/ready`)).status).toBe(429);
  loki.clearOutages();
  expect(await statusOf()).toBe(204);
  expect(loki.outagesStruck).toBe(3);
});

test('of one endpoint, of one tenant', async () => {
  loki.outage({ status: 500 }, { endpoint: 'state' });
  loki.outage({ status: 418 }, { tenant: 't' });
  expect((await fetch(`${loki.url}/ready`)).status).toBe(500);
  expect((await fetch(`${loki.url}/loki/api/v1/labels`)).status).toBe(200);
  expect(await statusOf()).toBe(204);
  expect((await push({ 'x-scope-orgid': 't' })).status).toBe(418);
});

test('by chance, the same chance for the same seed', async () => {
  loki.outage({ status: 500 }, { probability: 0.5 });
  const statuses: unknown[] = [];
  for (let i = 0; i < 20; i++) statuses.push(await statusOf());
  const random = seededRandom(1);
  expect(statuses).toEqual(Array.from({ length: 20 }, () => (random() < 0.5 ? 500 : 204)));
});

describe('without an answer', () => {
  test.each([
    ['refuse', 0],
    ['reset', 0],
    ['reset-after-accept', 1],
  ] as [Outage, number][])('%s: the connection breaks, %i stored', async (outage, stored) => {
    loki.outage(outage, { forRequests: 1 });
    expect(await statusOf()).toBe('failed');
    expect(loki.counts()).toMatchObject({ entries: stored, pushStatuses: { none: 1 } });
    expect(loki.requests.at(-1)).toMatchObject({ status: undefined, outage });
    expect(await statusOf()).toBe(204);
  });

  test.each([
    ['hang', 0],
    ['hang-after-accept', 1],
  ] as [Outage, number][])('%s: nothing comes, %i stored; the client may go', async (outage, stored) => {
    loki.outage(outage);
    const socket = connect(loki.port, '127.0.0.1');
    const json = JSON.stringify({ streams: [{ stream: { a: 'b' }, values: [[String(NOW), 'x']] }] });
    let heard = '';
    socket.on('data', (data) => (heard += String(data)));
    const head = 'POST /loki/api/v1/push HTTP/1.1\r\nhost: loki\r\ncontent-type: application/json\r\n';
    socket.write(`${head}content-length: ${json.length}\r\n\r\n${json}`);
    while (loki.outagesStruck === 0 || loki.counts().entries !== stored) await clock.pass(0);
    expect(loki.counts().requests).toBe(0);
    socket.destroy();
    while (loki.counts().requests === 0) await clock.pass(0);
    expect(heard).toBe('');
    expect(loki.counts()).toMatchObject({ entries: stored, pushStatuses: { none: 1 } });
  });

  test('a hanging client is let go when the simulator is closed', async () => {
    loki.outage('hang');
    const answer = statusOf();
    while (loki.outagesStruck === 0) await clock.pass(0);
    await loki.close();
    expect(await answer).toBe('failed');
  });
});

describe('freeze: a Loki that was stopped, and goes on', () => {
  const waiting = async (requests: number): Promise<void> => {
    while (loki.outagesStruck < requests) await clock.pass(0);
    await clock.pass(0);
  };

  test('requests wait and are carried out in order, also when their client is gone', async () => {
    const thaw = loki.outage('freeze');
    const gone = new AbortController();
    const one = push().then(({ status }) => status);
    await waiting(1);
    const two = fetch(`${loki.url}/loki/api/v1/push`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ streams: [{ stream: { a: 'b' }, values: [[String(NOW), 'of the one gone']] }] }),
      signal: gone.signal,
    }).catch(() => 'gone');
    await waiting(2);
    const ready = fetch(`${loki.url}/ready`).then(({ status }) => status);
    await waiting(3);
    for (let i = 0; i < 20; i++) await clock.pass(0);
    gone.abort();
    expect(await two).toBe('gone');
    expect(loki.counts()).toMatchObject({ requests: 0, received: 0 });

    thaw();
    expect(await one).toBe(204);
    expect(await ready).toBe(200);
    while (loki.counts().requests < 3) await clock.pass(0);
    expect(loki.entries().map(({ line }) => line)).toEqual(['of the one gone', 'x']);
    expect(loki.counts().received).toBe(2);
    expect(await statusOf()).toBe(204);
  });

  test('a request whose body was not there yet when its client went is not carried out', async () => {
    const thaw = loki.outage('freeze');
    const socket = connect(loki.port, '127.0.0.1');
    socket.write('POST /loki/api/v1/push HTTP/1.1\r\nhost: loki\r\ncontent-length: 100\r\n\r\n{');
    await waiting(1);
    socket.destroy();
    while (loki.counts().requests === 0) await clock.pass(0);
    thaw();
    expect(loki.counts()).toMatchObject({ received: 0, pushStatuses: { none: 1 } });
  });

  test('what waits is lost when the Loki ends; one that begins again is not frozen', async () => {
    loki.outage('freeze');
    const answer = statusOf();
    await waiting(1);
    for (let i = 0; i < 20; i++) await clock.pass(0);
    await loki.stopListening();
    expect(await answer).toBe('failed');
    await loki.listen();
    expect(await statusOf()).toBe(204);
    expect(loki.counts()).toMatchObject({ received: 1, entries: 1 });
  });
});

test('an answer that lies: stored, but 500', async () => {
  loki.outage({ status: 500, afterAccept: true });
  expect(await statusOf()).toBe(500);
  expect(loki.counts().entries).toBe(1);
});

test('late, but right', async () => {
  loki.outage({ delayMs: 5000 });
  const answer = statusOf();
  await clock.slept();
  expect(loki.counts().entries).toBe(0);
  await clock.pass(5000);
  expect(await answer).toBe(204);
});

test('not there: refused by the machine, and back on the same port with all that was stored', async () => {
  await push();
  const { url } = loki;
  await loki.stopListening();
  expect(await push().catch((error: unknown) => ((error as Error).cause as { code: string }).code)).toBe(
    'ECONNREFUSED',
  );
  await loki.listen();
  expect(loki.url).toBe(url);
  expect(await statusOf()).toBe(204);
  expect(loki.counts().entries).toBe(2);
});

test('the log of requests', async () => {
  await push();
  await fetch(`${loki.url}/ready`);
  expect(loki.requests).toMatchObject([
    {
      at: NOW,
      method: 'POST',
      path: '/loki/api/v1/push',
      status: 204,
      message: '',
      push: { streams: 1, received: 1, bytes: 1, stored: 1 },
    },
    { method: 'GET', path: '/ready', status: 200, push: undefined },
  ]);
  expect(loki.requests[0]?.bodyBytes).toBeGreaterThan(10);
  loki.reset();
  expect(loki.requests).toEqual([]);
  expect(loki.counts()).toMatchObject({ requests: 0, entries: 0, streams: 0 });
});
