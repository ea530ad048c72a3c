import fc from 'fast-check';
import { nanosOf, RangeBounds, secondsOf } from '../../../src/loki/read/stamp-range.js';
import { TimeGrid } from '../../../src/audit/time-grid.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';

const anyRange = fc
  .tuple(
    fc.bigInt({ min: 1_600_000_000n * NS_PER_SECOND, max: 1_800_000_000n * NS_PER_SECOND }),
    fc.oneof(
      fc.bigInt({ min: 1n, max: 1000n }),
      fc.bigInt({ min: 1n, max: 100n * NS_PER_SECOND }),
      fc.bigInt({ min: 1n, max: 400n * 86_400n * NS_PER_SECOND }),
    ),
  )
  .map(([from, length]) => ({ from, until: from + length }));

test('each stamp of the range lies in one bucket, and the bucket has the stamp', () => {
  fc.assert(
    fc.property(
      anyRange,
      fc.integer({ min: 1, max: 5000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (range, most, where) => {
        const grid = new TimeGrid(range, most);
        expect(grid.size).toBeGreaterThanOrEqual(1);
        expect(grid.size).toBeLessThanOrEqual(Math.max(most, 1));
        const length = range.until - range.from;
        const stamp = range.from + (BigInt(Math.floor(where * 1e6)) * (length - 1n)) / 1_000_000n;
        const bucket = grid.indexOf(secondsOf(stamp), nanosOf(stamp));
        const { from, until } = grid.rangeOf(bucket, bucket);
        expect(from <= stamp && stamp < until).toBe(true);
        expect(grid.rangeOf(0, grid.size - 1)).toEqual(range);
      },
    ),
  );
});

test('buckets are as short as their number allows, down to a nanosecond', () => {
  const from = 1_700_000_000n * NS_PER_SECOND;
  expect(new TimeGrid({ from, until: from + 10n * NS_PER_SECOND }, 1000).size).toBe(1000);
  expect(new TimeGrid({ from, until: from + 3_600n * NS_PER_SECOND }, 4096).size).toBe(3600);
  expect(new TimeGrid({ from, until: from + 86_400n * NS_PER_SECOND }, 4096).size).toBe(3928);
  expect(new TimeGrid({ from, until: from + 1n }, 2e9).size).toBe(1e9);
});

test('a range has its first stamp and not its end', () => {
  fc.assert(
    fc.property(anyRange, fc.bigInt({ min: -3n, max: 3n }), fc.boolean(), (range, offset, atEnd) => {
      const stamp = (atEnd ? range.until : range.from) + offset;
      const inside = new RangeBounds(range).contains(secondsOf(stamp), nanosOf(stamp));
      expect(inside).toBe(stamp >= range.from && stamp < range.until);
    }),
  );
});
