import { describe, expect, test } from '@jest/globals';
import type { Outage } from '../../../src/simulators/loki/index.js';
import { accountOf, withPushing } from '../../support/pushing/index.js';
import { LoopbackServers } from '../../support/loopback-server.js';
import { NOW, numbered, SECOND, testTarget } from '../../support/push-lines.js';

const ALL_STORED = { rejected: [], lost: [], twice: [], unknown: [] };
/** What is bounded by real time is bounded shortly; a busy machine may well need longer, and asks once more. */
const SHORT = { timeoutMs: 300 };

describe('a connection that goes wrong', () => {
  test.each<[Outage & string]>([
    ['refuse'],
    ['reset'],
    ['hang'],
    ['reset-after-accept'],
    ['hang-after-accept'],
  ])('%s: Loki is asked, and each line is stored once', async (outage) => {
    await withPushing({ settings: SHORT }, async (world) => {
      world.loki.outage(outage, { forRequests: 4 });
      expect(await world.push(numbered(50))).toEqual({ accepted: 50, rejected: 0 });
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      // What was taken without an answer did not come again.
      expect(world.loki.counts()).toMatchObject({ received: 50, entries: 50, strictDuplicates: 0 });
      const states = world.told.states.map(({ kind }) => kind);
      // A busy machine may make another request late.
      expect([states[0], states.at(-1)]).toEqual(['retrying', 'ok']);
      expect(world.told.asked.at(-1)).toMatchObject({ held: outage.endsWith('accept') ? 50 : 0 });
      expect(world.told.replayed).toEqual([]);
    });
  });

  test('where Loki may not be read, halves of what was stored without an answer are folded', async () => {
    await withPushing({ settings: { ...SHORT, maxInFlight: 1, query: 'off' } }, async (world) => {
      // So often that it may be the size.
      world.loki.outage('hang-after-accept', { forRequests: 9 });
      const lines = numbered(400, NOW, 'x'.repeat(400));
      expect(await world.push(lines)).toEqual({ accepted: 400, rejected: 0 });
      const sizes = new Set(world.told.attempts.map(({ entries }) => entries));
      expect(sizes.size).toBeGreaterThan(1);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      expect(world.loki.counts().entries).toBe(400);
      expect(world.told.asked).toEqual([]);
      expect(world.told.replayed.length).toBeGreaterThanOrEqual(9);
      expect(world.told.replayed[0]).toMatchObject({ lines: 400, reason: 'loki.query is off' });
    });
  });

  test('an answer that comes later than is waited for', async () => {
    const servers = new LoopbackServers();
    let asked = 0;
    const late = await servers.http((request, response) => {
      request.resume().on('end', () => {
        // The first ones never; the last at once.
        if (++asked > 3) response.writeHead(204).end();
      });
    });
    try {
      const url = `http://127.0.0.1:${late.port}`;
      await withPushing({ settings: { ...SHORT, url, query: 'off' } }, async (world) => {
        expect(await world.push(numbered(5))).toEqual({ accepted: 5, rejected: 0 });
        const statuses = world.told.attempts.map(({ status }) => status);
        expect(statuses.slice(0, 3)).toEqual(['timeout', 'timeout', 'timeout']);
        expect(statuses.at(-1)).toBe(204);
      });
    } finally {
      await servers.closeAll();
    }
  });
});

describe('an outage', () => {
  test('nothing listens, and then it does again: all that waited is stored', async () => {
    await withPushing({}, async (world) => {
      await world.push(numbered(20));
      await world.loki.stopListening();
      let back: Promise<void> | undefined;
      world.told.atRetry = (retries) => {
        if (retries === 12) back = world.loki.listen();
      };
      const streams = ['a', 'b', 'c', 'd', 'e', 'f'].map((stream) => testTarget({ labels: { stream } }));
      await Promise.all(streams.map((target) => world.push(numbered(30, NOW + SECOND), target)));
      await back;
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      expect(world.loki.counts().entries).toBe(20 + 6 * 30);
      const states = world.told.states.map(({ kind }) => kind);
      // A busy machine may make another request late.
      expect([states[0], states.at(-1)]).toEqual(['retrying', 'ok']);
      expect(world.told.states[0]?.reason).toContain('does not listen');
    });
  });

  test('in the middle of a push, over and over', async () => {
    await withPushing({ settings: SHORT }, async (world) => {
      for (const outage of ['refuse', 'reset', 'reset-after-accept'] as const) {
        world.loki.outage(outage, { probability: 0.3 });
      }
      world.loki.outage({ status: 503, afterAccept: true }, { probability: 0.3 });
      const streams = ['a', 'b', 'c'].map((stream) => testTarget({ labels: { stream } }));
      for (let i = 0n; i < 8n; i++) {
        await Promise.all(streams.map((target) => world.push(numbered(25, NOW + i * SECOND), target)));
      }
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      expect(world.loki.counts().entries).toBe(3 * 8 * 25);
      expect(world.loki.outagesStruck).toBeGreaterThan(10);
    });
  });

  test('what is refused meanwhile is kept aside when it is over, once', async () => {
    await withPushing({ settings: SHORT }, async (world) => {
      for (const outage of ['reset', 'reset-after-accept'] as const) {
        world.loki.outage(outage, { probability: 0.4 });
      }
      const old = numbered(40, NOW - 30n * 86_400n * SECOND, ' old');
      const good = numbered(80);
      const mixed = [...good.slice(0, 30), ...old, ...good.slice(30)].sort((a, b) =>
        a.stamp < b.stamp ? -1 : 1,
      );
      expect(await world.push(mixed)).toEqual({ accepted: 80, rejected: 40 });
      const { rejected, ...rest } = await accountOf(world);
      expect(rejected).toHaveLength(40);
      expect(rest).toMatchObject({ lost: [], twice: [], unknown: [] });
    });
  });
});
