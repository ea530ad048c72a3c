import { describe, expect, test } from '@jest/globals';
import { readRejectedFile } from '../../../src/loki/rejected.js';
import type { Nanoseconds } from '../../../src/model/nanoseconds.js';
import { withCollector, type CollectingWorld } from '../../support/collecting/index.js';
import { withSite, type Site } from '../../support/commands/site.js';
import { PassingClock } from '../../support/passing-clock.js';
import { eachOnce, figuresOf } from '../../support/peers/index.js';
import { until } from '../../support/until.js';

const MINUTE = 60_000;
const MINUTES = 60_000_000_000n;
const LINES = 50;

function lokiHealth(world: CollectingWorld): { state: string; reason: string } {
  return world.health.report().parts.loki;
}

async function untilWaiting(world: CollectingWorld): Promise<void> {
  await until('lines wait', () => lokiHealth(world).state === 'degraded');
}

/** The health follows the push that shows it. */
async function untilReason(world: CollectingWorld, reason: RegExp): Promise<void> {
  await until(`the reason is like ${reason.source}`, () => reason.test(lokiHealth(world).reason), {
    instead: () => lokiHealth(world),
  });
}

async function untilHealthy(world: CollectingWorld): Promise<void> {
  await until('Loki counts as healthy', () => lokiHealth(world).state === 'healthy', {
    instead: () => lokiHealth(world),
  });
}

async function rejectedKinds(path: string): Promise<string[]> {
  const kinds: string[] = [];
  for await (const { kind } of readRejectedFile(path)) kinds.push(kind);
  return kinds;
}

/** As the machine's, but behind by so many ms. */
function behind(ms: number): PassingClock {
  const clock = new PassingClock();
  clock.step(-ms);
  return clock;
}

describe('a Loki whose clock is behind', () => {
  test('lines that are too new wait, other streams and older lines go on, and nothing is rejected', async () => {
    const clock = new PassingClock();
    const lokiClock = behind(20 * MINUTE);
    await withCollector({ clock, lokiClock }, async (world) => {
      const { engine, loki } = world;
      const [web, batch] = [engine.addContainer({ name: 'web' }), engine.addContainer({ name: 'batch' })];
      const early = clock.now() - 15n * MINUTES;
      await world.start();
      web.writeLine('stdout', 'web, before', early);
      for (let n = 0; n < LINES; n++) web.writeLine(n % 2 ? 'stdout' : 'stderr', `web ${n}`);
      await untilWaiting(world);
      // Each of them is what Loki's clock calls the last few minutes.
      for (let n = 0; n < LINES; n++) batch.writeLine('stdout', `batch ${n}`, early + BigInt(n));
      await until('what is older is there', () => loki.counts().entries === LINES + 1, {
        instead: () => loki.counts(),
      });
      await untilReason(
        world,
        /^lines of web are too new for Loki .*: Loki's clock is 20 minutes behind the clock here; .*NTP/,
      );
      expect(world.health.report().parts.containers.state).toBe('healthy');
      await until('it is committed', async () => (await world.metric('pollard_lines_total')) === LINES + 1);
      expect(await world.metric('pollard_rejected_lines_total')).toBe(0);

      lokiClock.step(20 * MINUTE);
      await world.caughtUp();
      expect(await figuresOf(world)).toEqual(eachOnce(2 * LINES + 1));
      expect(loki.counts()).toMatchObject({ strictDuplicates: 0, twice: 0 });
      expect(await world.metric('pollard_lines_total')).toBe(2 * LINES + 1);
      await untilHealthy(world);
    });
  });

  test('restarts while lines wait change nothing', async () => {
    const clock = new PassingClock();
    const lokiClock = behind(20 * MINUTE);
    await withCollector({ clock, lokiClock }, async (world) => {
      const web = world.engine.addContainer({ name: 'web' });
      for (let round = 0; round < 3; round++) {
        await world.start();
        web.writeLine('stdout', `older ${round}`, clock.now() - 15n * MINUTES);
        for (let n = 0; n < LINES; n++) web.writeLine('stdout', `line ${round} ${n}`);
        await untilWaiting(world);
        await world.stop();
      }
      lokiClock.step(20 * MINUTE);
      await world.start();
      await world.caughtUp();
      expect(await figuresOf(world)).toEqual(eachOnce(3 * LINES + 3));
      expect(world.loki.counts()).toMatchObject({ strictDuplicates: 0, twice: 0 });
    });
  });

  test('after loki.too_new_patience they are rejected, and the stream goes on', async () => {
    const clock = new PassingClock();
    const lokiClock = behind(60 * MINUTE);
    await withCollector({ clock, lokiClock }, async (world) => {
      const { engine } = world;
      const web = engine.addContainer({ name: 'web' });
      for (let n = 0; n < LINES; n++) web.writeLine('stdout', `line ${n}`);
      await world.start();
      await untilWaiting(world);
      for (const each of [clock, lokiClock]) each.pass(14 * MINUTE);
      const tries = await world.metric('pollard_pushes_total');
      await until('it is tried twice', async () => (await world.metric('pollard_pushes_total')) > tries + 1);
      expect(await world.metric('pollard_rejected_lines_total')).toBe(0);

      for (const each of [clock, lokiClock]) each.pass(MINUTE);
      await until('they are rejected', async () => {
        return (await world.metric('pollard_rejected_lines_total')) === LINES;
      });
      await world.caughtUp();
      await untilHealthy(world);
      expect(await rejectedKinds(world.rejectedFile)).toEqual(Array<string>(LINES).fill('too-new'));
      expect(await world.metric('pollard_lines_total')).toBe(0);
      expect(await figuresOf(world)).toEqual({ ...eachOnce(LINES), inLoki: 0, rejected: LINES });
    });
  });

  test('further behind than creation_grace_period, but not by the patience: lines arrive late', async () => {
    const clock = new PassingClock();
    const lokiClock = behind(20 * MINUTE);
    await withCollector({ clock, lokiClock }, async (world) => {
      const web = world.engine.addContainer({ name: 'web' });
      await world.start();
      for (let minute = 0; minute < 40; minute++) {
        web.writeLine('stdout', `minute ${minute}`);
        if (minute === 0) await untilWaiting(world);
        const due = Math.max(0, minute - 10);
        await until('what is due is there', () => world.loki.counts().entries >= due);
        for (const each of [clock, lokiClock]) each.pass(MINUTE);
      }
      for (const each of [clock, lokiClock]) each.pass(10 * MINUTE);
      await world.caughtUp();
      expect(await figuresOf(world)).toEqual(eachOnce(40));
    });
  });
});

