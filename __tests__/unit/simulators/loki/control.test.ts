import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startLokiSimulator, type LokiSimulator } from '../../../../src/simulators/loki/index.js';
import { pushToLoki } from '../../../support/loki-push.js';

let loki: LokiSimulator;
const stamp = BigInt(Date.now()) * 1_000_000n;

afterEach(async () => {
  await loki.close();
});

const push = (...lines: string[]): Promise<{ status: number }> =>
  pushToLoki(loki.url, [
    { labels: '{a="b"}', entries: lines.map((line, i) => ({ stamp: stamp + BigInt(i), line })) },
  ]);
const control = (path: string, method = 'GET', body?: unknown): Promise<Response> =>
  fetch(`${loki.url}/_simulator/${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

describe('from outside of the process', () => {
  beforeEach(async () => {
    loki = await startLokiSimulator();
  });

  test('counts, entries, requests', async () => {
    await push('one', 'two');
    expect(await (await control('stats')).json()).toMatchObject({
      requests: 1,
      entries: 2,
      pushStatuses: { 204: 1 },
      outagesStruck: 0,
    });
    const dump = await (await control(`entries?selector=${encodeURIComponent('{a="b"}')}`)).text();
    expect(
      dump
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      { tenant: 'fake', stamp: String(stamp), line: 'one', metadata: { detected_level: 'unknown' } },
      { stamp: String(stamp + 1n), line: 'two' },
    ]);
    expect((await control('entries?selector=nonsense')).status).toBe(400);
    expect(JSON.parse(await (await control('requests')).text())).toMatchObject({
      status: 204,
      push: { received: 2, refused: {} },
    });
    expect((await control('nothing')).status).toBe(404);
  });

  test('a dump larger than any buffer', async () => {
    const entries = Array.from({ length: 20_000 }, (_, i) => `${i}`.padEnd(100));
    await push(...entries);
    const dump = await (await control('entries')).text();
    expect(dump.trim().split('\n')).toHaveLength(20_000);
  });

  test('outages are laid and lifted; the control answers all the same', async () => {
    const laid = await control('outage', 'POST', { outage: { status: 503 }, endpoint: 'push' });
    expect(laid.status).toBe(204);
    expect((await push('x')).status).toBe(503);
    expect((await control('outage', 'DELETE')).status).toBe(204);
    expect((await push('x')).status).toBe(204);
    await control('outage', 'POST', { outage: 'reset-after-accept', forRequests: 1 });
    await expect(push('y')).rejects.toThrow();
    expect(await (await control('stats')).json()).toMatchObject({ entries: 2, outagesStruck: 2 });
    for (const nonsense of [{ outage: 'x' }, { outage: { status: 'x' } }, {}, null, 3]) {
      expect((await control('outage', 'POST', nonsense)).status).toBe(400);
    }
  });

  test('entries that were accepted can be lost', async () => {
    await push('one', 'two', 'three');
    expect(await (await control('entries', 'DELETE')).json()).toEqual({ lost: 1 });
    expect(loki.entries().map(({ line }) => line)).toEqual(['two', 'three']);
    expect((await control('entries?limit=x', 'DELETE')).status).toBe(400);
    expect((await control('entries?selector=x', 'DELETE')).status).toBe(400);
    const other = `entries?selector=${encodeURIComponent('{a="c"}')}`;
    expect(await (await control(other, 'DELETE')).json()).toEqual({ lost: 0 });
    expect(loki.lose(5, '{a="b"}')).toBe(2);
    expect(loki.entries()).toEqual([]);
    expect(loki.counts()).toMatchObject({ accepted: 3 });
  });

  test('what was lost is stored when it comes again', async () => {
    await push('one', 'two', 'three', 'two');
    expect(loki.lose(5, '{a="b"}', ({ line }) => line === 'two')).toBe(2);
    expect(loki.lose(5, '{a="b"}', (entry) => entry.stamp === stamp + 2n)).toBe(1);
    expect(loki.entries().map(({ line }) => line)).toEqual(['one']);
    await push('one', 'two', 'three', 'two');
    expect(loki.entries().map(({ line }) => line)).toEqual(['one', 'two', 'three', 'two']);
  });

  test('reset forgets', async () => {
    await control('outage', 'POST', { outage: { status: 503 } });
    await push('x');
    expect((await control('reset', 'POST')).status).toBe(204);
    expect((await push('x')).status).toBe(204);
    expect(await (await control('stats')).json()).toMatchObject({ requests: 1, entries: 1 });
  });
});

test('one that only counts keeps nothing, refuses nothing and folds nothing', async () => {
  loki = await startLokiSimulator({ countOnly: true, limits: { ingestionBurstBytes: 1 } });
  await push('one', 'two');
  await push('one', 'two', 'grüß');
  await pushToLoki(loki.url, [
    { labels: '{c="d"}', entries: [{ stamp: 0n, line: 'old', metadata: { a: 'b' } }] },
  ]);
  expect(loki.counts()).toMatchObject({ received: 6, accepted: 6, entries: 6, bytes: 21, streams: 2 });
  expect(loki.entries()).toEqual([]);
  expect(await (await control('streams')).json()).toEqual({ '{a="b"}': 5, '{c="d"}': 1 });
  const bad = await fetch(`${loki.url}/loki/api/v1/push`, {
    method: 'POST',
    body: 'x',
    headers: { 'content-type': 'application/x-protobuf' },
  });
  expect(bad.status).toBe(400);
});
