import fc from 'fast-check';
import { StampReader } from '../../../src/docker/stamp.js';
import { formatStamp, NS_PER_SECOND, parseStamp } from '../../../src/model/nanoseconds.js';

/** Stamps as they follow each other in a log: near ones, other days, other years. */
const anyStamp = fc.oneof(
  fc.bigInt({ min: 86_400n * NS_PER_SECOND, max: 4_000_000_000n * NS_PER_SECOND }),
  fc.bigInt({ min: 0n, max: 2n * 86_400n * NS_PER_SECOND }).map((ns) => 1_709_078_400n * NS_PER_SECOND + ns),
);
const anyZone = fc.oneof(
  fc.constant(0),
  fc.integer({ min: -14 * 60, max: 14 * 60 }),
  fc.constantFrom(23 * 60 + 59, -(23 * 60 + 59)),
);

/** As the Engine prints it in its own zone, minutes east of Greenwich. */
function zoned(ns: bigint, minutes: number): string {
  if (minutes === 0) return formatStamp(ns);
  const local = formatStamp(ns + BigInt(minutes) * 60n * NS_PER_SECOND).slice(0, -1);
  const abs = Math.abs(minutes);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${local}${minutes < 0 ? '-' : '+'}${two(Math.floor(abs / 60))}:${two(abs % 60)}`;
}

const read = (reader: StampReader, text: string): bigint | undefined => {
  const source = Buffer.from(text, 'latin1');
  const next = reader.read(source, 0, source.length);
  return next < 0 ? undefined : BigInt(reader.seconds) * NS_PER_SECOND + BigInt(reader.nanos);
};

describe('the stamp before an entry', () => {
  test('any, one after the other, in any zone and at any place: to the nanosecond', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyStamp, anyZone, fc.nat(5)), { minLength: 1, maxLength: 20 }),
        (stamps) => {
          const reader = new StampReader();
          for (const [ns, zone, before] of stamps) {
            const printed = zoned(ns, zone);
            const source = Buffer.from(`${'9'.repeat(before)}${printed} text`);
            const next = reader.read(source, before, source.length);
            expect(source.toString('latin1', next)).toBe('text');
            expect(BigInt(reader.seconds) * NS_PER_SECOND + BigInt(reader.nanos)).toBe(ns);
            // The slow reader of stamps says the same.
            expect(parseStamp(printed)).toBe(ns);
          }
        },
      ),
    );
  });

  test('a stamp with nothing behind its space is one', () => {
    expect(read(new StampReader(), '2026-01-02T03:04:05.000000006Z ')).toBe(
      parseStamp('2026-01-02T03:04:05.000000006Z'),
    );
  });

  test('is not read past the end of the entry', () => {
    for (const printed of ['2026-01-02T03:04:05.000000006Z ', '2026-01-02T03:04:05.000000006+02:00 ']) {
      const source = Buffer.from(`${printed}text`);
      for (let end = 0; end < printed.length; end++) {
        expect(new StampReader().read(source, 0, end)).toBe(-1);
      }
      expect(new StampReader().read(source, 0, printed.length)).toBe(printed.length);
    }
  });

  test.each([
    ['no fraction', '2026-01-02T03:04:05Z        text text'],
    ['three digits', '2026-01-02T03:04:05.123Z    text text'],
    ['a month too many', '2026-13-02T03:04:05.123456789Z text'],
    ['month 0', '2026-00-02T03:04:05.123456789Z text'],
    ['day 0', '2026-01-00T03:04:05.123456789Z text'],
    ['an hour too many', '2026-01-02T24:04:05.123456789Z text'],
    ['a minute too many', '2026-01-02T03:60:05.123456789Z text'],
    ['before 1970', '1969-12-31T23:59:59.123456789Z text'],
    ['no zone', '2026-01-02T03:04:05.123456789 text text'],
    ['a zone without colon', '2026-01-02T03:04:05.123456789+0200 text'],
    ['a day of zone', '2026-01-02T03:04:05.123456789+24:00 text'],
    ['no space', '2026-01-02T03:04:05.123456789Ztext'],
    ['a space for the T', '2026-01-02 03:04:05.123456789Z text'],
    ['another time of day', 'x026-01-02T03:04:05.123456789Z text'],
    ['nothing', ''],
  ])('is none: %s', (_, text) => {
    expect(read(new StampReader(), text)).toBeUndefined();
  });

  test('with any byte changed: what it then says, or none; never another time', () => {
    let refused = 0;
    fc.assert(
      fc.property(anyStamp, anyZone, fc.nat(35), fc.nat(255), (ns, zone, at, byte) => {
        const source = Buffer.from(`${zoned(ns, zone)} text`);
        source[at % source.length] = byte;
        const text = source.toString('latin1');
        const found = read(new StampReader(), text);
        if (found === undefined) refused++;
        else expect(found).toBe(parseStamp(text.slice(0, text.indexOf(' '))));
      }),
      { numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(500);
  });
});
