import fc from 'fast-check';
import { formatSince, formatStamp, parseStamp } from '../../../src/model/nanoseconds.js';

describe('time stamps', () => {
  test('keep every nanosecond both ways', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n }), (ns) => {
        expect(parseStamp(formatStamp(ns))).toBe(ns);
      }),
    );
  });

  test('a zone offset is taken off', () => {
    expect(parseStamp('2026-01-02T05:04:05.000000001+02:00')).toBe(
      parseStamp('2026-01-02T03:04:05.000000001Z'),
    );
    expect(parseStamp('2026-01-02T01:34:05.5-01:30')).toBe(parseStamp('2026-01-02T03:04:05.500000000Z'));
  });

  test("the Engine's zero time lies before 1970 and prints as since=0", () => {
    const zero = parseStamp('0001-01-01T00:00:00Z');
    expect(zero).toBe(-62_135_596_800_000_000_000n);
    expect(formatSince(zero!)).toBe('0.000000000');
  });

  test.each(['', 'yesterday', '2026-13-01T00:00:00Z', '2026-01-01T00:00:00', '2026-01-01 00:00:00Z'])(
    '%j is not a stamp',
    (text) => {
      expect(parseStamp(text)).toBeUndefined();
    },
  );

  test('since is seconds.nanoseconds with nine digits', () => {
    expect(formatSince(1_700_000_000_000_000_007n)).toBe('1700000000.000000007');
  });
});
