import fc from 'fast-check';
import { formatBytes, formatDuration, parseBytes, parseDuration } from '../../../src/config/values.js';

describe('a duration', () => {
  test.each([
    ['0', 0],
    ['500ms', 500],
    ['5s', 5000],
    ['1h30m', 5_400_000],
    ['7d', 604_800_000],
    ['2.3s', 2300],
    ['0.5m', 30_000],
    [' 1s ', 1000],
  ])('%s is read', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['', '5', '5 s', '-5s', '1e3s', 's', '5S', '5sec', '1h 30m', '1s,', 'Infinitys', '1µs'])(
    '%j is none',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  test('is whole milliseconds, as stamps are computed with it', () => {
    expect(parseDuration('0.4ms')).toBe(0);
    expect(parseDuration('1.0006s')).toBe(1001);
  });

  test('that no number can hold is none', () => {
    expect(parseDuration(`${'9'.repeat(30)}d`)).toBeUndefined();
  });

  test('is read as it was printed', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.constantFrom(1, 1000, 60_000, 3_600_000, 86_400_000), (count, unit) => {
        const ms = count * unit;
        fc.pre(Number.isSafeInteger(ms));
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  test('adds up its parts', () => {
    const part = fc.tuple(fc.nat(1000), fc.constantFrom('ms', 's', 'm', 'h', 'd'));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const texts = parts.map(([count, unit]) => `${count}${unit}`);
        const sum = texts.reduce((total, text) => total + parseDuration(text)!, 0);
        expect(parseDuration(texts.join(''))).toBe(sum);
      }),
    );
  });

  test('any text is one or none', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const ms = parseDuration(text);
        expect(ms === undefined || (Number.isSafeInteger(ms) && ms >= 0)).toBe(true);
      }),
    );
  });
});

describe('a size', () => {
  test.each([
    ['0', 0],
    ['1500', 1500],
    ['64KiB', 65_536],
    ['3MiB', 3_145_728],
    ['1GiB', 1_073_741_824],
    ['100kB', 100_000],
    ['1.5 mib', 1_572_864],
    ['10B', 10],
  ])('%s is read', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  test.each(['', '-1', '1e3', 'MiB', '1TiB', '1 M', '0x10', '9'.repeat(30)])('%j is none', (text) => {
    expect(parseBytes(text)).toBeUndefined();
  });

  test('is read as it was printed', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.constantFrom(1, 1024, 1024 ** 2, 1024 ** 3), (count, unit) => {
        const bytes = count * unit;
        fc.pre(Number.isSafeInteger(bytes));
        expect(parseBytes(formatBytes(bytes))).toBe(bytes);
      }),
    );
  });
});