test.each([
  ['in the batch of others', 20],
  ['in a batch of its own', 90],
])('a line from the future waits %s, and later lines of its stream go on', async (_, minutes) => {
  const clock = new PassingClock();
  await withCollector({ clock }, async (world) => {
    const { engine, loki } = world;
    const web = engine.addContainer({ name: 'web' });
    await world.start();
    const write = (text: string, stamp: Nanoseconds = clock.now()) => web.writeLine('stdout', text, stamp);
    write('from the future', clock.now() + BigInt(minutes) * MINUTES);
    for (let n = 0; n < 5; n++) {
      write(`line ${n}`);
      await until('the line is there', () => loki.counts().entries === n + 1, {
        instead: () => [loki.counts(), lokiHealth(world)],
      });
      await untilReason(world, /ahead of the clock here/);
    }
    // A quarter of an hour is the patience.
    clock.pass(14 * MINUTE);
    const [inLoki, rejected] = minutes < 24 ? [6, 0] : [5, 1];
    if (rejected > 0) clock.pass(MINUTE);
    await world.caughtUp();
    expect(await figuresOf(world)).toEqual({ ...eachOnce(6), inLoki, rejected });
    expect(loki.counts()).toMatchObject({ strictDuplicates: 0, twice: 0 });
  });
});

test('a container that is removed while its lines wait no longer counts', async () => {
  const lokiClock = behind(20 * MINUTE);
  await withCollector({ clock: new PassingClock(), lokiClock }, async (world) => {
    const web = world.engine.addContainer({ name: 'web' });
    await world.start();
    web.writeLine('stdout', 'lost');
    await untilWaiting(world);
    web.remove();
    await untilHealthy(world);
    expect(world.missed).toMatchObject([{ reason: 'removed_early' }]);
  });
});

describe('the program', () => {
  function talk(site: Site): void {
    const web = site.engine.addContainer({ name: 'web' });
    for (let n = 0; n < LINES; n++) web.writeLine('stdout', `line ${n}`);
  }

  test('killed while lines wait: all is there once', async () => {
    const lokiClock = behind(20 * MINUTE);
    await withSite({ lokiClock, settings: { start: 'beginning' } }, async (site) => {
      talk(site);
      for (let kills = 0; kills < 3; kills++) {
        const service = await site.run();
        await service.logged('health of loki: degraded');
        await service.kill();
      }
      lokiClock.step(20 * MINUTE);
      await site.run();
      await site.untilStored(LINES);
      expect(site.loki.counts()).toMatchObject({ entries: LINES, strictDuplicates: 0, twice: 0 });
    });
  });

  test('a catch-up ends by --max-duration, and another one delivers what waited', async () => {
    const lokiClock = behind(20 * MINUTE);
    await withSite({ lokiClock, settings: { start: 'beginning' } }, async (site) => {
      talk(site);
      const { code, stdout } = await site.pollard(['catch-up', '--max-duration', '2s']);
      expect([code, stdout]).toEqual([
        6,
        expect.stringMatching(
          /^failed +web: Loki refuses lines of web as too new: Loki's clock is 20 minutes behind.*\n +-> .*clocks/m,
        ),
      ]);
      expect(stdout).toMatch(/^rejected +0$/m);
      lokiClock.step(20 * MINUTE);
      expect((await site.pollard(['catch-up'])).code).toBe(0);
      expect(site.loki.counts()).toMatchObject({ entries: LINES, strictDuplicates: 0 });
    });
  });

  test('a catch-up waits for a clock that is set right', async () => {
    const lokiClock = behind(20 * MINUTE);
    await withSite({ lokiClock, settings: { start: 'beginning' } }, async (site) => {
      talk(site);
      const ended = site.pollard(['catch-up']);
      await until('it is refused', () => (site.loki.counts().pushStatuses[400] ?? 0) > 2);
      lokiClock.step(20 * MINUTE);
      expect((await ended).code).toBe(0);
      expect(site.loki.counts()).toMatchObject({ entries: LINES, strictDuplicates: 0 });
    });
  });
});
