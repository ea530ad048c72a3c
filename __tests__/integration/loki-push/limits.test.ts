import { describe, expect, test } from '@jest/globals';
import type { LokiSimulatorOptions } from '../../../src/simulators/loki/index.js';
import { accountOf, rejectedLines, withPushing, type PushingWorld } from '../../support/pushing/index.js';
import {
  HOUR,
  MINUTE,
  NOW,
  numbered,
  pushLine,
  SECOND,
  testTarget,
  type PushLine,
} from '../../support/push-lines.js';

const DAY = 24n * HOUR;
const KIB = 1024;
const VERSIONS = ['3.5', '3.7'] as const;
const ENCODINGS = ['protobuf', 'json'] as const;
const variants = VERSIONS.flatMap((version) => ENCODINGS.map((encoding) => ({ version, encoding })));

const labelled = (count: number, value: string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`label_${i}`, value]));
const textsOf = (lines: readonly PushLine[]): string[] => lines.map(({ line }) => line.toString()).sort();

/** Good lines of the last minute, and among them those that are given. */
function among(given: readonly PushLine[]): { good: PushLine[]; all: PushLine[] } {
  const good = numbered(200, NOW - MINUTE);
  return { good, all: [...good.slice(0, 120), ...given, ...good.slice(120)] };
}

async function expectSplit(world: PushingWorld, good: readonly PushLine[], refused: readonly PushLine[]) {
  expect(await accountOf(world)).toEqual({
    stored: textsOf(good),
    rejected: textsOf(refused),
    lost: [],
    twice: [],
    unknown: [],
  });
}

describe.each(variants)('Loki $version, by $encoding', ({ version, encoding }) => {
  const withLoki = (
    limits: LokiSimulatorOptions['limits'],
    use: (world: PushingWorld) => Promise<void>,
  ): Promise<void> =>
    withPushing({ loki: { version, ...(limits && { limits }) }, settings: { encoding } }, use);

  test.each([
    ['too old', 'too-old', [pushLine(NOW - 8n * DAY, 'a week ago'), pushLine(NOW - 9n * DAY, 'before that')]],
    ['too new', 'too-new', [pushLine(NOW + 11n * MINUTE, 'soon'), pushLine(NOW + DAY, 'tomorrow')]],
    ['too long', 'line-too-long', [pushLine(NOW - SECOND, 'x'.repeat(256 * KIB + 1))]],
    ['too far behind', 'too-far-behind', [pushLine(NOW - 2n * HOUR, 'of two hours ago')]],
  ])('%s: in the file with its reason, all good lines stored', async (_, kind, refused) => {
    await withLoki(undefined, async (world) => {
      // The stream is known to Loki already: what is behind it is so from the first request on.
      const known = pushLine(NOW, 'the newest');
      await world.push([known]);
      const { good, all } = among(refused);
      expect(await world.push(all)).toEqual({ accepted: good.length, rejected: refused.length });
      await expectSplit(world, [known, ...good], refused);
      const kept = await rejectedLines(world);
      expect(new Set(kept.map((line) => line.kind))).toEqual(new Set([kind]));
      for (const { status, reason, container } of kept) {
        expect([status, container]).toEqual([400, 'web']);
        expect(reason).toMatch(/^400 .*(timestamp too (old|new)|entry size|entry too far behind)/i);
      }
      expect(world.pusher.state().kind).toBe('ok');
      expect(world.told.retries).toEqual([]);
    });
  });

  test('all of it at once', async () => {
    await withLoki(undefined, async (world) => {
      const known = pushLine(NOW, 'the newest');
      await world.push([known]);
      const refused = [
        pushLine(NOW - 8n * DAY, 'old'),
        pushLine(NOW - 3n * HOUR, 'behind'),
        pushLine(NOW + HOUR, 'new'),
        pushLine(NOW - SECOND, `long ${'y'.repeat(300 * KIB)}`),
      ];
      const { good, all } = among(refused);
      expect(await world.push(all)).toEqual({ accepted: good.length, rejected: refused.length });
      await expectSplit(world, [known, ...good], refused);
      const kinds = (await rejectedLines(world)).map((line) => line.kind).sort();
      expect(kinds).toEqual(['line-too-long', 'too-far-behind', 'too-new', 'too-old']);
    });
  });

  test('nothing but lines that are refused', async () => {
    await withLoki(undefined, async (world) => {
      const lines = numbered(500, NOW - 30n * DAY);
      expect(await world.push(lines)).toEqual({ accepted: 0, rejected: 500 });
      await expectSplit(world, [], lines);
      // The newest refused one settles all that are older: not one request a line.
      expect(world.pushes.length).toBeLessThan(30);
    });
  });

  test.each([
    ['too many labels', { labels: labelled(16, 'x') }],
    ['a label name that is too long', { labels: { ['n'.repeat(1025)]: 'x' } }],
    ['a label value that is too long', { labels: { a: 'v'.repeat(2049) } }],
    ['structured metadata that are too large', { structuredMetadata: { a: 'm'.repeat(65 * KIB) } }],
    [
      'too many structured metadata',
      { structuredMetadata: Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`m${i}`, 'x'])) },
    ],
  ])('%s: the whole stream is kept aside, after one request', async (_, init) => {
    await withLoki(undefined, async (world) => {
      const lines = numbered(30);
      const target = testTarget(init);
      expect(await world.push(lines, target)).toEqual({ accepted: 0, rejected: 30 });
      await expectSplit(world, [], lines);
      expect((await rejectedLines(world)).every(({ kind }) => kind === 'stream')).toBe(true);
      expect(world.pushes).toHaveLength(1);
    });
  });

  test('just inside of every limit: stored', async () => {
    await withLoki(undefined, async (world) => {
      const labels = labelled(14, 'v'.repeat(2048));
      const target = testTarget({ labels: { ...labels, ['n'.repeat(1024)]: 'x' } });
      const lines = [
        pushLine(NOW - 7n * DAY, 'as old as may be'),
        pushLine(NOW - 7n * DAY + SECOND, 'z'.repeat(256 * KIB)),
      ];
      await world.push(lines, target);
      await world.push(
        [pushLine(NOW + 10n * MINUTE, 'as new as may be')],
        testTarget({ labels: { a: 'b' } }),
      );
      expect(await accountOf(world)).toMatchObject({ rejected: [], lost: [], twice: [], unknown: [] });
    });
  });

  test('labels and structured metadata arrive as they are', async () => {
    await withLoki(undefined, async (world) => {
      const labels = { container: 'web', stream: 'stderr', job: 'a "quoted" \\ job\nof two lines' };
      const structuredMetadata = { container_id: '4c01db0b339c', trace: 'äöü' };
      await world.push(numbered(3), testTarget({ labels, structuredMetadata }));
      const [entry] = world.loki.entries();
      expect(entry?.labels).toMatchObject(labels);
      expect(entry?.metadata).toMatchObject(structuredMetadata);
    });
  });

  test('structured metadata that this Loki does not allow: nothing is lost, it waits for a setting', async () => {
    await withLoki({ allowStructuredMetadata: false }, async (world) => {
      let states = 0;
      world.told.atRetry = (retries) => {
        states = retries;
        if (retries === 3) allowed = world.replaceLoki({ version });
      };
      let allowed: Promise<void> | undefined;
      const lines = numbered(40);
      const target = testTarget({ structuredMetadata: { container_id: '4c01db0b339c' } });
      expect(await world.push(lines, target)).toEqual({ accepted: 40, rejected: 0 });
      await allowed;
      expect(states).toBeGreaterThanOrEqual(3);
      expect(world.told.states[0]).toMatchObject({ kind: 'halted', setting: 'labels.structured_metadata' });
      expect(world.pusher.state().kind).toBe('ok');
      await expectSplit(world, lines, []);
    });
  });
});

