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

/** With as many digits as it takes. */
const shortened = (printed: string): string =>
  printed.replace(/0*(?=Z|[+-]\d\d:)/, '').replace(/\.(?=Z|[+-])/, '');

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
        fc.array(fc.tuple(anyStamp, anyZone, fc.nat(5), fc.nat(10)), { minLength: 1, maxLength: 20 }),
        (stamps) => {
          const reader = new StampReader();
          for (const [exact, zone, before, zeros] of stamps) {
            // 10: as it is printed by Docker, all nine digits.
            const unit = 10n ** BigInt(Math.min(zeros, 9));
            const ns = zeros === 10 ? exact : exact - (exact % unit);
            const printed = zeros === 10 ? zoned(ns, zone) : shortened(zoned(ns, zone));
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

  test.each([
    // As Podman 3 to 5 write them (github.com/containers/podman: RFC3339).
    ['whole seconds, with an offset', '2025-12-04T16:59:40-08:00 text', '2025-12-05T00:59:40.000000000Z'],
    ['whole seconds, in UTC', '2026-11-27T22:30:04Z text', '2026-11-27T22:30:04.000000000Z'],
    ['one digit', '2026-11-27T22:30:04.5Z text', '2026-11-27T22:30:04.500000000Z'],
    ['three digits', '2026-11-27T22:30:04.120+02:00 text', '2026-11-27T20:30:04.120000000Z'],
    ['trailing zeros left out', '2026-11-27T22:30:04.12345678Z text', '2026-11-27T22:30:04.123456780Z'],
    ['an offset of -00:00', '2026-11-27T22:30:04-00:00 text', '2026-11-27T22:30:04.000000000Z'],
    ['small letters', '2026-11-27t22:30:04.1z text', '2026-11-27T22:30:04.100000000Z'],
    ['another stamp in the text', '2026-11-27T22:30:04Z 26-11-27Z text', '2026-11-27T22:30:04.000000000Z'],
  ])('of RFC 3339: %s', (_, text, stamp) => {
    expect(read(new StampReader(), text)).toBe(parseStamp(stamp));
    expect(read(new StampReader(), text.slice(0, text.indexOf(' ') + 1))).toBe(parseStamp(stamp));
  });

  test('is not read past the end of the entry', () => {
    for (const printed of [
      '2026-01-02T03:04:05.000000006Z ',
      '2026-01-02T03:04:05.000000006+02:00 ',
      '2026-01-02T03:04:05Z ',
      '2026-01-02T03:04:05-08:00 ',
      '2026-01-02T03:04:05.123Z ',
    ]) {
      const source = Buffer.from(`${printed}text`);
      for (let end = 0; end < printed.length; end++) {
        expect(new StampReader().read(source, 0, end)).toBe(-1);
      }
      expect(new StampReader().read(source, 0, printed.length)).toBe(printed.length);
    }
  });

  test.each([
    ['a point without digits', '2026-01-02T03:04:05.Z        text text'],
    ['ten digits', '2026-01-02T03:04:05.1234567890Z text text'],
    ['a letter among the digits', '2026-01-02T03:04:05.12345678xZ text text'],
    ['half an offset', '2026-01-02T03:04:05-08: text text'],
    ['no zone and no fraction', '2026-01-02T03:04:05 text text'],
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
    ['no space and no fraction', '2026-01-02T03:04:05Ztext text text'],
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
