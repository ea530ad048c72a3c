import { expect, test } from '@jest/globals';
import type { EngineProfileName } from '../../../src/simulators/engine/index.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { withCollector, type CollectingWorld } from '../../support/collecting/index.js';
import { eachOnce, expectNothingHeld, figuresOf, untilStored } from '../../support/peers/index.js';
import { until } from '../../support/until.js';

const PROFILES: readonly EngineProfileName[] = ['20.10', '24', '28.5'];
const LINES = 200;
const HOUR = 3600n * NS_PER_SECOND;

/** A log that reaches so far back that Loki refuses its beginning behind its end: "entry too far behind". */
function longHistory({ engine, clock }: CollectingWorld, name: string) {
  const container = engine.addContainer({ name });
  const now = clock.now();
  for (let i = 0; i < LINES; i++) {
    const stamp = now - 5n * HOUR + (BigInt(i) * 5n * HOUR) / BigInt(LINES);
    container.writeLine('stdout', `line ${i}`, stamp);
  }
  return container;
}

/** Nothing came to Loki more than once, and it refused nothing. */
function expectReceivedOnce({ loki }: CollectingWorld, lines: number): void {
  expect(loki.counts()).toMatchObject({
    received: lines,
    entries: lines,
    strictDuplicates: 0,
    refused: {},
  });
}

test.concurrent.each(PROFILES)(
  'grafana/loki#6021, grafana/loki#7103: a container that stops is not sent once more, nor refused (Engine %s)',
  async (profile) => {
    await withCollector({ profile }, async (world) => {
      const container = longHistory(world, 'redis');
      await world.start();
      await world.caughtUp();
      expectReceivedOnce(world, LINES);

      container.writeLine('stdout', 'bye bye');
      container.stop();
      await world.drained();
      const looks = world.engine.requests.count('list');
      await until('it is listed again', () => world.engine.requests.count('list') > looks + 1);
      expectReceivedOnce(world, LINES + 1);
      expect(await figuresOf(world)).toEqual(eachOnce(LINES + 1));
      await expectNothingHeld(world);
    });
  },
);

const WAKES = 8;

test.concurrent.each(PROFILES)(
  'grafana/loki#7382: a container that is started each minute, mostly to say nothing, is not sent each time (Engine %s)',
  async (profile) => {
    await withCollector({ profile }, async (world) => {
      const container = longHistory(world, 'cron');
      container.die(0);
      await world.start();
      await world.drained();
      let lines = LINES;
      for (let wake = 0; wake < WAKES; wake++) {
        container.start();
        if (wake % 4 === 3) {
          container.writeLine('stdout', `work ${wake}`);
          lines++;
        }
        container.die(0);
        const polls = world.pollsOf(container.id);
        await until('it is polled again', () => world.pollsOf(container.id) > polls);
        await world.drained();
      }
      expectReceivedOnce(world, lines);
      expect(await figuresOf(world)).toEqual(eachOnce(lines));
      await expectNothingHeld(world);
    });
  },
);

test.concurrent.each(PROFILES)(
  'grafana/alloy#7036: the position of a container that was stopped is kept for its next start (Engine %s)',
  async (profile) => {
    await withCollector({ profile }, async (world) => {
      const container = longHistory(world, 'web');
      await world.start();
      await world.caughtUp();
      container.stop();
      await world.drained();
      const read = await world.metric('pollard_entries_read_total');
      const polls = await world.metric('pollard_polls_total');

      container.start();
      container.writeLine('stdout', 'here again');
      await untilStored(world, LINES + 1);
      await world.caughtUp();
      expectReceivedOnce(world, LINES + 1);
      // Nor was the log read again by the Engine: a window of it.
      expect(await world.metric('pollard_whole_log_reads_total')).toBe(1);
      const entries = (await world.metric('pollard_entries_read_total')) - read;
      const done = (await world.metric('pollard_polls_total')) - polls;
      expect(entries / done).toBeLessThan(LINES / 2);
      expect(await figuresOf(world)).toEqual(eachOnce(LINES + 1));
      await expectNothingHeld(world);
    });
  },
);

const BIG = 5000;

test.concurrent.each(PROFILES)(
  'grafana/alloy#4321: a collector that is started again does not read the logs again (Engine %s)',
  async (profile) => {
    await withCollector({ profile }, async (world) => {
      const { engine } = world;
      const containers = Array.from({ length: 3 }, (_, i) => engine.addContainer({ name: `c-${i}` }));
      for (const container of containers) {
        for (let i = 0; i < BIG; i++) container.writeLine('stdout', `line ${i}`);
      }
      await world.start();
      await world.caughtUp();
      await world.stop();
      for (const container of containers) container.writeLine('stdout', 'while nobody was there');
      engine.requests.clear();

      await world.start();
      await world.caughtUp();
      expectReceivedOnce(world, containers.length * (BIG + 1));
      expect(await world.metric('pollard_whole_log_reads_total')).toBe(0);
      const asked = engine.requests.of('logs').map(({ query }) => Number(query['tail']));
      expect(Math.max(...asked)).toBeLessThan(BIG / 10);
      expect(await figuresOf(world)).toEqual(eachOnce(containers.length * (BIG + 1)));
      await expectNothingHeld(world);
    });
  },
);

const CUTS = 6;

test.concurrent.each(PROFILES)(
  'vectordotdev/vector#26023: a proxy cuts connections time and again, and nothing is sent a second time (Engine %s)',
  async (profile) => {
    await withCollector({ profile }, async (world) => {
      const { engine } = world;
      const container = longHistory(world, 'cache');
      await world.start();
      await world.caughtUp();
      for (let cut = 0; cut < CUTS; cut++) {
        const before = engine.faultsStruck;
        engine.fault(
          { endpoint: 'logs', container: container.id, times: 2 },
          { kind: 'reset', afterPieces: cut % 3, insidePiece: cut % 2 === 0 },
        );
        container.writeLine('stdout', `said around cut ${cut}`);
        await until('it was cut', () => engine.faultsStruck >= before + 2);
        await world.caughtUp();
      }
      expectReceivedOnce(world, LINES + CUTS);
      expect(await figuresOf(world)).toEqual(eachOnce(LINES + CUTS));
      await until('it is healthy', () => world.health.report().state === 'healthy');
      await expectNothingHeld(world);
    });
  },
);
