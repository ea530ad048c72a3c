import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RequestCeiling, SMALLEST_CEILING } from '../../../src/loki/request-ceiling.js';
import { LeapingClock } from '../../support/leaping-clock.js';

const CONFIGURED = 3 * 1024 * 1024;
const HOUR_MS = 3_600_000;

test('is what is configured until something was too large, then half of that', () => {
  const ceiling = new RequestCeiling(CONFIGURED, new LeapingClock());
  expect(ceiling.bytes).toBe(CONFIGURED);
  ceiling.tooLarge(1_000_001);
  expect(ceiling.bytes).toBe(500_001);
});

test('never rises by what was too large: several requests of one size are under way at once', () => {
  const ceiling = new RequestCeiling(CONFIGURED, new LeapingClock());
  ceiling.tooLarge(400_000);
  ceiling.tooLarge(800_000);
  expect(ceiling.bytes).toBe(200_000);
});

test('a broken gateway does not make requests ever smaller', () => {
  const ceiling = new RequestCeiling(CONFIGURED, new LeapingClock());
  ceiling.tooLarge(100);
  expect(ceiling.bytes).toBe(SMALLEST_CEILING);
});

test('is forgotten after an hour: limits are raised, too', () => {
  const clock = new LeapingClock();
  const ceiling = new RequestCeiling(CONFIGURED, clock);
  ceiling.tooLarge(1_000_000);
  clock.pass(HOUR_MS - 1);
  expect(ceiling.bytes).toBe(500_000);
  clock.pass(1);
  expect(ceiling.bytes).toBe(CONFIGURED);
});

test('is always between the smallest and what is configured', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(8_000_000), fc.nat(HOUR_MS)), { maxLength: 20 }),
      fc.integer({ min: SMALLEST_CEILING, max: 4_000_000 }),
      (events, configured) => {
        const clock = new LeapingClock();
        const ceiling = new RequestCeiling(configured, clock);
        for (const [bytes, ms] of events) {
          ceiling.tooLarge(bytes);
          expect(ceiling.bytes).toBeGreaterThanOrEqual(SMALLEST_CEILING);
          expect(ceiling.bytes).toBeLessThanOrEqual(Math.max(bytes / 2 + 1, SMALLEST_CEILING));
          clock.pass(ms);
          expect(ceiling.bytes).toBeLessThanOrEqual(configured);
        }
      },
    ),
  );
});
