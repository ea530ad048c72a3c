import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { NS_PER_SECOND } from '../../../../src/model/nanoseconds.js';
import {
  startLokiSimulator,
  type LokiLimits,
  type LokiSimulator,
} from '../../../../src/simulators/loki/index.js';
import { StreamRates } from '../../../../src/simulators/loki/stream-rates.js';
import { pushToLoki, type TestEntry, type TestStream } from '../../../support/loki-push.js';
import { ManualClock } from '../../../support/manual-clock.js';

const NOW = 1_700_000_000n * NS_PER_SECOND;
const MB = 1024 * 1024;
const A = '{service_name="s", stream="a"}';
const B = '{service_name="s", stream="b"}';

let clock: ManualClock;
let loki: LokiSimulator;
let stamp = NOW;

beforeEach(async () => {
  clock = new ManualClock(NOW);
  loki = await startLokiSimulator({ clock });
});

afterEach(async () => {
  await loki.close();
});

async function restart(limits: Partial<LokiLimits>): Promise<void> {
  await loki.close();
  loki = await startLokiSimulator({ clock, limits });
}

/** So many bytes of lines, in new entries of 100 kB at most. */
function bytes(labels: string, size: number): TestStream {
  const entries: TestEntry[] = [];
  for (let left = size; left > 0; left -= 100_000) {
    entries.push({ stamp: (stamp += 1n), line: 'x'.repeat(Math.min(left, 100_000)) });
  }
  return { labels, entries };
}

const push = async (...streams: TestStream[]): Promise<{ status: number; body: string }> =>
  pushToLoki(loki.url, streams);

describe("a tenant's rate", () => {
  test('the burst, then as much as time brings; a refused request takes nothing', async () => {
    expect((await push(bytes(A, 3.5 * MB))).status).toBe(204);
    expect((await push(bytes(B, 2.5 * MB))).status).toBe(204);
    expect((await push(bytes(A, 1))).status).toBe(429);
    await clock.pass(500);
    expect((await push(bytes(A, 2 * MB + 1))).status).toBe(429);
    expect((await push(bytes(B, 2 * MB))).status).toBe(204);
  });

  test('refuses the request whole, with the figures', async () => {
    const { status, body } = await push(bytes(A, 5 * MB), bytes(B, 2 * MB));
    expect(status).toBe(429);
    expect(body).toBe(
      "Ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec) while attempting to ingest '74' lines totaling '7340032' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased\n",
    );
    expect(loki.counts()).toMatchObject({ stored: 0, refused: { rate_limited: 74 } });
  });

  test('over the burst it is refused for ever', async () => {
    for (let i = 0; i < 3; i++) {
      expect((await push(bytes(A, 7 * MB))).status).toBe(429);
      await clock.pass(3_600_000);
    }
  });

  test('what validation refused is not counted', async () => {
    await restart({ ingestionBurstBytes: 100, maxLineBytes: 50 });
    const good = { stamp: NOW, line: 'x'.repeat(50) };
    const bad = { stamp: NOW, line: 'x'.repeat(51) };
    expect((await push({ labels: A, entries: [bad, good, bad] })).status).toBe(400);
    expect(loki.counts().stored).toBe(1);
  });
});

