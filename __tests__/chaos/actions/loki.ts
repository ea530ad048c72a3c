import type { Outage, OutageExtent } from '../../../src/simulators/loki/index.js';
import type { ChaosWorld } from '../world.js';
import type { Action } from './action.js';

/** How long an outage stays at most, in steps. */
const LONGEST = 60;

type MakeOutage = (world: ChaosWorld) => Outage;

const OUTAGES: readonly MakeOutage[] = [
  ({ dice }) => ({ status: dice.pick([408, 429, 500, 502, 503, 504]) }),
  ({ dice }) => ({ status: dice.pick([429, 503]), retryAfter: dice.pick(['0', '1']) }),
  ({ dice }) => ({ status: dice.pick([260, 301, 401, 403, 404, 405]) }),
  ({ dice }) => ({ status: dice.pick([200, 400]), body: '<html>welcome</html>', contentType: 'text/html' }),
  () => ({ status: 500, afterAccept: true }),
  () => 'refuse',
  () => 'reset',
  () => 'hang',
  () => 'reset-after-accept',
  () => 'hang-after-accept',
  ({ dice }) => ({ delayMs: dice.between(50, 1500) }),
];

/** Loki is away, refuses, is slow, or takes a push and does not say so. */
export const LOKI: readonly Action[] = [
  {
    name: 'pushes fail, are slow, or their answers are lost',
    side: 'Loki',
    weight: 8,
    act: (world) => {
      const { dice, loki } = world;
      const outage = dice.pick(OUTAGES)(world);
      const [probability, steps] = [dice.pick([0.3, 1]), dice.between(5, LONGEST)];
      const extent: OutageExtent = { endpoint: 'push', probability };
      world.later(steps, loki.outage(outage, extent));
      return `pushes: ${shown(outage)}, with a chance of ${probability} for ${steps} steps`;
    },
  },
  {
    name: 'Loki stands still, and goes on with all that waits in its sockets',
    side: 'Loki',
    weight: 1.5,
    act: (world) => {
      const steps = world.dice.between(3, LONGEST);
      if (world.lokiAway) return undefined;
      world.later(steps, world.loki.outage('freeze'));
      return `Loki stands still for ${steps} steps`;
    },
  },
  {
    name: 'nothing listens where Loki was',
    side: 'Loki',
    weight: 1.5,
    act: async (world) => {
      const steps = world.dice.between(3, LONGEST);
      if (world.lokiAway) return undefined;
      await world.loki.stopListening();
      world.lokiAway = true;
      world.later(steps, async () => {
        await world.loki.listen();
        world.lokiAway = false;
      });
      return `Loki is away for ${steps} steps`;
    },
  },
];

function shown(outage: Outage): string {
  if (typeof outage === 'string') return outage;
  return Object.entries(outage)
    .filter(([name]) => name !== 'body' && name !== 'contentType')
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}
