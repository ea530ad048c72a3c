import { describe, expect, test } from '@jest/globals';
import type { Outage } from '../../../src/simulators/loki/index.js';
import {
  accountOf,
  withPushing,
  type PushingOptions,
  type PushingWorld,
} from '../../support/pushing/index.js';
import { HOUR, MINUTE, NOW, numbered, pushLine, SECOND, testTarget } from '../../support/push-lines.js';

const ALL_STORED = { rejected: [], lost: [], twice: [], unknown: [] };
/** So that nothing which comes again is folded: a head block of one entry, in one large chunk. */
const NOTHING_FOLDED = { headBlockBytes: 1, discoverLogLevels: false };
const FROM_A_CONTAINER = testTarget({ containerId: 'c1', structuredMetadata: { container_id: 'c1' } });

async function withStrict(
  use: (world: PushingWorld) => Promise<void>,
  { loki, settings }: PushingOptions = {},
): Promise<void> {
  const limits = { ...NOTHING_FOLDED, ...loki?.limits };
  await withPushing({ settings: { timeoutMs: 500, ...settings }, loki: { ...loki, limits } }, use);
}

/** Sum of the lines that were sent although Loki may have held them. */
const replayed = (world: PushingWorld): number =>
  world.told.replayed.reduce((sum, { lines }) => sum + lines, 0);