describe('the 204 that hides a refused stream', () => {
  const behind = testTarget({ labels: { stream: 'behind' }, containerName: 'behind' });
  const good = testTarget({ labels: { stream: 'good' }, containerName: 'good' });

  test('does not come, because a request carries one stream', async () => {
    await withPushing({}, async (world) => {
      await world.push([pushLine(NOW, 'newest')], behind);
      const late = pushLine(NOW - 2n * HOUR, 'late');
      const results = await Promise.all([
        world.push([late, pushLine(NOW - MINUTE, 'in time')], behind),
        world.push(numbered(50), good),
        world.push(numbered(50, NOW + SECOND), good),
      ]);
      expect(results.map(({ accepted }) => accepted)).toEqual([1, 50, 50]);
      const account = await accountOf(world);
      expect(account).toMatchObject({ rejected: ['late'], lost: [], twice: [], unknown: [] });
      for (const { push } of world.pushes) expect(push?.streams).toBe(1);
    });
  });
});

describe('so many streams and no more', () => {
  test('the new stream waits, the others go on; when there is room, nothing is missing', async () => {
    await withPushing({ loki: { limits: { maxStreams: 1, chunkIdlePeriodMs: 60_000 } } }, async (world) => {
      const [known, fresh] = ['known', 'fresh'].map((stream) => testTarget({ labels: { stream } }));
      await world.push(numbered(5), known);
      const waiting = world.push(numbered(5), fresh);
      const going = world.push(numbered(5, NOW + SECOND), known);
      expect(await going).toEqual({ accepted: 5, rejected: 0 });
      // The stream that is idle is forgotten after a while.
      expect(await waiting).toEqual({ accepted: 5, rejected: 0 });
      expect(world.told.retries.every(({ ofStream }) => ofStream)).toBe(true);
      expect(world.told.states).toEqual([]);
      expect(await accountOf(world)).toMatchObject({ rejected: [], lost: [], twice: [], unknown: [] });
    });
  });
});

describe('what Loki changes by itself', () => {
  test('lines that it cuts instead of refusing them count as stored', async () => {
    await withPushing({ loki: { limits: { truncateLines: true, maxLineBytes: 10 } } }, async (world) => {
      expect(await world.push([pushLine(NOW, '0123456789abc')])).toEqual({ accepted: 1, rejected: 0 });
      expect(world.loki.entries().map(({ line }) => line)).toEqual(['0123456789']);
    });
  });

  test('bytes that are no UTF-8 are stored as they are', async () => {
    await withPushing({}, async (world) => {
      const line = Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x61]);
      expect(await world.push([pushLine(NOW, line), pushLine(NOW, Buffer.from([0xfe]))])).toEqual({
        accepted: 2,
        rejected: 0,
      });
      expect(world.loki.counts()).toMatchObject({ entries: 2, bytes: 6 });
    });
  });
});
