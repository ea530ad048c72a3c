import { describe, expect, test } from '@jest/globals';
import { Moment } from '../../../src/collector/moment.js';
import { ManualClock } from '../../support/manual-clock.js';

const SECOND = 1_000_000_000n;

describe('a moment', () => {
  test('is later than what was stamped before, and not than what is stamped now or later', async () => {
    const clock = new ManualClock();
    const before = clock.now();
    await clock.pass(1.5);
    const moment = new Moment(clock);
    const then = clock.now();
    await clock.pass(1000.25);
    expect([before, then, clock.now()].map((stamp) => moment.isAfter(stamp))).toEqual([true, false, false]);
  });

  test('tells how long ago it was, however the clock is set', async () => {
    const clock = new ManualClock();
    const moment = new Moment(clock);
    clock.step(-60_000);
    await clock.pass(700);
    expect(moment.age).toBe(700);
  });

  test.each([-200, -60_000])(
    'the clock is set by %d ms: what is stamped then comes behind it',
    async (ms) => {
      const clock = new ManualClock();
      const moment = new Moment(clock);
      await clock.pass(50);
      clock.step(ms);
      const behind = clock.now();
      await clock.pass(3000);
      expect(moment.isAfter(behind)).toBe(false);
      expect(moment.isAfter(behind - SECOND)).toBe(true);
    },
  );

  test('the clock is set forward: what was stamped before does not come behind it', async () => {
    const clock = new ManualClock();
    const before = clock.now();
    await clock.pass(1);
    const moment = new Moment(clock);
    clock.step(60_000);
    expect([moment.isAfter(before), moment.isAfter(clock.now())]).toEqual([true, false]);
  });

  test('the clock is set back and forward again: told of it, it knows what was stamped in between', async () => {
    const clock = new ManualClock();
    const moment = new Moment(clock);
    await clock.pass(50);
    clock.step(-60_000);
    moment.clockStepped();
    const behind = clock.now();
    clock.step(60_000);
    moment.clockStepped();
    expect(moment.isAfter(behind)).toBe(false);
  });
});
