import { expect, test } from '@jest/globals';
import type { EngineProfileName } from '../../../src/simulators/engine/index.js';
import { withCollector, type CollectingWorld } from '../../support/collecting/index.js';
import { eachOnce, expectNothingHeld, figuresOf, untilStored } from '../../support/peers/index.js';
import { until } from '../../support/until.js';

const PROFILES: readonly EngineProfileName[] = ['20.10', '24', '28.5'];
const BIG = 20_000;
const POLLS = 30;

/** The anchor of 32 entries, a headroom of 16, and one that may be new: see src/collector/window.ts. */
const SMALLEST = 49;
const IDLE_POLLS = 10;

const QUICK = { poll: { interval: '100ms', max_interval: '100ms' } };

/** How far back each request for a log reaches; undefined: to its beginning. */
function windows({ engine }: CollectingWorld): (number | undefined)[] {
  return engine.requests.of('logs').map(({ query }) => {
    const tail = query['tail'];
    return tail === undefined || tail === 'all' ? undefined : Number(tail);
  });
}

/**
 * Waits until each container is asked for its anchor and little more: what a busy time made the collector expect is
 * forgotten. A poll that then comes late, because the machine is busy, asks for hardly more.
 */
async function untilIdle(world: CollectingWorld, ids: readonly string[]): Promise<void> {
  await until('the windows are as small as they get', () => {
    const asked = world.engine.requests.of('logs');
    return ids.every((id) => {
      const last = asked.filter(({ containerId }) => containerId === id).slice(-IDLE_POLLS);
      return (
        last.length === IDLE_POLLS && last.every(({ query }) => Number(query['tail'] ?? NaN) <= SMALLEST)
      );
    });
  });
}

async function polled(world: CollectingWorld, id: string, times: number): Promise<void> {
  const polls = world.pollsOf(id);
  await until(`${times} polls go by`, () => world.pollsOf(id) >= polls + times);
}

test.concurrent.each(PROFILES)(
  'docker/for-linux#972: no poll makes the daemon search a big log for a time: each asks for its end (Engine %s)',
  async (profile) => {
    await withCollector({ profile, settings: QUICK }, async (world) => {
      const { engine } = world;
      const container = engine.addContainer({ name: 'big' });
      for (let i = 0; i < BIG; i++) container.writeLine('stdout', `line ${i}`);
      await world.start();
      await world.caughtUp();
      // The whole log once, at first.
      expect(windows(world).indexOf(undefined)).toBe(0);
      expect(windows(world).lastIndexOf(undefined)).toBe(0);
      await untilIdle(world, [container.id]);
      engine.requests.clear();
      const read = await world.metric('pollard_entries_read_total');
      const polls = await world.metric('pollard_polls_total');
      for (let i = 0; i < POLLS; i++) {
        container.writeLine('stdout', `new ${i}`);
        if (i % 3 === 0) await polled(world, container.id, 1);
      }
      await untilStored(world, BIG + POLLS);
      await world.caughtUp();
      const asked = windows(world);
      expect(asked).not.toContain(undefined);
      expect(Math.max(...(asked as number[]))).toBeLessThanOrEqual(BIG / 10);
      // What the Engine sent for a poll is near to what was new, and far from the log.
      const entries = (await world.metric('pollard_entries_read_total')) - read;
      const done = (await world.metric('pollard_polls_total')) - polls;
      expect(entries / done).toBeLessThan(BIG / 100);
      expect(await world.metric('pollard_whole_log_reads_total')).toBe(1);
      expect(world.loki.counts().received).toBe(BIG + POLLS);
      expect(await figuresOf(world)).toEqual(eachOnce(BIG + POLLS));
      await expectNothingHeld(world);
    });
  },
);

test.concurrent.each(PROFILES)(
  'moby/moby#31935: a burst larger than the window is found by widening it, and nothing is lost between (Engine %s)',
  async (profile) => {
    await withCollector({ profile, settings: QUICK }, async (world) => {
      const { engine } = world;
      const container = engine.addContainer({ name: 'bursts' });
      for (let i = 0; i < BIG; i++) container.writeLine('stdout', `line ${i}`);
      await world.start();
      await world.caughtUp();
      let lines = BIG;
      for (const burst of [1, 5, 50, 700, 3, 4000, 1]) {
        // Idle in between, so that the window is as small as it gets.
        await polled(world, container.id, 5);
        for (let i = 0; i < burst; i++) container.writeLine('stdout', `burst ${lines} ${i}`);
        lines += burst;
        await untilStored(world, lines);
      }
      await world.caughtUp();
      expect(world.loki.counts()).toMatchObject({ received: lines, strictDuplicates: 0, refused: {} });
      expect(await figuresOf(world)).toEqual(eachOnce(lines));
      expect(await world.metric('pollard_whole_log_reads_total')).toBe(1);
      expect(await world.metric('pollard_widenings_total')).toBeGreaterThan(0);
      await expectNothingHeld(world);
    });
  },
);

/** As many as on the machine of the report. */
const IDLE = 18;

test.concurrent.each(PROFILES)(
  'amir20/dozzle#4815: idle containers cost the daemon a look at the end of each log, and no stream (Engine %s)',
  async (profile) => {
    await withCollector({ profile, settings: QUICK }, async (world) => {
      const { engine } = world;
      const containers = Array.from({ length: IDLE }, (_, i) => engine.addContainer({ name: `idle-${i}` }));
      for (const container of containers) {
        for (let i = 0; i < 500; i++) container.writeLine('stdout', `line ${i}`);
      }
      await world.start();
      await world.caughtUp();
      await untilIdle(
        world,
        containers.map(({ id }) => id),
      );
      engine.requests.clear();
      const read = await world.metric('pollard_entries_read_total');
      const polls = await world.metric('pollard_polls_total');
      await polled(world, containers[0]?.id ?? '', POLLS);
      const entries = (await world.metric('pollard_entries_read_total')) - read;
      const done = (await world.metric('pollard_polls_total')) - polls;

      // No statistics, no inspecting: what is there, what happened, and the ends of the logs.
      expect(new Set(engine.requests.all.map(({ endpoint }) => endpoint))).toEqual(
        new Set(['events', 'list', 'logs']),
      );
      const asked = windows(world);
      expect(asked).not.toContain(undefined);
      // The 32 entries by which the place is recognised, and a little more.
      expect(Math.max(...(asked as number[]))).toBeLessThanOrEqual(MOST_OF_IDLE);
      expect(entries / done).toBeLessThanOrEqual(MOST_OF_IDLE);
      // No event is waited for: each look ends at once.
      for (const { query } of engine.requests.of('events')) expect(query).toHaveProperty('until');
      await until('no connection is open', () => engine.connections().open === 0);
      expect(world.loki.counts()).toMatchObject({ received: IDLE * 500 });
      await expectNothingHeld(world);
    });
  },
);

const MOST_OF_IDLE = 64;
