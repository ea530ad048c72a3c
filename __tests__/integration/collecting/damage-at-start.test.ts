import { expect, test } from '@jest/globals';
import { withCollector } from '../../support/collecting/index.js';

/** Lines delivered by the collector before, not yet delivered before a damaged record, and behind it. */
const LINES = [
  [40, 0, 31],
  [40, 2, 1],
  [40, 2, 31],
  [40, 50, 100],
  [0, 5, 31],
] as const;

test.each(LINES)(
  'a collector that finds a container ended, with %d lines delivered, %d more, a damaged record and %d behind it, reads it to its end',
  async (delivered, more, behind) => {
    await withCollector({ profile: '28.5' }, async (world) => {
      const web = world.engine.addContainer({ name: 'web' });
      for (let i = 0; i < delivered; i++) web.writeLine('stdout', `delivered ${i}`);
      if (delivered > 0) {
        await world.start();
        await world.caughtUp();
        await world.stop();
      }
      for (let i = 0; i < more; i++) web.writeLine('stdout', `more ${i}`);
      web.writeLine('stdout', 'torn');
      web.log.corrupt(-1, 'wrong_time');
      for (let i = 0; i < behind; i++) web.writeLine('stdout', `behind ${i}`);
      web.die(0);
      await world.start();
      await world.drained();
      await world.stop();
      const [account] = [...(await world.accounts()).values()];
      const inLoki = delivered + more + behind;
      expect(account).toMatchObject({ written: inLoki + 1, inLoki, named: 1, lost: 0, gaps: 1 });
    });
  },
);
