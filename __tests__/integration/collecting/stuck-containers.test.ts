import { expect, test } from '@jest/globals';
import { withCollector } from '../../support/collecting/index.js';
import { until } from '../../support/until.js';

const DENIED = { kind: 'status', status: 404, message: 'No such container' } as const;

test.each(['removing', 'dead'] as const)(
  'a container that was delivered whole is stuck as %s: nothing is missed, and it is not asked about at each list',
  async (stuckAs) => {
    await withCollector({}, async (world) => {
      const { engine } = world;
      const stuck = engine.addContainer({ name: 'stuck' });
      stuck.writeLine('stdout', 'its only line');
      await world.start();
      await world.caughtUp();
      stuck.die(0);
      await world.drained();

      // The daemon has begun to remove it and failed: it is listed, and nothing else is known of it.
      stuck.beginRemoval(stuckAs);
      engine.fault({ endpoint: 'inspect', container: 'stuck' }, DENIED);
      engine.fault({ endpoint: 'logs', container: 'stuck' }, DENIED);
      const listed = async (times: number): Promise<void> => {
        const lists = engine.requests.count('list');
        await until('it is listed', () => engine.requests.count('list') >= lists + times);
      };
      await listed(3);
      await world.stop();
      engine.requests.clear();
      // The next service knows only that it is listed.
      await world.start();
      await listed(5);
      expect(engine.requests.count('inspect')).toBe(1);
      expect(engine.requests.count('logs')).toBe(0);
      expect(world.missed).toEqual([]);
    });
  },
);
