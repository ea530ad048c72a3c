import { expect, jest, test } from '@jest/globals';
import type { SimulatedContainer } from '../../../src/simulators/engine/index.js';
import { withCollector, type CollectingWorld } from '../../support/collecting/index.js';
import { until } from '../../support/until.js';

jest.setTimeout(120_000);

const OUTAGES = [
  ['nothing fails', undefined],
  ['pushes are stored, and answered with 500', { status: 500, afterAccept: true }],
] as const;

// Loki before 3.7 folds them whatever their structured metadata (pkg/chunkenc/unordered.go).
test.each(OUTAGES)(
  'a container writes what another of its name wrote at the same nanosecond, and %s: Loki is sent both',
  async (_, outage) => {
    await withCollector({}, async (world) => {
      const { engine, loki } = world;
      const stamp = world.clock.now();
      await world.start();
      const first = await written(world, stamp);
      first.stop();
      await world.drained();
      first.remove();
      if (outage !== undefined) loki.outage(outage, { endpoint: 'push', forRequests: 3 });
      const second = await written(world, stamp);
      await until('all of it is stored', () => loki.counts().accepted >= 4, { instead: () => loki.counts() });
      second.stop();
      await world.drained();
      expect([...engine.written()]).toHaveLength(4);
      expect(loki.entries().map(({ metadata }) => metadata['container_id'])).toEqual([first.id, first.id]);
      const hidden = new Set(loki.hiddenEntries().map(({ metadata }) => metadata['container_id']));
      expect([...hidden]).toEqual([second.id]);
      const accounts = await world.accounts();
      expect(accounts.get(first.id)).toMatchObject({ written: 2, inLoki: 2, folded: 0, lost: 0, twice: 0 });
      expect(accounts.get(second.id)).toMatchObject({ written: 2, inLoki: 0, folded: 2, lost: 0, twice: 0 });
    });
  },
);

async function written(world: CollectingWorld, stamp: bigint): Promise<SimulatedContainer> {
  const container = world.engine.addContainer({ name: 'web' });
  container.writeLine('stdout', 'web 13 out', stamp);
  container.writeLine('stderr', 'web 13 err', stamp + 1n);
  await world.caughtUp();
  return container;
}
