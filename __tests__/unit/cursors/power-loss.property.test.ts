import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CursorStore } from '../../../src/cursors/store.js';
import { seededRandom } from '../../../src/simulators/engine/index.js';
import { cursorOf, idOf } from '../../support/any-cursor.js';
import { ManualClock } from '../../support/manual-clock.js';
import { PowerLossFs } from '../../support/power-loss-fs.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { runs } from '../../support/effort.js';

const CONTAINERS = 2;

const open = (fs: PowerLossFs): Promise<CursorStore> =>
  CursorStore.open('/var/state', { fs, clock: new ManualClock(), logger: new RecordingLogger() });

interface Progress {
  /** By container. */
  readonly acknowledged: number[];
  readonly committed: number[];
}

/** Opens and commits as told until the power goes. */
async function work(fs: PowerLossFs, steps: readonly Step[], progress: Progress): Promise<void> {
  const store = await open(fs);
  for (const { container, wait } of steps) {
    const position = (progress.committed[container]! += 1);
    const commit = store.commit(cursorOf(container, position)).then(() => {
      progress.acknowledged[container] = Math.max(progress.acknowledged[container]!, position);
    });
    const settled = commit.catch(() => undefined);
    if (wait) await settled;
  }
  await store.settled();
}

interface Step {
  readonly container: number;
  /** For the acknowledgement, before the next step. */
  readonly wait: boolean;
}

const steps = fc.array(fc.record({ container: fc.nat(CONTAINERS - 1), wait: fc.boolean() }), {
  minLength: 1,
  maxLength: 12,
});

test('power lost at any call: the last acknowledged position or a later one, never older, never damaged', async () => {
  let losses = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(steps, fc.nat(80), fc.nat()), { minLength: 1, maxLength: 3 }),
      fc.constantFrom(Infinity, 50),
      async (boots, writeLimit) => {
        let fs = new PowerLossFs();
        fs.plantDir('/var');
        const progress: Progress = { acknowledged: [0, 0], committed: [0, 0] };
        for (const [todo, lossAt, seed] of boots) {
          fs.writeLimit = writeLimit;
          fs.decide = (call) => (call >= lossAt ? 'power' : undefined);
          await work(fs, todo, progress).catch(() => undefined);
          if (fs.callCount > lossAt) losses++;
          fs = fs.afterPowerLoss(seededRandom(seed));
          const store = await open(fs);
          expect(store.damaged).toEqual([]);
          for (let container = 0; container < CONTAINERS; container++) {
            const found = Number(store.get(idOf(container))?.committedAt ?? 0n);
            expect(found).toBeGreaterThanOrEqual(progress.acknowledged[container]!);
            expect(found).toBeLessThanOrEqual(progress.committed[container]!);
            // What was found is now what a later start must not fall behind.
            progress.acknowledged[container] = found;
          }
          expect(fs.files().filter((name) => name.endsWith('.tmp'))).toEqual([]);
        }
      },
    ),
    { numRuns: runs(300) },
  );
  expect(losses).toBeGreaterThan(100);
});
