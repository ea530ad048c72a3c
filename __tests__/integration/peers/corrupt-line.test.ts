import { expect, test } from '@jest/globals';
import type { EngineProfileName } from '../../../src/simulators/engine/index.js';
import { withCollector, type CollectingWorld } from '../../support/collecting/index.js';
import { eachOnce, expectNothingHeld, figuresOf } from '../../support/peers/index.js';
import { until } from '../../support/until.js';

const BEFORE = 500;

const CASES = (['20.10', '24', '28.5'] as const).flatMap((profile) =>
  (['torn', 'wrong_time'] as const).flatMap((kind) =>
    (['json-file', 'local'] as const).map((driver) => [profile, kind, driver] as const),
  ),
) satisfies readonly (readonly [EngineProfileName, string, string])[];
type Case = (typeof CASES)[number];

/** A collector that has caught up with a log in which a record was spoilt behind its back, and so many are behind. */
async function withCorruptLine(
  [profile, kind, driver]: Case,
  behind: number,
  use: (world: CollectingWorld, id: string) => Promise<void>,
): Promise<void> {
  const settings = { poll: { interval: '100ms', max_interval: '100ms' } };
  await withCollector({ profile, settings }, async (world) => {
    const container = world.engine.addContainer({ name: 'full-disk', driver });
    for (let i = 0; i < BEFORE; i++) container.writeLine('stdout', `before ${i}`);
    await world.start();
    await world.caughtUp();
    container.writeLine('stdout', 'cut in its middle by a full disk');
    container.log.corrupt(-1, kind);
    for (let i = 0; i < behind; i++) container.writeLine('stdout', `behind ${i}`);
    await until('what stands behind it is delivered', () => {
      return world.loki.entries().some(({ line }) => line === `behind ${behind - 1}`);
    });
    await world.caughtUp();
    await use(world, container.id);
  });
}

test.concurrent.each(CASES)(
  'gliderlabs/logspout#246: behind a corrupt line is read on, and what is lost is named (Engine %s, %s, %s)',
  async (...which) => {
    const BEHIND = 300;
    await withCorruptLine(which, BEHIND, async (world, id) => {
      world.engine.find(id)?.writeLine('stdout', 'and on');
      await until('it goes on', () => world.loki.entries().some(({ line }) => line === 'and on'));
      const lines = BEFORE + 1 + BEHIND + 1;
      expect(await figuresOf(world)).toEqual({ ...eachOnce(lines), inLoki: lines - 1, named: 1, marks: 1 });
      expect(await world.metric('pollard_gaps_total')).toBe(1);
      expect(world.loki.counts()).toMatchObject({ strictDuplicates: 0, refused: {} });
      await until('it is healthy', () => world.health.report().state === 'healthy');
      await expectNothingHeld(world);
    });
  },
);

/** So few that each window would reach over the spoilt line, and so many that only those of a busy time would. */
const BEHIND = [1, 5, 40, 300];
const POLLS = 25;
const LOOPED = CASES.filter(
  ([profile, kind, driver]) => kind === 'torn' && (driver === 'json-file' || profile !== '24'),
);

test.concurrent.each(BEHIND.flatMap((behind) => LOOPED.map((which) => [behind, ...which] as const)))(
  'gliderlabs/logspout#246: nothing is asked in a loop, with %s lines behind the corrupt one (Engine %s, %s, %s)',
  async (behind, ...which) => {
    await withCorruptLine(which, behind, async (world, id) => {
      const figures = async (): Promise<{ requests: number; polls: number; read: number }> => ({
        requests: world.engine.requests.count('logs'),
        polls: await world.metric('pollard_polls_total'),
        read: await world.metric('pollard_entries_read_total'),
      });
      const before = await figures();
      await until('polls go by', async () => (await figures()).polls >= before.polls + POLLS);
      const after = await figures();
      const polls = after.polls - before.polls;
      // Some look at the log's last entry as well; and once more it may be searched for where the damage ends.
      expect(after.requests - before.requests).toBeLessThanOrEqual(2 * polls + SEARCH);
      world.engine.find(id)?.writeLine('stdout', 'and on');
      await until('it goes on', () => world.loki.entries().some(({ line }) => line === 'and on'));
      expect((await figuresOf(world)).twice).toBe(0);
      expect(world.loki.counts()).toMatchObject({ received: world.loki.counts().entries, refused: {} });
      await expectNothingHeld(world);
    });
  },
);

/** Requests of one search. */
const SEARCH = 30;
