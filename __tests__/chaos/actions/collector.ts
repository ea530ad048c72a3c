import type { ChaosWorld } from '../world.js';
import type { Action } from './action.js';

/** The clock is never further from the true time than this, ms: Loki refuses what is ten minutes ahead. */
const FURTHEST_MS = 240_000;
const CLOCK_STEPS_MS = [300, 700, 1500, 5000, 30_000, 120_000] as const;

/** The collector's process ends, in order or not, and the clock that it shares with the Engine is set. */
export const COLLECTOR: readonly Action[] = [
  {
    name: 'kill -9 of the collector',
    side: 'collector',
    weight: 1.5,
    act: async (world) => {
      const steps = world.dice.pick([1, 1, 5, 40]);
      if (world.collector.asked === 'down') return undefined;
      const { asked } = world.collector;
      await world.killCollector();
      // Where it was told to stop, its next start is put off already.
      if (asked === 'up') world.later(steps, () => world.startCollector());
      return asked === 'up' ? `kill -9, and started ${steps} steps later` : 'kill -9 while it stops';
    },
  },
  {
    name: 'the collector is stopped, and started again',
    side: 'collector',
    weight: 1,
    act: (world) => {
      const steps = world.dice.pick([0, 3, 20, 60]);
      if (world.collector.asked !== 'up') return undefined;
      world.beginStopCollector();
      world.later(steps, () => startAfterStop(world));
      return `stopped, and started ${steps} steps later`;
    },
  },
  {
    name: 'a catch-up runs instead, and is killed',
    side: 'collector',
    weight: 0.5,
    act: (world) => {
      const [before, steps] = [world.dice.between(0, 10), world.dice.between(5, 80)];
      if (world.collector.asked !== 'up') return undefined;
      world.beginStopCollector();
      world.later(before, async () => {
        await world.collector.stopped();
        world.beginCatchUp();
        world.later(steps, async () => {
          await world.collector.endCatchUp();
          world.startCollector();
        });
      });
      return `stopped, a catch-up ${before} steps later, for ${steps} steps at most`;
    },
  },
  {
    name: 'another collector is started on the same state directory',
    side: 'collector',
    weight: 0.5,
    act: async ({ collector }) => {
      // One that only starts may not have the lock yet, and then loses it to the other one.
      if (!collector.collecting) return undefined;
      await collector.startAnother();
      return 'another collector finds the state directory locked';
    },
  },
  {
    name: 'the clock is set',
    side: 'clock',
    weight: 2,
    act: ({ clock, dice }) => {
      const step = dice.pick(CLOCK_STEPS_MS) * (dice.chance(0.5) ? 1 : -1);
      const offset = clock.offsetMs + step;
      if (Math.abs(offset) > FURTHEST_MS) {
        clock.set(0);
        return 'the clock is set right';
      }
      clock.set(offset);
      return `the clock is set by ${step} ms, to ${offset} ms from the truth`;
    },
  },
];

async function startAfterStop(world: ChaosWorld): Promise<void> {
  await world.collector.stopped();
  world.startCollector();
}
