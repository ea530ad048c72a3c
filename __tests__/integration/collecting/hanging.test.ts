import { describe, expect, test } from '@jest/globals';
import type { Fault, SimulatedContainer } from '../../../src/simulators/engine/index.js';
import {
  merged,
  SHORT_TIMEOUTS,
  withCollector,
  type CollectingWorld,
} from '../../support/collecting/index.js';
import { PassingClock } from '../../support/passing-clock.js';
import { until } from '../../support/until.js';

const HANGS: Readonly<Record<string, Fault>> = {
  'before the header': { kind: 'hang_before_header' },
  'behind the header': { kind: 'hang_after_header' },
  'in the middle': { kind: 'stall', afterPieces: 1 },
  'at the end': { kind: 'never_ends' },
  'a byte now and then': { kind: 'drip', bytes: 1, everyMs: 300 },
  'a line without end': { kind: 'endless_line', afterPieces: 0 },
};

/** Every line is there once, and nothing is said to be missing. */
async function expectAllThere(world: CollectingWorld, madeUp?: RegExp): Promise<void> {
  const accounts = [...(await world.accounts({ madeUp })).values()];
  expect(accounts.filter(({ lost, twice, marks }) => lost > 0 || twice > 0 || marks.length > 0)).toEqual([]);
  expect(world.missed).toEqual([]);
}

describe('containers whose log requests hang', () => {
  test('more of them than the pool has places: the others are polled all the same, and they when they can be', async () => {
    const settings = merged(SHORT_TIMEOUTS, { poll: { concurrency: 2, deadline: '2s' } });
    await withCollector({ settings }, async (world) => {
      const { engine } = world;
      const hanging = Object.keys(HANGS).map((name) => engine.addContainer({ name }));
      const others = ['one', 'two', 'three'].map((name) => engine.addContainer({ name }));
      await world.start();
      for (const container of [...hanging, ...others]) container.writeLine('stdout', 'a first line');
      await world.caughtUp();

      const before = hanging.map(({ id }) => answers(world, id));
      for (const [container, fault] of Object.entries(HANGS)) {
        // What it makes up would be taken for lines: once is enough.
        engine.fault(
          { endpoint: 'logs', container, ...(fault.kind === 'endless_line' ? { times: 1 } : {}) },
          fault,
        );
      }
      for (const container of hanging) container.writeLine('stdout', 'while it hangs');
      await until('each has hung', () =>
        hanging.every(({ id }, i) => answers(world, id) > (before[i] as number) + 1),
      );
      const lasting = hanging.filter(({ name }) => HANGS[name]?.kind !== 'endless_line');
      let atOnce = 0;
      for (let line = 0; line < 12; line++) {
        const polls = others.map(({ id }) => world.pollsOf(id));
        for (const container of others) container.writeLine('stdout', `line ${line}`);
        await until('the others are polled', () => {
          atOnce = Math.max(atOnce, underWay(world, lasting));
          return others.every(({ id }, i) => world.pollsOf(id) > (polls[i] as number));
        });
      }
      // The other place is for those that do not hang.
      expect(atOnce).toBe(1);
      // Two polls, and the look at the events with its list.
      expect(engine.connections().peak).toBeLessThanOrEqual(4);
      expect(world.health.report().parts.containers).toMatchObject({
        state: 'degraded',
        reason: expect.stringContaining('before the header'),
      });

      engine.clearFaults();
      await world.caughtUp();
      await until('it is well again', () => world.health.report().parts.containers.state === 'healthy');
      await world.stop();
      await expectAllThere(world, /^x+$/);
    });
  });
});

/** How often its log was asked for, and the answer is over. */
function answers({ engine }: CollectingWorld, id: string): number {
  return engine.requests
    .of('logs')
    .filter(({ containerId, bytes }) => containerId === id && bytes !== undefined).length;
}

/** Requests for the logs of these that are not over. */
function underWay({ engine }: CollectingWorld, containers: readonly SimulatedContainer[]): number {
  const ids = new Set(containers.map(({ id }) => id));
  return engine.requests
    .of('logs')
    .filter(({ containerId, bytes }) => ids.has(containerId ?? '') && bytes === undefined).length;
}

describe('a list that takes half a minute', () => {
  test('what starts meanwhile is collected meanwhile, also what is gone before the list comes', async () => {
    const clock = new PassingClock();
    const settings = { docker: { timeout: '10m' } };
    await withCollector({ clock, settings }, async (world) => {
      const { engine, loki } = world;
      const old = engine.addContainer({ name: 'old' });
      await world.start();
      old.writeLine('stdout', 'before');
      await world.caughtUp();

      engine.fault({ endpoint: 'list', times: 1 }, { kind: 'delay', ms: 30_000 });
      await until('the list hangs', () => engine.faultsStruck === 1);
      const list = engine.requests.of('list').at(-1);
      const born = Array.from({ length: 20 }, (_, i) => engine.addContainer({ name: `born-${i}` }));
      for (const container of born) container.writeLine('stdout', 'its first line');
      old.writeLine('stdout', 'meanwhile');
      await until('all are collected', () => loki.counts().entries === 22, { instead: () => loki.counts() });
      for (const container of born.slice(0, 10)) {
        container.writeLine('stdout', 'its last line');
        container.die(0);
      }
      await until('the last lines, too', () => loki.counts().entries === 32, {
        instead: () => loki.counts(),
      });
      await until('those are read to the end', () => lives(world, 'drained') === 10);
      for (const container of born.slice(0, 5)) container.remove();
      await until('those are gone', () => lives(world, 'gone') === 5);
      expect(list).toMatchObject({ status: 0, finished: false });

      const lists = engine.requests.count('list');
      clock.pass(30_000);
      await until('another list has come', () => engine.requests.count('list') > lists + 1);
      expect([lives(world, 'active'), lives(world, 'drained'), lives(world, 'gone')]).toEqual([11, 5, 5]);
      await world.stop();
      await expectAllThere(world);
    });
  });
});

function lives({ service }: CollectingWorld, wanted: string): number {
  return service.containers().filter(({ life }) => life === wanted).length;
}
