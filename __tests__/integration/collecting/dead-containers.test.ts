import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { withCollector, type CollectingWorld } from '../../support/collecting/index.js';
import { PassingClock } from '../../support/passing-clock.js';
import { until } from '../../support/until.js';

const HOUR_MS = 3_600_000;
const DEAD = 3000;

const PATIENCE_MS = 800_000;

test(
  'thousands of dead containers are read to their end once, and then left alone',
  async () => {
    const clock = new PassingClock();
    await withCollector({ settings: { poll: { concurrency: 50 } }, clock }, async (world) => {
      const { engine, loki } = world;
      const dead = Array.from({ length: DEAD }, (_, i) => engine.addContainer({ name: `job-${i}` }));
      for (const container of dead) {
        container.writeLine('stdout', `${container.name} has done it`);
        container.die(0);
      }
      // One that has just ended is looked at again for a while.
      clock.pass(2 * HOUR_MS);
      const live = engine.addContainer({ name: 'live' });
      await world.start();
      live.writeLine('stdout', 'a line');
      await until('all is stored', () => loki.counts().entries === DEAD + 1, { patience: 300_000 });
      await until('all is read to the end', () => drained(world) === DEAD, { instead: () => loki.counts() });
      await world.caughtUp();

      // What is new, and perhaps a look whether damage hid something behind it.
      const asked = requests(world, live.id);
      // Before its log and behind it: it may have been started again meanwhile.
      expect(asked.inspects).toBe(2 * DEAD);
      expect(asked.logs).toBeGreaterThanOrEqual(DEAD);
      expect(asked.logs).toBeLessThanOrEqual(2 * DEAD);
      const before = engine.requests.count('list');
      await until('they were listed a few times more', () => engine.requests.count('list') >= before + 3);
      expect(requests(world, live.id)).toEqual(asked);

      const folder = join(world.config.collector.state_dir, 'cursors');
      const files = (await readdir(folder)).filter((name) => name.endsWith('.json'));
      expect(files).toHaveLength(DEAD + 1);
      const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).size));
      expect(Math.max(...sizes)).toBeLessThan(1024);
      // The lag is told of those only that are collected.
      const { text } = await world.page('/metrics');
      expect(text.match(/^pollard_cursor_lag_seconds\{/gm)).toHaveLength(1);
      expect(text).toMatch(/^pollard_containers\{life="drained"\} 3000$/m);

      // One of them is started again: it alone is asked about.
      const [again, ...rest] = dead;
      const ids = new Set(rest.map(({ id }) => id));
      const others = requests(world, live.id, again?.id);
      again?.start();
      again?.writeLine('stdout', 'once more');
      await until('its line is there', () => loki.counts().entries === DEAD + 2);
      expect(requests(world, live.id, again?.id)).toEqual(others);

      // A new service looks at the last entry of each, once: it may have grown meanwhile.
      await world.stop();
      engine.requests.clear();
      await world.start();
      await until('all were looked at', () => drained(world) === DEAD - 1, {
        patience: 300_000,
        instead: () => ({ drained: drained(world), ...requests(world) }),
      });
      const anew = engine.requests.of('logs').filter(({ containerId }) => ids.has(containerId ?? ''));
      expect(anew.map(({ query }) => query['tail'])).toEqual(Array(DEAD - 1).fill('1'));
      expect(requests(world, live.id, again?.id).inspects).toBe(DEAD - 1);
    });
  },
  PATIENCE_MS,
);

/** Requests about containers, without those about some. */
function requests(
  { engine }: CollectingWorld,
  ...without: (string | undefined)[]
): { inspects: number; logs: number } {
  const count = (endpoint: 'inspect' | 'logs'): number =>
    engine.requests.of(endpoint).filter(({ containerId }) => !without.includes(containerId)).length;
  return { inspects: count('inspect'), logs: count('logs') };
}

function drained({ service }: CollectingWorld): number {
  return service.containers().filter(({ life }) => life === 'drained').length;
}
