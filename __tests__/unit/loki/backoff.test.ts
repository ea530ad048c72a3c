import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backoffMs } from '../../../src/loki/backoff.js';
import { MAX_RETRY_AFTER_MS } from '../../../src/loki/retry-after.js';

const SETTINGS = { minMs: 500, maxMs: 30_000 };
const ALMOST_ONE = 1 - 2 ** -53;

test('the bound doubles with each failure, up to the largest', () => {
  const bounds = [1, 2, 3, 6, 7, 8, 31, 32, 1000, Number.MAX_SAFE_INTEGER].map((failures) =>
    Math.round(backoffMs(failures, SETTINGS, () => ALMOST_ONE)),
  );
  expect(bounds).toEqual([500, 1000, 2000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000, 30_000]);
});

test('the wait is a random part of it: many collectors do not come back at once', () => {
  expect([0, 0.25, 0.5].map((part) => backoffMs(3, SETTINGS, () => part))).toEqual([0, 500, 1000]);
});

describe('what the server asks for', () => {
  test('is waited for in any case, and a little more', () => {
    expect(backoffMs(1, SETTINGS, () => 0, 7000)).toBe(7000);
    expect(backoffMs(1, SETTINGS, () => 0.5, 7000)).toBe(7250);
  });

  test('does not shorten the backoff: a gateway that asks for no wait is not asked without pause', () => {
    expect(backoffMs(10, SETTINGS, () => 0.5, 0)).toBe(15_000);
    expect(backoffMs(10, SETTINGS, () => 0.5, 2000)).toBe(15_000);
    expect(backoffMs(10, SETTINGS, () => 0.5, 60_000)).toBe(60_250);
  });
});

test('never negative, never endless, whatever comes', () => {
  const anySettings = fc
    .tuple(fc.integer({ min: 10, max: 60_000 }), fc.integer({ min: 100, max: 3_600_000 }))
    .map(([minMs, maxMs]) => ({ minMs, maxMs }));
  fc.assert(
    fc.property(
      fc.integer({ min: 1 }),
      anySettings,
      fc.double({ min: 0, max: ALMOST_ONE, noNaN: true }),
      fc.option(fc.integer({ min: 0, max: MAX_RETRY_AFTER_MS }), { nil: undefined }),
      (failures, settings, part, retryAfterMs) => {
        const wait = backoffMs(failures, settings, () => part, retryAfterMs);
        expect(wait).toBeGreaterThanOrEqual(retryAfterMs ?? 0);
        expect(wait).toBeLessThanOrEqual(Math.max(settings.maxMs, (retryAfterMs ?? 0) + settings.minMs));
      },
    ),
  );
});
