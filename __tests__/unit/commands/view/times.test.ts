import { expect, test } from '@jest/globals';
import { formatInstant, formatSeconds } from '../../../../src/commands/view/times.js';

test.each([
  [-1, '0.0s'],
  [0, '0.0s'],
  [0.44, '0.4s'],
  [9.94, '9.9s'],
  [10, '10s'],
  [59.4, '59s'],
  [59.6, '1m'],
  [61, '1m 1s'],
  [3600, '1h'],
  [3661, '1h 1m'],
  [86_399.9, '1d'],
  [90_000, '1d 1h'],
  [400 * 86_400, '400d'],
])('%p seconds are %p', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test('an instant is told to the second, in UTC', () => {
  expect(formatInstant(1_700_000_000_999_999_999n)).toBe('2023-11-14 22:13:20Z');
});
