import { expect, test } from '@jest/globals';
import { RateLimit } from '../../../src/backfill/rate-limit.js';
import type { Clock } from '../../../src/model/clock.js';

/** Time passes only while somebody sleeps. */
function sleeping(): Clock & { passed: number } {
  const clock = {
    passed: 0,
    now: () => BigInt(clock.passed) * 1_000_000n,
    monotonic: () => clock.passed,
    sleep: async (ms: number) => {
      clock.passed += ms;
      await Promise.resolve();
    },
  };
  return clock;
}

const never = new AbortController().signal;

test('over a long time no more is granted than the rate, and no less', async () => {
  const clock = sleeping();
  const limit = new RateLimit(clock, 1000);
  for (let i = 0; i < 100; i++) await limit.take(500, never);
  // A second of the rate may be used at once at the beginning.
  expect(clock.passed).toBe(49_000);
});

test('what was not used for long is not saved up beyond a second', async () => {
  const clock = sleeping();
  const limit = new RateLimit(clock, 1000);
  await clock.sleep(60_000);
  await limit.take(3000, never);
  expect(clock.passed).toBe(62_000);
});

test('who waits is served in order', async () => {
  const clock = sleeping();
  const waits: number[] = [];
  const limit = new RateLimit({ ...clock, sleep: async (ms) => void waits.push(ms) }, 1000);
  await Promise.all([limit.take(2000, never), limit.take(500, never), limit.take(100, never)]);
  expect(waits).toEqual([1000, 1500, 1600]);
});
