import { describe, expect, test } from '@jest/globals';
import { median, quantile, thinned, trendOf } from '../../bench/figures.js';
import { growthOf } from '../../bench/soak/growth.js';
import { seededRandom } from '../../../src/simulators/engine/index.js';

test('medians and quantiles', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
  expect(quantile([0, 10], 0.25)).toBe(2.5);
  expect(quantile([5], 0.99)).toBe(5);
});

test('thinned to medians, each in the middle of its stretch', () => {
  expect(thinned([0, 1, 9, 10, 25], [1, 5, 3, 7, 9], 10)).toEqual({ xs: [5, 15, 25], ys: [3, 7, 9] });
});

const SECONDS = Array.from({ length: 600 }, (_, i) => i);
/** Comes and goes, as sockets do; each value stays for a while. */
const wavering = (seed: number): number[] => {
  const random = seededRandom(seed);
  let level = 0;
  return SECONDS.map(() => (random() < 0.2 ? (level = Math.floor(random() * 6)) : level));
};

describe('trends', () => {
  test('a line is found as it is', () => {
    const { slope, noise, at } = trendOf([0, 1, 2, 3], [1, 3, 5, 7]);
    expect(slope).toBeCloseTo(2);
    expect(noise).toBeCloseTo(0);
    expect(at(10)).toBeCloseTo(21);
  });

  test('what only wavers is mostly within its noise', () => {
    const beyond = Array.from({ length: 200 }, (_, seed) => {
      const { xs, ys } = thinned(SECONDS, wavering(seed), 10);
      const { slope, noise } = trendOf(xs, ys);
      return Math.abs(slope) > noise;
    }).filter(Boolean);
    expect(beyond.length).toBeLessThan(200 * 0.12);
  });
});

describe('growth', () => {
  const growth = (values: number[], secondHalf = false) =>
    growthOf('fds', '', { seconds: SECONDS, values }, { slack: 1, secondHalf });

  test('what wavers around a level holds', () => {
    const values = wavering(1).map((value) => 20 + value);
    const { holds, first, last } = growth(values);
    expect({ holds, near: Math.abs(first - last) <= 2 }).toEqual({ holds: true, near: true });
  });

  test('a leak of one in a minute does not hold', () => {
    const values = wavering(2).map((value, i) => 20 + value + Math.floor(i / 60));
    expect(growth(values)).toMatchObject({ holds: false });
    expect(growth(values).slopePerHour).toBeGreaterThan(30);
  });

  test('what fills up and stays holds, where the second half counts', () => {
    const values = SECONDS.map((i) => 20 + 0.9 * (1 - Math.exp(-i / 60)));
    expect(growth(values, true)).toMatchObject({ holds: true });
  });

  test('a jump by more than the slack does not hold, wherever it was', () => {
    expect(growth(SECONDS.map((i) => (i < 300 ? 20 : 25)))).toMatchObject({ holds: false });
  });
});
