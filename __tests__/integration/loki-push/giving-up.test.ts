import { describe, expect, test } from '@jest/globals';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PushAborted, PushFailed } from '../../../src/loki/loki-error.js';
import { RejectedStore } from '../../../src/loki/rejected-store.js';
import { readRejectedFile } from '../../../src/loki/rejected.js';
import { PollardError } from '../../../src/model/errors.js';
import type { Outage } from '../../../src/simulators/loki/index.js';
import { ManualClock } from '../../support/manual-clock.js';
import { withSmallDisk } from '../../support/small-disk.js';
import { accountOf, rejectedLines, withPushing } from '../../support/pushing/index.js';
import {
  linesAsText,
  NOW,
  numbered,
  pushLine,
  SECOND,
  testTarget,
  type PushLine,
} from '../../support/push-lines.js';

const DAY = 86_400n * SECOND;
const ALL_STORED = { rejected: [], lost: [], twice: [], unknown: [] };
const few = { minMs: 500, maxMs: 30_000, maxRetries: 3 };

async function failureOf(pushed: Promise<unknown>): Promise<PollardError> {
  const error: unknown = await pushed.then(
    () => new Error('did not fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PollardError);
  return error as PollardError;
}

describe('an abort', () => {
  test.each<[string, Outage]>([
    ['while nothing is answered', 'hang'],
    ['while the answer of what was stored does not come', 'hang-after-accept'],
    ['while it waits for the next try', { status: 503 }],
    ['while somebody must change a setting', { status: 401 }],
    ['while what was stored is told otherwise', { status: 500, afterAccept: true }],
  ])('%s: nothing counts, and the next start makes it whole', async (_, outage) => {
    await withPushing({}, async (world) => {
      const lines = numbered(300);
      const stop = new AbortController();
      const lift = world.loki.outage(outage);
      world.told.atRetry = (retries) => retries === 2 && stop.abort(new Error('stopped'));
      // Of a hang nothing is told: it is ended as soon as it is there.
      const watch = setInterval(() => {
        if (world.loki.outagesStruck > 0 && typeof outage === 'string') stop.abort(new Error('stopped'));
      }, 5);
      const error = await failureOf(world.push(lines, testTarget(), stop.signal));
      clearInterval(watch);
      expect(error).toBeInstanceOf(PushAborted);
      expect(await rejectedLines(world)).toEqual([]);
      lift();
      expect(await world.pushAgain(lines)).toEqual({ accepted: 300, rejected: 0 });
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });

  test('in the middle of dividing: no line is kept aside by halves, none twice', async () => {
    await withPushing({ settings: { maxInFlight: 1 } }, async (world) => {
      const old = numbered(20, NOW - 30n * DAY, ' old');
      const lines = [...numbered(100), ...numbered(20, NOW + DAY, ' new')];
      const stop = new AbortController();
      const asked = (): number => world.told.attempts.length;
      const watch = setInterval(() => asked() >= 3 && stop.abort(new Error('stopped')), 1);
      const results = await Promise.allSettled([
        world.push(lines, testTarget(), stop.signal),
        world.push(old, testTarget({ labels: { stream: 'b' } }), stop.signal),
      ]);
      clearInterval(watch);
      expect(results.some(({ status }) => status === 'rejected')).toBe(true);
      // Read again from the place that was committed last: what had failed comes again.
      if (results[0].status === 'rejected') await world.pushAgain(lines);
      if (results[1].status === 'rejected')
        await world.pushAgain(old, testTarget({ labels: { stream: 'b' } }));
      const { rejected, ...rest } = await accountOf(world);
      expect(rejected).toHaveLength(40);
      expect(rest).toMatchObject({ lost: [], twice: [], unknown: [] });
    });
  });
});

describe('after so many tries', () => {
  test.each<[string, Outage]>([
    ['503', { status: 503 }],
    ['401', { status: 401 }],
    ['a page', { status: 200, body: '<html>' }],
    ['a reset', 'reset'],
  ])('of %s: given up, named, and whole the next time', async (_, outage) => {
    await withPushing({ settings: { backoff: few } }, async (world) => {
      const lift = world.loki.outage(outage);
      const lines = [...numbered(30), pushLine(NOW + DAY, 'refused')];
      const error = await failureOf(world.push(lines));
      expect(error).toBeInstanceOf(PushFailed);
      expect(error).toMatchObject({ exit: 'loki', container: 'web' });
      expect(error.hint).toMatch(/\w/);
      expect(world.told.attempts).toHaveLength(4);
      expect(world.pusher.state().kind).toBe('failed');
      lift();
      expect(await world.pushAgain(lines)).toEqual({ accepted: 30, rejected: 1 });
      expect(world.pusher.state().kind).toBe('ok');
      expect(await accountOf(world)).toMatchObject({
        rejected: ['refused'],
        lost: [],
        twice: [],
        unknown: [],
      });
    });
  });

  test('nothing listens', async () => {
    await withPushing({ settings: { backoff: few } }, async (world) => {
      await world.loki.stopListening();
      expect(await failureOf(world.push(numbered(3)))).toMatchObject({ code: 'push_failed' });
      await world.loki.listen();
      await world.pushAgain(numbered(3));
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });
});

describe('a rejected-lines file that cannot be written', () => {
  const mixed = (): PushLine[] => [...numbered(20), pushLine(NOW + DAY, 'refused')];

  test('what Loki accepts is settled, what it refuses is reported as not kept; later it is kept again', async () => {
    await withPushing({}, async (world) => {
      const state = dirname(world.rejectedPath);
      // Somebody has put a file in the place of its directory.
      renameSync(state, `${state}-away`);
      writeFileSync(state, 'in the way');
      expect(await world.push(mixed())).toEqual({ accepted: 20, rejected: 1 });
      expect(world.told.notKept).toMatchObject([
        { lines: { kind: 'too-new', lines: 1, from: NOW + DAY }, why: expect.stringContaining('ENOTDIR') },
      ]);
      expect(world.told.rejected).toMatchObject([{ entries: 1, notKept: 1 }]);
      expect(world.told.states).toEqual([]);
      rmSync(state);
      expect(await world.pushAgain(mixed())).toEqual({ accepted: 20, rejected: 1 });
      expect(await accountOf(world)).toMatchObject({
        rejected: ['refused'],
        lost: [],
        twice: [],
        unknown: [],
      });
    });
  });

  test('a full disk: what fits is kept, the rest is counted, nothing is torn; with room all is kept', async () => {
    await withSmallDisk(64, async (disk) => {
      const filler = join(disk, 'filler');
      writeFileSync(filler, Buffer.alloc(40 * 1024));
      const path = join(disk, 'rejected.jsonl');
      const troubles: (string | undefined)[] = [];
      const rejected = await RejectedStore.open({
        path,
        clock: new ManualClock(NOW),
        maxBytes: 1 << 30,
        onTrouble: (trouble) => troubles.push(trouble?.reason),
      });
      await withPushing({ rejected }, async (world) => {
        const lines = numbered(60, NOW + DAY, 'x'.repeat(200));
        expect(await world.push(lines)).toEqual({ accepted: 0, rejected: 60 });
        const { kept, unreadable } = await readBack(path);
        expect(unreadable).toBe(0);
        expect(kept.length).toBeGreaterThan(0);
        expect(kept.length + (world.told.notKept[0]?.lines.lines ?? 0)).toBe(60);
        expect(troubles).toEqual([expect.stringMatching(/file system of .* is full/)]);
        rmSync(filler);
        const more = numbered(30, NOW + DAY, 'y'.repeat(200));
        expect(await world.push(more)).toEqual({ accepted: 0, rejected: 30 });
        expect((await readBack(path)).kept).toEqual([...kept, ...linesAsText(more)]);
        expect(troubles).toHaveLength(2);
        expect(troubles[1]).toBeUndefined();
      });
      await rejected.close();
    });
  });
});

async function readBack(path: string): Promise<{ kept: string[]; unreadable: number }> {
  const kept: string[] = [];
  const file = readRejectedFile(path);
  for await (const { line } of file) kept.push(line.toString());
  return { kept, unreadable: file.unreadable };
}
