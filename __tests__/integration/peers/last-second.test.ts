import { expect, test } from '@jest/globals';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { withCollector } from '../../support/collecting/index.js';
import { PassingClock } from '../../support/passing-clock.js';
import { eachOnce, expectNothingHeld, figuresOf } from '../../support/peers/index.js';
import { until } from '../../support/until.js';

/** Closely looked at are every fifth of them. */
const POLLS = 12;
const SETTINGS = { poll: { interval: '100ms', max_interval: '150ms', verify_every: 5 } };
const DAYS = 8;
const DAY_MS = 24 * 3600 * 1000;

test.concurrent.each(['20.10', '24', '28.5'] as const)(
  'grafana/alloy#6954: the last second of a silent container is not sent again, nor refused when it is too old (Engine %s)',
  async (profile) => {
    const clock = new PassingClock();
    await withCollector({ profile, clock, settings: SETTINGS }, async (world) => {
      const { engine, loki } = world;
      const container = engine.addContainer({ name: 'silent' });
      // All of its last words in one second, some of them in one nanosecond.
      const second = (clock.now() / NS_PER_SECOND) * NS_PER_SECOND;
      for (const nanos of [1n, 2n, 2n, 400_000_000n, 999_999_999n]) {
        container.writeLine('stdout', `at ${nanos}`, second + nanos);
      }
      container.writeLine('stderr', 'at 999999999', second + 999_999_999n);
      const LINES = 6;
      await world.start();
      await world.caughtUp();
      const { received } = loki.counts();
      expect(received).toBe(LINES);
      // A request without lines asks whether Loki answers at all, when nothing else shows it.
      const withLines = () =>
        loki.requests.filter(({ push }) => push !== undefined && push.received > 0).length;
      const pushes = withLines();

      const silence = async (): Promise<void> => {
        const polls = world.pollsOf(container.id);
        await until('it was polled', () => world.pollsOf(container.id) >= polls + POLLS);
        expect(withLines()).toBe(pushes);
      };
      await silence();
      // Past the age from which Loki refuses: reject_old_samples_max_age is a week.
      for (let day = 0; day < DAYS; day++) clock.pass(DAY_MS);
      await silence();
      // Nor is it sent by one that begins anew.
      await world.stop();
      await world.start();
      await silence();
      expect(loki.counts()).toMatchObject({ received: LINES, entries: LINES - 1, refused: {} });
      // Two equal lines of a nanosecond are one line in Loki.
      expect(await figuresOf(world)).toEqual({ ...eachOnce(LINES), inLoki: LINES - 1 });
      expect(await world.metric('pollard_rejected_lines_total')).toBe(0);
      await expectNothingHeld(world);
    });
  },
);

test.concurrent(
  'grafana/alloy#6954: what is said later in the same second is sent, and that alone',
  async () => {
    await withCollector({}, async (world) => {
      const container = world.engine.addContainer({ name: 'web' });
      const second = (world.clock.now() / NS_PER_SECOND) * NS_PER_SECOND;
      container.writeLine('stdout', 'first', second + 100n);
      await world.start();
      for (let i = 1; i <= 20; i++) {
        await world.caughtUp();
        container.writeLine('stdout', `later ${i}`, second + 100n + BigInt(i));
      }
      await world.caughtUp();
      expect(world.loki.counts()).toMatchObject({ received: 21, entries: 21, refused: {} });
      expect(await figuresOf(world)).toEqual(eachOnce(21));
      await expectNothingHeld(world);
    });
  },
);
