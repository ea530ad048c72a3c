import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DaemonClock } from '../../../src/docker/daemon-clock.js';

const MS = 1_000_000n;
const SECOND = 1_000_000_000n;
const START = 1_700_000_000n * SECOND;

/** The header, as the Engine cuts it off. */
const dateOf = (ns: bigint): string => new Date(Number(ns / SECOND) * 1000).toUTCString();

describe('the time that the Engine’s clock has passed', () => {
  test('is ours but for a moment, before anything is known and on the same machine', () => {
    const clock = new DaemonClock();
    expect(clock.offset).toBeUndefined();
    expect(clock.past(START)).toBe(START - 5n * MS);
    for (let n = 0n; n < 50n; n++) {
      const now = START + n * 123n * MS;
      clock.observe(dateOf(now + MS), now, now + 2n * MS);
    }
    expect(clock.past(START)).toBe(START - 5n * MS);
  });

  test('follows an Engine whose clock is an hour behind or ahead', () => {
    for (const offset of [-3600n * SECOND, 3600n * SECOND]) {
      const clock = new DaemonClock();
      for (let n = 0n; n < 50n; n++) {
        const now = START + n * 123n * MS;
        clock.observe(dateOf(now + MS + offset), now, now + 2n * MS);
      }
      const past = clock.past(START);
      expect(past).toBeLessThanOrEqual(START + offset);
      // Many answers narrow the second of resolution down.
      expect(past).toBeGreaterThan(START + offset - 200n * MS);
    }
  });

  test('holds for any offset: never in the Engine’s future, unless the clocks may be the same', () => {
    const observations = fc.array(
      fc.record({
        wait: fc.bigInt({ min: 0n, max: 10n * SECOND }),
        there: fc.bigInt({ min: 0n, max: SECOND }),
        back: fc.bigInt({ min: 0n, max: SECOND }),
      }),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(observations, fc.bigInt({ min: -(10n ** 13n), max: 10n ** 13n }), (answers, offset) => {
        const clock = new DaemonClock();
        let now = START;
        for (const { wait, there, back } of answers) {
          now += wait;
          clock.observe(dateOf(now + there + offset), now, now + there + back);
          now += there + back;
        }
        const { least, most } = clock.offset!;
        expect(least).toBeLessThanOrEqual(offset);
        expect(most).toBeGreaterThanOrEqual(offset);
        if (least > 0n || most < 0n) expect(clock.past(now)).toBeLessThan(now + offset);
        else expect(clock.past(now)).toBeLessThan(now);
        // A stamp of the Engine may be ours as late as this, but for a difference that nothing shows.
        if (least > 0n || most < 0n) expect(clock.oursAtMost(now + offset)).toBeGreaterThanOrEqual(now);
        else expect(clock.oursAtMost(now)).toBe(now);
      }),
    );
  });

  test('follows a step of either clock', () => {
    const clock = new DaemonClock();
    clock.observe(dateOf(START), START, START + MS);
    clock.observe(dateOf(START - 60n * SECOND), START, START + MS);
    expect(clock.past(START)).toBeLessThan(START - 59n * SECOND);
    clock.observe(dateOf(START), START, START + MS);
    expect(clock.past(START)).toBe(START - 5n * MS);
  });

  test('passes over what tells nothing', () => {
    const clock = new DaemonClock();
    clock.observe(undefined, START, START);
    clock.observe('yesterday', START, START);
    clock.observe(dateOf(START), START, START - SECOND);
    expect(clock.offset).toBeUndefined();
  });
});