describe("a stream's rate", () => {
  const limits = { perStreamRateBytes: 1000, perStreamBurstBytes: 2000, discoverLogLevels: false };

  test('refuses that stream whole, and stores the others', async () => {
    await restart(limits);
    const over = bytes(A, 1500);
    over.entries.push({ stamp: (stamp += 1n), line: 'y'.repeat(600) });

    const answer = await push(bytes(B, 100), over);

    expect(answer.status).toBe(429);
    expect(answer.body).toContain(
      `Per stream rate limit exceeded (limit: 1000B/sec) while attempting to ingest for stream '${A}' totaling 1500B, consider splitting a stream`,
    );
    expect(answer.body).toContain(`user 'fake', total ignored: 2 out of 2 for stream: ${A}`);
    expect(loki.entries(A)).toEqual([]);
    expect(loki.entries(B)).toHaveLength(1);
    await clock.pass(100);
    expect((await push(bytes(A, 2000))).status).toBe(204);
    expect((await push(bytes(A, 1))).status).toBe(429);
    await clock.pass(1);
    expect((await push(bytes(A, 1))).status).toBe(204);
  });

  test('hidden, as all that is not the last stream', async () => {
    await restart(limits);
    expect((await push(bytes(A, 2001), bytes(B, 1))).status).toBe(204);
    expect(loki.counts().refused).toEqual({ per_stream_rate_limit: 1 });
  });

  test('3 MB a second and a burst of 15 by default', async () => {
    await restart({ ingestionRateBytes: 1e9, ingestionBurstBytes: 1e9, shardDesiredRateBytes: 1e9 });
    for (let i = 0; i < 5; i++) expect((await push(bytes(A, 3 * MB))).status).toBe(204);
    const { status, body } = await push(bytes(A, 1));
    expect(status).toBe(429);
    expect(body).toContain('(limit: 3MB/sec)');
  });

  test('without sharding each entry is asked for itself', async () => {
    await restart({ ...limits, shardStreams: false });
    const entries = [1900, 200, 50].map((size, i) => ({ stamp: NOW + BigInt(i), line: 'x'.repeat(size) }));
    expect((await push({ labels: A, entries })).status).toBe(429);
    expect(loki.entries().map(({ line }) => line.length)).toEqual([1900, 50]);
  });
});

describe('automatic sharding', () => {
  const limits = { shardDesiredRateBytes: 1000, ingestionBurstBytes: 100 * MB, discoverLogLevels: false };
  const four = (from: bigint, size = 500): TestStream => ({
    labels: A,
    entries: [0n, 1n, 2n, 3n].map((i) => ({ stamp: from + i, line: `${from + i}`.padEnd(size, '.') })),
  });

  test('begins once the rate of a stream is known, and deals out the entries', async () => {
    await restart(limits);
    await push(four(NOW));
    await push(four(NOW + 10n));
    expect(loki.streams()).toHaveLength(1);
    await clock.pass(1000);
    // 4000 bytes in the last second, and 2000 now.
    await push(four(NOW + 20n));
    const shards = loki.streams().filter(({ labels }) => '__stream_shard__' in labels);
    expect(shards.map(({ labels }) => labels['__stream_shard__'])).toEqual(['0', '1', '2', '3']);
    expect(shards.map(({ entries }) => entries)).toEqual([1, 1, 1, 1]);
    expect(loki.entries(A)).toHaveLength(12);
  });

  test('makes a push of one stream hide what was refused', async () => {
    await restart(limits);
    await push(four(NOW));
    await clock.pass(1000);
    const late = four(NOW + 20n);
    await push(late);
    late.entries[0]!.stamp = NOW - 7200n * NS_PER_SECOND;
    expect((await push(late)).status).toBe(204);
    expect(loki.counts().refused).toEqual({ too_far_behind: 1 });
  });

  test('a replay that is divided otherwise is not folded', async () => {
    await restart(limits);
    await push(four(NOW));
    await clock.pass(1000);
    await push(four(NOW));
    expect(loki.counts()).toMatchObject({ received: 8, strictDuplicates: 0 });
  });

  test('the rate decays in silence', () => {
    const rates = new StreamRates(0);
    expect(rates.shards('a', 5000, 1000, 0)).toBe(1);
    rates.record('a', 'a', 10_000, 10);
    expect(rates.shards('a', 5000, 1000, 999)).toBe(1);
    expect(rates.shards('a', 5000, 1000, 1000)).toBe(15);
    expect(rates.shards('a', 0, 1000, 2000)).toBe(6);
    rates.record('a', 'a', 1000, 2500);
    // 0.4 * 1000 + 0.6 * 6000
    expect(rates.shards('a', 0, 1000, 3000)).toBe(4);
    expect(rates.shards('a', 0, 1000, 700_000)).toBe(1);
  });
});