describe('a push whose fate is not known', () => {
  const outages: [string, Outage][] = [
    ['reset', 'reset'],
    ['reset, although stored', 'reset-after-accept'],
    ['no answer', 'hang'],
    ['no answer, although stored', 'hang-after-accept'],
    ['500, although stored', { status: 500, afterAccept: true }],
    ['504, although stored', { status: 504, afterAccept: true }],
    ['503', { status: 503 }],
  ];

  test.each(outages)('%s: stored once', async (_, outage) => {
    await withStrict(async (world) => {
      world.loki.outage(outage, { forRequests: 1, endpoint: 'push' });
      expect(await world.push(numbered(200))).toEqual({ accepted: 200, rejected: 0 });
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      expect(world.loki.counts()).toMatchObject({ received: 200, twice: 0 });
      expect(replayed(world)).toBe(0);
    });
  });

  test.each(outages)('%s, again and again: stored once', async (_, outage) => {
    await withStrict(async (world) => {
      world.loki.outage(outage, { forRequests: 5 });
      expect(await world.push(numbered(20))).toEqual({ accepted: 20, rejected: 0 });
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });

  test('a part of it is stored: only the rest is sent again, in its order', async () => {
    await withStrict(async (world) => {
      world.loki.outage('reset-after-accept', { forRequests: 1, endpoint: 'push' });
      const lines = numbered(100);
      await world.push(lines);
      world.loki.lose(50, undefined, ({ line }) => Number(line.slice(5)) % 2 === 1);
      world.loki.outage({ status: 503 }, { forRequests: 1, endpoint: 'push' });
      await world.pushAgain(lines);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      expect(world.told.asked.at(-1)).toMatchObject({ lines: 100, held: 50 });
      expect(world.pushes.at(-1)?.push?.received).toBe(50);
    });
  });

  test('after no answer, Loki is asked only when it has answered again for loki.settle_time', async () => {
    await withStrict(
      async (world) => {
        const thaw = world.loki.outage('freeze');
        world.told.atRetry = (retries) => retries === 3 && thaw();
        await world.push(numbered(300));
        expect(await accountOf(world)).toMatchObject(ALL_STORED);
        expect(world.clock.slept).toContain(12_345);
        expect(world.told.asked).toMatchObject([{ lines: 300, held: 300 }]);
      },
      { settings: { settleMs: 12_345 } },
    );
  });

  test('after a 500 there is nothing that could settle', async () => {
    await withStrict(
      async (world) => {
        world.loki.outage({ status: 500, afterAccept: true }, { forRequests: 1 });
        await world.push(numbered(3));
        expect(world.clock.slept).not.toContain(12_345);
        expect(world.told.asked).toMatchObject([{ lines: 3, held: 3 }]);
      },
      { settings: { settleMs: 12_345 } },
    );
  });

  test('a connection that was refused has stored nothing: nothing is asked', async () => {
    await withStrict(async (world) => {
      await world.loki.stopListening();
      world.told.atRetry = (retries) => void (retries === 3 && world.loki.listen());
      await world.push(numbered(20));
      expect(world.questions).toEqual([]);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });

  test('long lines and many of one nanosecond are read in pages', async () => {
    await withStrict(
      async (world) => {
        const long = Array.from({ length: 40 }, (_, i) =>
          pushLine(NOW + BigInt(i), `${i} `.padEnd(60_000, 'x')),
        );
        const crowd = Array.from({ length: 700 }, (_, i) => pushLine(NOW + SECOND, `of one stamp ${i}`));
        world.loki.outage('reset-after-accept', { forRequests: 1, endpoint: 'push' });
        await world.push([...long, ...crowd]);
        expect(await accountOf(world)).toMatchObject(ALL_STORED);
        expect(world.questions.length).toBeGreaterThan(2);
      },
      { loki: { limits: { maxEntriesPerQuery: 1000 } } },
    );
  });

  test.each(['3.5', '3.7'] as const)('divided into shards by Loki %s: stored once', async (version) => {
    await withStrict(
      async (world) => {
        world.loki.outage('reset-after-accept', { probability: 0.5, endpoint: 'push' });
        for (let i = 0; i < 6; i++)
          await world.push(numbered(100, NOW + BigInt(i) * SECOND, 'x'.repeat(100)));
        expect(world.loki.streams().length).toBeGreaterThan(1);
        expect(await accountOf(world)).toMatchObject(ALL_STORED);
      },
      { loki: { version, limits: { shardDesiredRateBytes: 2000 } } },
    );
  });

  test('lines that are not UTF-8 are known again, and none of them is taken for another', async () => {
    await withStrict(async (world) => {
      const bytes = [0x80, 0xff, 0xfe].map((byte) => Buffer.from([0x61, byte, 0x62]));
      const lines = [pushLine(NOW, 'first'), ...bytes.map((line) => pushLine(NOW + 1n, line))];
      world.loki.outage('reset-after-accept', { forRequests: 1, endpoint: 'push' });
      await world.push(lines);
      expect(world.loki.counts()).toMatchObject({ received: 4, entries: 4 });

      // One of them is not there: Loki does not show which, so all are sent.
      expect(world.loki.lose(1, undefined, ({ line }) => line === 'a\ufffdb')).toBe(1);
      world.loki.outage({ status: 503 }, { forRequests: 1, endpoint: 'push' });
      await world.pushAgain(lines);
      const shown = world.loki.entries().filter(({ line }) => line === 'a\ufffdb');
      expect(shown.length).toBeGreaterThanOrEqual(3);
      expect(world.pushes.at(-1)?.push?.received).toBe(3);
    });
  });

  test("lines of another container with the same labels, timestamp and text are not this one's", async () => {
    await withStrict(
      async (world) => {
        const target = (id: string) =>
          testTarget({ containerId: id, structuredMetadata: { container_id: id } });
        await world.push([pushLine(NOW, 'same')], target('c1'));
        world.loki.outage('reset', { forRequests: 1, endpoint: 'push' });
        await world.push([pushLine(NOW, 'same')], target('c2'));
        expect(world.loki.entries().map(({ metadata }) => metadata['container_id'])).toEqual(['c1', 'c2']);
      },
      { loki: { version: '3.7' } },
    );
  });

  test("a stream with further labels is not this one's", async () => {
    await withStrict(async (world) => {
      await world.push([pushLine(NOW, 'same')], testTarget({ labels: { app: 'a', tier: 'b' } }));
      world.loki.outage('reset', { forRequests: 1, endpoint: 'push' });
      await world.push([pushLine(NOW, 'same')], testTarget({ labels: { app: 'a' } }));
      expect(world.loki.counts().entries).toBe(2);
    });
  });
});

describe('a push of which Loki refuses a part', () => {
  test('the rest is stored, and not sent again while the refused lines are found', async () => {
    await withStrict(async (world) => {
      await world.push([pushLine(NOW, 'newest')]);
      const behind = [3, 40, 77].map((i) => pushLine(NOW - 2n * HOUR + BigInt(i), `behind ${i}`));
      const good = numbered(300, NOW - MINUTE);
      const result = await world.push([...good.slice(0, 100), ...behind, ...good.slice(100)]);
      expect(result).toEqual({ accepted: 300, rejected: 3 });
      expect(world.loki.counts().twice).toBe(0);
      expect((await accountOf(world)).rejected).toEqual(['behind 3', 'behind 40', 'behind 77'].sort());
    });
  });

  test('single lines over the rate of a stream are sent again, the others not', async () => {
    await withStrict(
      async (world) => {
        await world.push(numbered(200, NOW, 'x'.repeat(100)));
        expect(world.pushes.some(({ status }) => status === 429)).toBe(true);
        expect(await accountOf(world)).toMatchObject(ALL_STORED);
      },
      { loki: { limits: { shardStreams: false, perStreamRateBytes: 5000, perStreamBurstBytes: 10_000 } } },
    );
  });
});

describe('a Loki that is not to be read', () => {
  test.each([401, 403, 404])(
    '%i: lines are sent again, counted, and reading is not tried each time',
    async (status) => {
      await withStrict(async (world) => {
        world.loki.outage({ status }, { endpoint: 'read' });
        world.loki.outage('reset-after-accept', { forRequests: 3, endpoint: 'push' });
        expect(await world.push(numbered(10))).toEqual({ accepted: 10, rejected: 0 });
        expect(replayed(world)).toBe(30);
        expect(world.told.replayed[0]?.reason).toContain(String(status));
        expect(world.questions).toHaveLength(1);
        expect(await accountOf(world)).toMatchObject({ lost: [] });
      });
    },
  );

  test('it is tried again after a while', async () => {
    await withStrict(async (world) => {
      const lift = world.loki.outage({ status: 404 }, { endpoint: 'read' });
      world.loki.outage('reset', { forRequests: 1, endpoint: 'push' });
      await world.push(numbered(10));
      lift();
      world.clock.pass(10 * 60_000);
      world.loki.outage('reset-after-accept', { forRequests: 1, endpoint: 'push' });
      await world.push(numbered(10, NOW + SECOND));
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      expect(replayed(world)).toBe(10);
    });
  });

  test('it takes pushes and fails to answer: after some tries lines are sent again, and nobody waits for ever', async () => {
    await withStrict(async (world) => {
      world.loki.outage({ status: 503 }, { endpoint: 'read' });
      world.loki.outage('reset', { forRequests: 1, endpoint: 'push' });
      expect(await world.push(numbered(10))).toEqual({ accepted: 10, rejected: 0 });
      expect(replayed(world)).toBe(10);
      expect(world.questions).toHaveLength(5);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      expect(world.told.states.map(({ kind }) => kind)).toEqual(['retrying', 'ok']);
    });
  });

  test('it is away as a whole: lines are not sent again, however long that is', async () => {
    await withStrict(async (world) => {
      const lift = world.loki.outage('reset-after-accept');
      world.told.atRetry = (retries) => retries === 100 && lift();
      expect(await world.push(numbered(10))).toEqual({ accepted: 10, rejected: 0 });
      expect(replayed(world)).toBe(0);
      expect(world.loki.counts()).toMatchObject({ received: 10, twice: 0 });
    });
  });
});

describe('lines of a container that an earlier process may have sent', () => {
  const lines = numbered(200);

  test('of each stream the newest entry is asked for once, and lines up to it', async () => {
    await withStrict(async (world) => {
      await world.push(lines.slice(0, 120), FROM_A_CONTAINER);
      world.restart();
      world.sent.push(...lines.slice(120).map((line) => ({ target: FROM_A_CONTAINER, line })));
      for (const [from, to] of [
        [0, 50],
        [50, 130],
        [130, 160],
        [160, 200],
      ]) {
        await world.pushAgain(lines.slice(from, to), FROM_A_CONTAINER);
      }
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      expect(world.loki.counts()).toMatchObject({ received: 200, twice: 0 });
      expect(world.told.asked.map(({ lines: asked, held }) => [asked, held])).toEqual([
        [50, 50],
        [80, 70],
      ]);
    });
  });

  test('the cursor was there before Loki had anything: one question, and no more', async () => {
    await withStrict(async (world) => {
      world.restart();
      for (let i = 0; i < 5; i++) await world.push(lines.slice(i * 40, i * 40 + 40), FROM_A_CONTAINER);
      // One that shows that Loki is there, and one when all has settled.
      expect(world.questions).toHaveLength(2);
      expect(world.told.asked).toEqual([]);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });

  test('once a container was read to its end, nothing is asked', async () => {
    await withStrict(async (world) => {
      world.restart();
      world.doubts.settle('c1');
      await world.push(lines, FROM_A_CONTAINER);
      expect(world.questions).toEqual([]);
      world.doubts.raise('c1');
      await world.pushAgain(lines, FROM_A_CONTAINER);
      expect(world.loki.counts()).toMatchObject({ received: 200, twice: 0 });
    });
  });

  test('a line far ahead of those that follow proves nothing for them', async () => {
    await withStrict(async (world) => {
      await world.push(lines, FROM_A_CONTAINER);
      world.restart();
      await world.push([pushLine(NOW + 5_400n * SECOND, 'in 90 minutes')], FROM_A_CONTAINER);
      await world.pushAgain(lines, FROM_A_CONTAINER);
      expect(world.loki.counts()).toMatchObject({ entries: 200, strictDuplicates: 0, twice: 0 });
    });
  });

  test('where Loki may not be read, as many batches count as may have been under way', async () => {
    await withStrict(
      async (world) => {
        world.restart();
        for (let i = 0; i < 10; i++) await world.push(lines.slice(i * 20, i * 20 + 20), FROM_A_CONTAINER);
        expect(replayed(world)).toBe(6 * 20);
        expect(await accountOf(world)).toMatchObject(ALL_STORED);
      },
      { settings: { query: 'off' } },
    );
  });

  test('lines of no container are never asked for', async () => {
    await withStrict(async (world) => {
      world.restart();
      await world.push(lines);
      expect(world.questions).toEqual([]);
    });
  });
});
