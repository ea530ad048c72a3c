import fc from 'fast-check';
import { leastSquares, sustainedSlope } from '../../../src/observe/slope.js';

const line = (n: number, slope: number, offset: number) =>
  Array.from({ length: n }, (_, x) => ({ x, y: offset + slope * x }));

describe('the slope', () => {
  test('of a straight line is its own', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 6, max: 100 }),
        fc.integer({ min: -1000, max: 1000 }),
        fc.integer({ min: -1e6, max: 1e6 }),
        (n, slope, offset) => {
          expect(leastSquares(line(n, slope, offset)).slope).toBeCloseTo(slope, 6);
          expect(sustainedSlope(line(n, slope, offset))).toBeCloseTo(slope, 6);
        },
      ),
    );
  });

  test('agrees with a line fitted by hand', () => {
    const points = [
      { x: 0, y: 1 },
      { x: 1, y: 1.5 },
      { x: 2, y: 3.5 },
      { x: 3, y: 5 },
    ];
    expect(leastSquares(points).slope).toBeCloseTo(1.4, 10);
    // Residuals 0.35, -0.55, 0.05, 0.15 of y = 1.4 x + 0.65; their squares sum up to 0.45, over 2 * 5.
    expect(leastSquares(points).error).toBeCloseTo(Math.sqrt(0.045), 10);
  });

  test('of nothing, one point, or one instant is 0', () => {
    expect(leastSquares([]).slope).toBe(0);
    expect(leastSquares([{ x: 1, y: 5 }]).slope).toBe(0);
    expect(
      leastSquares([
        { x: 1, y: 5 },
        { x: 1, y: 50 },
      ]).slope,
    ).toBe(0);
  });

  test('that noise alone can make is none', () => {
    const points = [5, 0, 9, 1, 8, 2, 9, 4, 9].map((y, x) => ({ x, y }));
    expect(leastSquares(points).slope).toBeGreaterThan(0.4);
    expect(sustainedSlope(points)).toBe(0);
  });

  test('a step anywhere is no growth that goes on', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 10_000 }), (at, height) => {
        const points = Array.from({ length: 60 }, (_, x) => ({ x, y: x < at ? 20 : 20 + height }));
        expect(sustainedSlope(points)).toBeLessThanOrEqual(1e-9);
      }),
    );
  });
});
