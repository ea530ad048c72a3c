import { describe, expect, test } from '@jest/globals';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PushAborted, PushFailed } from '../../../src/loki/loki-error.js';
import { RejectedFile, readRejectedFile } from '../../../src/loki/rejected.js';
import { PollardError } from '../../../src/model/errors.js';
import type { Outage } from '../../../src/simulators/loki/index.js';
import { LeapingClock } from '../../support/leaping-clock.js';
import { withSmallDisk } from '../../support/small-disk.js';
import { accountOf, rejectedLines, withPushing } from '../../support/pushing/index.js';
import { NOW, numbered, pushLine, SECOND, testTarget, type PushLine } from '../../support/push-lines.js';

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

  test('keeps the batch unsettled until it can; the line is there once', async () => {
    await withPushing({}, async (world) => {
      const state = dirname(world.rejectedPath);
      // Somebody has put a file in the place of its directory.
      renameSync(state, `${state}-away`);
      writeFileSync(state, 'in the way');
      let settled = false;
      let unsettled = 0;
      world.told.atState = ({ kind, setting }) => {
        if (kind !== 'halted') return;
        expect(setting).toBe('rejected.file');
        expect(settled).toBe(false);
        unsettled++;
        rmSync(state);
      };
      expect(await world.push(mixed()).finally(() => (settled = true))).toEqual({
        accepted: 20,
        rejected: 1,
      });
      expect(unsettled).toBe(1);
      expect(world.told.states.map(({ kind }) => kind)).toEqual(['halted', 'ok']);
      expect(await accountOf(world)).toMatchObject({
        rejected: ['refused'],
        lost: [],
        twice: [],
        unknown: [],
      });
    });
  });

  test('so many times: then the batch has failed, and nothing of it counts', async () => {
    await withPushing({ settings: { backoff: few } }, async (world) => {
      const state = dirname(world.rejectedPath);
      renameSync(state, `${state}-away`);
      writeFileSync(state, 'in the way');
      const error = await failureOf(world.push(mixed()));
      expect(error).toMatchObject({
        code: 'rejected_file_unusable',
        setting: 'rejected.file',
        exit: 'state',
      });
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

  test('a full disk: nothing is torn, nothing is lost, and room is enough', async () => {
    await withSmallDisk(64, async (disk) => {
      const filler = join(disk, 'filler');
      writeFileSync(filler, Buffer.alloc(40 * 1024));
      const path = join(disk, 'rejected.jsonl');
      const rejected = await RejectedFile.open(path, new LeapingClock(NOW));
      await withPushing({ rejected }, async (world) => {
        world.told.atState = ({ kind, hint }) => {
          if (kind !== 'halted') return;
          expect(hint).toMatch(/make room on the disk/);
          rmSync(filler);
        };
        const lines = numbered(60, NOW + DAY, 'x'.repeat(200));
        expect(await world.push(lines)).toEqual({ accepted: 0, rejected: 60 });
        expect(world.told.states.map(({ kind }) => kind)).toEqual(['halted', 'ok']);
        const texts: string[] = [];
        const file = readRejectedFile(path);
        for await (const { line } of file) texts.push(line.toString());
        expect(texts.sort()).toEqual(lines.map(({ line }) => line.toString()).sort());
        expect(file.unreadable).toBe(0);
      });
      await rejected.close();
    });
  });
});
