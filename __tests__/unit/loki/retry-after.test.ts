import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAX_RETRY_AFTER_MS, readRetryAfter } from '../../../src/loki/retry-after.js';

/** Sun, 06 Nov 1994 08:49:37 GMT */
const THEN = 784_111_777_000;

describe('seconds', () => {
  test.each([
    ['0', 0],
    ['7', 7000],
    [' 120 ', 120_000],
    ['599', 599_000],
    ['601', MAX_RETRY_AFTER_MS],
    ['9'.repeat(400), MAX_RETRY_AFTER_MS],
  ])('%s', (header, ms) => {
    expect(readRetryAfter(header, THEN)).toBe(ms);
  });
});

describe('a date, in each of the three forms', () => {
  test.each([
    ['Sun, 06 Nov 1994 08:49:37 GMT'],
    ['Sunday, 06-Nov-94 08:49:37 GMT'],
    ['Sun Nov  6 08:49:37 1994'],
  ])('%s', (header) => {
    expect(readRetryAfter(header, THEN - 90_000)).toBe(90_000);
    expect(readRetryAfter(header, THEN)).toBe(0);
    expect(readRetryAfter(header, THEN + 1)).toBe(0);
    expect(readRetryAfter(header, 0)).toBe(MAX_RETRY_AFTER_MS);
  });
});

test.each([
  '',
  ' ',
  '-5',
  '+5',
  '1.5',
  '1e3',
  '0x10',
  'NaN',
  'Infinity',
  'soon',
  '5 seconds',
  '5, 6',
  '١٢',
  'Sun, 99 Nov 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 28:49:37 GMT',
  '1994-11-06T08:49:37Z',
  'x'.repeat(100_000),
])('%j is nothing', (header) => {
  expect(readRetryAfter(header, THEN)).toBeUndefined();
});

test('garbage never becomes a wait that is none, negative or endless', () => {
  const anyHeader = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^[-+ 0-9.eE]{0,12}$/),
    fc.stringMatching(/^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  );
  fc.assert(
    fc.property(anyHeader, fc.integer({ min: -8.64e15, max: 8.64e15 }), (header, nowMs) => {
      const ms = readRetryAfter(header, nowMs);
      if (ms === undefined) return;
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThanOrEqual(MAX_RETRY_AFTER_MS);
    }),
    { numRuns: 2000 },
  );
});
