import { describe, expect, test } from '@jest/globals';
import type { StatusOutage } from '../../../src/simulators/loki/index.js';
import { accountOf, withPushing, type PushingWorld } from '../../support/pushing/index.js';
import { NOW, numbered, SECOND, testTarget } from '../../support/push-lines.js';

const NS_PER_MS = 1_000_000n;
const ALL_STORED = { rejected: [], lost: [], twice: [], unknown: [] };
const JSON_ERROR = { body: '{"message":"no"}', contentType: 'application/json' };
/** What nginx says beside the line: Loki's answers look otherwise. */
const PAGE = '<!doctype html><title>Welcome</title><h1>It works!</h1>';

/** A few lines of two streams, each in a push of its own. */
async function pushBoth(world: PushingWorld): Promise<void> {
  const [a, b] = ['a', 'b'].map((stream) => testTarget({ labels: { stream } }));
  await Promise.all([world.push(numbered(50), a), world.push(numbered(50), b)]);
}

describe('what heals by itself', () => {
  const RETRIED = [408, 425, 429, 500, 502, 503, 504, 599];

  test.each(RETRIED)('%i of a gateway, with its page', async (status) => {
    await withPushing({}, async (world) => {
      world.loki.outage({ status }, { forRequests: 7 });
      await pushBoth(world);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      expect(world.told.states.map(({ kind }) => kind)).toEqual(['retrying', 'ok']);
      expect(world.told.states[0]?.reason).toContain(String(status));
    });
  });

  test.each(RETRIED.filter((status) => status !== 429))(
    '%i, although all was stored: Loki is asked, and nothing is sent again',
    async (status) => {
      await withPushing({}, async (world) => {
        world.loki.outage({ status, afterAccept: true }, { forRequests: 7 });
        await pushBoth(world);
        expect(await accountOf(world)).toMatchObject(ALL_STORED);
        expect(world.loki.counts()).toMatchObject({ entries: 100, received: 100, strictDuplicates: 0 });
        expect(world.told.replayed).toEqual([]);
      });
    },
  );

  test.each(RETRIED)(
    '%i, although all was stored, where Loki may not be read: it is sent again, and folded',
    async (status) => {
      await withPushing({ settings: { query: 'off' } }, async (world) => {
        world.loki.outage({ status, afterAccept: true }, { forRequests: 7 });
        await pushBoth(world);
        expect(await accountOf(world)).toMatchObject(ALL_STORED);
        expect(world.loki.counts()).toMatchObject({ entries: 100, received: 450, strictDuplicates: 350 });
        const replayed = world.told.replayed.reduce((sum, { lines }) => sum + lines, 0);
        expect(replayed).toBe(status === 429 ? 0 : 350);
      });
    },
  );

  test('a long outage: the waits stay bounded, and are told once', async () => {
    await withPushing({}, async (world) => {
      const lift = world.loki.outage({ status: 503 });
      world.told.atRetry = (retries) => retries === 200 && lift();
      await world.push(numbered(10));
      expect(Math.max(...world.clock.slept)).toBeLessThanOrEqual(30_000);
      expect(world.told.states.map(({ kind }) => kind)).toEqual(['retrying', 'ok']);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });

  test.each([
    ['seconds', '120'],
    ['a date', new Date(Number((NOW + 120n * SECOND) / NS_PER_MS)).toUTCString()],
  ])('Retry-After in %s is waited for', async (_, retryAfter) => {
    await withPushing({}, async (world) => {
      world.loki.outage({ status: 503, retryAfter }, { forRequests: 1 });
      await world.push(numbered(3));
      expect(world.clock.slept).toHaveLength(1);
      expect(world.clock.slept[0]).toBeGreaterThanOrEqual(120_000);
      expect(world.clock.slept[0]).toBeLessThanOrEqual(150_000);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });

  test("a gateway's Retry-After on Loki's own 429 is waited for as well", async () => {
    const limits = { ingestionRateBytes: 10_000, ingestionBurstBytes: 10_000 };
    await withPushing({ loki: { limits, gateway: { retryAfter: '7' } } }, async (world) => {
      await world.push(numbered(8, NOW, 'x'.repeat(1000)));
      await world.push(numbered(8, NOW + SECOND, 'x'.repeat(1000)));
      expect(world.pushes.some(({ status }) => status === 429)).toBe(true);
      expect(Math.min(...world.clock.slept)).toBeGreaterThanOrEqual(7000);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });

  test('a Retry-After of hours, or of nonsense, does not stop it for hours', async () => {
    await withPushing({}, async (world) => {
      world.loki.outage({ status: 503, retryAfter: '86400' }, { forRequests: 1 });
      world.loki.outage({ status: 503, retryAfter: 'soon' }, { forRequests: 1 });
      await world.push(numbered(3));
      expect(Math.max(...world.clock.slept)).toBeLessThanOrEqual(11 * 60_000);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });
});

describe('what somebody must change', () => {
  test.each<[string, StatusOutage, string]>([
    ['301 of a gateway', { status: 301 }, 'loki.url'],
    ['400 with a page', { status: 400 }, 'loki.url'],
    ['401 with a page', { status: 401 }, 'loki.basic_auth'],
    ['401 in JSON', { status: 401, ...JSON_ERROR }, 'loki.basic_auth'],
    ['403', { status: 403 }, 'loki.basic_auth'],
    ['404 with a page', { status: 404 }, 'loki.url'],
    ['404 of another server', { status: 404, body: '404 page not found\n' }, 'loki.url'],
    ['405', { status: 405 }, 'loki.url'],
    ['410', { status: 410 }, 'loki.url'],
    ['415', { status: 415, ...JSON_ERROR }, 'loki.encoding'],
    ['418', { status: 418 }, 'loki.url'],
    ['200 with a page', { status: 200, body: PAGE, contentType: 'text/html' }, 'loki.url'],
    ['200 with a text', { status: 200, body: 'hello' }, 'loki.url'],
    ['206', { status: 206, body: '' }, 'loki.url'],
    [
      '260, blocked',
      {
        status: 260,
        body: "ingestion blocked for user fake until '2030-01-01T00:00:00Z' with status code '260'",
      },
      'loki.tenant',
    ],
  ])('%s: told with the setting, tried slowly, healed without loss', async (_, outage, setting) => {
    await withPushing({}, async (world) => {
      world.loki.outage(outage, { forRequests: 5 });
      await pushBoth(world);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      expect(world.loki.counts()).toMatchObject({ received: 100 });
      expect(world.told.states.map(({ kind }) => kind)).toEqual(['halted', 'ok']);
      const [halted] = world.told.states;
      expect(halted).toMatchObject({ setting });
      expect(halted?.hint).toMatch(/\w/);
      expect(Math.min(...world.clock.slept)).toBeGreaterThanOrEqual(30_000);
    });
  });

  test.each(['3.5', '3.7'] as const)('ingestion that %s has blocked until some time', async (version) => {
    const blockIngestionUntilMs = Number(NOW / NS_PER_MS) + 300_000;
    await withPushing({ loki: { version, limits: { blockIngestionUntilMs } } }, async (world) => {
      await pushBoth(world);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      expect(new Set(world.pushes.map(({ status }) => status))).toEqual(new Set([260, 204]));
      expect(world.told.states[0]).toMatchObject({ kind: 'halted', setting: 'loki.tenant' });
      expect(world.told.states.at(-1)?.kind).toBe('ok');
    });
  });

  test.each([429, 400, 500])(
    'blocked with the status %i is still understood',
    async (blockIngestionStatus) => {
      const blockIngestionUntilMs = Number(NOW / NS_PER_MS) + 300_000;
      const limits = { blockIngestionUntilMs, blockIngestionStatus };
      await withPushing({ loki: { limits } }, async (world) => {
        await pushBoth(world);
        expect(await accountOf(world)).toMatchObject(ALL_STORED);
        expect(world.told.states[0]).toMatchObject({ kind: 'halted', setting: 'loki.tenant' });
      });
    },
  );
});

describe('422, and 400 for a reason that nobody knows', () => {
  const ODD: readonly StatusOutage[] = [
    { status: 422, body: 'error at least one valid stream is required for ingestion' },
    { status: 400, body: 'the stars do not allow it' },
  ];

  test.each(ODD)('$status for one request alone: nothing is refused in the end', async (outage) => {
    await withPushing({}, async (world) => {
      world.loki.outage(outage, { forRequests: 1 });
      expect(await world.push(numbered(64))).toEqual({ accepted: 64, rejected: 0 });
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });

  test.each(ODD)('$status for all that is sent: the endpoint is at fault, and no line is', async (outage) => {
    await withPushing({}, async (world) => {
      const lift = world.loki.outage(outage);
      world.told.atRetry = (retries) => retries === 5 && lift();
      expect(await world.push(numbered(64))).toEqual({ accepted: 64, rejected: 0 });
      expect(world.told.states[0]).toMatchObject({ kind: 'halted', setting: 'loki.url' });
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });
});
