import { describe, expect, test } from '@jest/globals';
import { PushFailed } from '../../../src/loki/loki-error.js';
import type { LokiSimulatorOptions } from '../../../src/simulators/loki/index.js';
import { accountOf, rejectedLines, withPushing, type PushingWorld } from '../../support/pushing/index.js';
import { NOW, numbered, pushLine, SECOND, testTarget, type PushLine } from '../../support/push-lines.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** What shows that every line is stored, and once. */
const ALL_STORED = { rejected: [], lost: [], twice: [], unknown: [] };

/** A MiB of lines. */
const mebibyte = (from = NOW): PushLine[] => numbered(1024, from, 'x'.repeat(1000));

/** Lines whose text does not get smaller in snappy or gzip, of 1000 bytes. */
function incompressible(count: number): PushLine[] {
  let seed = 7;
  return Array.from({ length: count }, (_, i) => {
    let text = `${i} `;
    while (text.length < 1000) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      text += seed.toString(36);
    }
    return pushLine(NOW + BigInt(i), text.slice(0, 1000));
  });
}

const statuses = (world: PushingWorld): Set<number | undefined> =>
  new Set(world.pushes.map(({ status }) => status));

describe.each(['3.5', '3.7'] as const)('Loki %s', (version) => {
  const withLoki = (
    options: Omit<LokiSimulatorOptions, 'clock' | 'port' | 'version'>,
    use: (world: PushingWorld) => Promise<void>,
  ): Promise<void> => withPushing({ loki: { ...options, version } }, use);

  test("the tenant's rate: the pushes wait for their turn, whoever sends them", async () => {
    const limits = { ingestionRateBytes: 100 * KIB, ingestionBurstBytes: 2 * MIB };
    await withLoki({ limits }, async (world) => {
      const streams = ['a', 'b', 'c', 'd'].map((stream) => testTarget({ labels: { stream } }));
      await Promise.all(streams.map((target) => world.push(mebibyte(), target)));
      expect(statuses(world)).toEqual(new Set([204, 429]));
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      expect(world.loki.counts().entries).toBe(4 * 1024);
      expect(world.pusher.state().kind).toBe('ok');
    });
  });

  test('a burst that no waiting makes large enough: halved until it passes', async () => {
    const limits = { ingestionRateBytes: 50 * KIB, ingestionBurstBytes: 150 * KIB };
    await withLoki({ limits }, async (world) => {
      expect(await world.push(mebibyte())).toEqual({ accepted: 1024, rejected: 0 });
      expect(statuses(world)).toEqual(new Set([204, 429]));
      const passed = world.pushes.filter(({ status }) => status === 204);
      expect(Math.max(...passed.map(({ push }) => push?.bytes ?? 0))).toBeLessThanOrEqual(150 * KIB);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      expect(world.loki.counts().strictDuplicates).toBe(0);
    });
  });

  test('one line that is larger than the burst: tried as often as is set, and never taken for refused', async () => {
    const limits = { ingestionRateBytes: 1 * KIB, ingestionBurstBytes: 1 * KIB };
    const backoff = { minMs: 500, maxMs: 30_000, maxRetries: 9 };
    await withPushing({ loki: { version, limits }, settings: { backoff } }, async (world) => {
      const pushed = world.push([pushLine(NOW, 'x'.repeat(2 * KIB))]);
      await expect(pushed).rejects.toBeInstanceOf(PushFailed);
      expect(world.pushes).toHaveLength(10);
      expect(await rejectedLines(world)).toEqual([]);
    });
  });

  test.each([true, false])("a stream's own rate, streams divided: %s", async (shardStreams) => {
    const limits = {
      shardStreams,
      perStreamRateBytes: 200 * KIB,
      perStreamBurstBytes: 300 * KIB,
      shardDesiredRateBytes: 100 * MIB,
    };
    await withLoki({ limits }, async (world) => {
      const [fast, slow] = ['fast', 'slow'].map((stream) => testTarget({ labels: { stream } }));
      await Promise.all([world.push(mebibyte(), fast), world.push(numbered(20), slow)]);
      expect(statuses(world)).toEqual(new Set([204, 429]));
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      // It concerns one stream: Loki as such was never away.
      expect(world.told.states).toEqual([]);
    });
  });

  test('a message over what gRPC takes: halved at once, and the next is small enough from the start', async () => {
    await withLoki({ limits: { grpcMaxMessageBytes: 600 * KIB } }, async (world) => {
      expect(await world.push(mebibyte())).toEqual({ accepted: 1024, rejected: 0 });
      expect(world.pushes.map(({ status }) => status)).toEqual([500, 204, 204]);
      await world.push(mebibyte(NOW + SECOND));
      expect(world.pushes.slice(3).every(({ status }) => status === 204)).toBe(true);
      expect(world.clock.slept).toEqual([]);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });

  test('by default neither gRPC nor the burst is met, however much there is', async () => {
    await withLoki({}, async (world) => {
      await world.push(numbered(10 * 1024, NOW, 'x'.repeat(1000)));
      expect(statuses(world).has(500)).toBe(false);
      expect(Math.max(...world.pushes.map(({ plainBytes }) => plainBytes))).toBeLessThanOrEqual(3 * MIB);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });

  test('one line that gRPC never takes is kept aside, the others are stored', async () => {
    await withLoki({ limits: { grpcMaxMessageBytes: 200 * KIB } }, async (world) => {
      const lines = [...numbered(10), pushLine(NOW + SECOND, 'y'.repeat(220 * KIB))];
      expect(await world.push(lines)).toEqual({ accepted: 10, rejected: 1 });
      const [kept] = await rejectedLines(world);
      expect(kept).toMatchObject({ kind: 'too-large', status: 500 });
      expect(kept?.reason).toContain('ResourceExhausted');
      expect(await accountOf(world)).toMatchObject({ lost: [], twice: [], unknown: [] });
    });
  });

  test('a body over what a gateway takes: its page is understood, and the body halved', async () => {
    await withLoki({ gateway: { maxBodyBytes: 200 * KIB } }, async (world) => {
      expect(await world.push(incompressible(1000))).toEqual({ accepted: 1000, rejected: 0 });
      expect(statuses(world)).toEqual(new Set([204, 413]));
      expect(world.clock.slept).toEqual([]);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });

  test('a gateway that takes nothing: somebody must look at it, and no line is taken for too large', async () => {
    await withLoki({ gateway: { maxBodyBytes: 1 } }, async (world) => {
      let healed: Promise<void> | undefined;
      world.told.atRetry = (retries) => {
        if (retries === 4) healed = world.replaceLoki({ version });
      };
      expect(await world.push(numbered(4))).toEqual({ accepted: 4, rejected: 0 });
      await healed;
      expect(world.told.states[0]).toMatchObject({ kind: 'halted', setting: 'loki.url' });
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });
});

test("413 of Loki's own, from 3.7 on", async () => {
  const limits = { maxRequestBytes: 200 * KIB };
  await withPushing({ loki: { version: '3.7', limits } }, async (world) => {
    expect(await world.push(incompressible(1000))).toEqual({ accepted: 1000, rejected: 0 });
    expect(statuses(world)).toEqual(new Set([204, 413]));
    expect(await accountOf(world)).toMatchObject(ALL_STORED);
  });
});

test('lines at their limit, in streams that Loki divides: stored, or kept aside, and none twice', async () => {
  // With shards a refused entry's neighbours may lie in another shard, which has a window of its own.
  await withPushing({ loki: { limits: { shardDesiredRateBytes: 100 * KIB } } }, async (world) => {
    for (let i = 0n; i < 4n; i++) {
      await world.push(mebibyte(NOW + i * SECOND));
      world.clock.pass(1000);
    }
    const behind = numbered(64, NOW - 2n * 3600n * SECOND, ' behind');
    const mixed = [...mebibyte(NOW + 5n * SECOND), ...behind];
    const { accepted, rejected } = await world.push(mixed);
    expect(accepted + rejected).toBe(1024 + 64);
    expect(world.loki.streams().length).toBeGreaterThan(1);
    expect(await accountOf(world)).toMatchObject({ lost: [], twice: [], unknown: [] });
  });
});
