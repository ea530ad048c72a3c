import fc from 'fast-check';
import { checkRange, parseTime, type TimeOption } from '../../../src/commands/time-option.js';
import { formatStamp, NS_PER_SECOND, parseStamp } from '../../../src/model/nanoseconds.js';

const stamp = (text: string): bigint => parseStamp(text)!;
/** A Thursday; in Berlin the clocks were set back four days before. */
const NOW = stamp('2026-10-29T12:00:00.123456789Z');
const since: TimeOption = { flag: '--since', bound: 'begin', now: NOW, zone: 'Europe/Berlin' };
const until: TimeOption = { ...since, flag: '--until', bound: 'end' };

describe('a time is', () => {
  test.each([
    ['2026-10-28T12:00:00Z', '2026-10-28T12:00:00Z'],
    ['2026-10-28T12:00:00.000000001+05:30', '2026-10-28T06:30:00.000000001Z'],
    ['2026-10-28T12:00Z', '2026-10-28T12:00:00Z'],
    ['20261028T120000+0200', '2026-10-28T10:00:00Z'],
    ['2026-W44-1T12:00:00Z', '2026-10-26T12:00:00Z'],
    ['2026-10-28T12:00:00[America/New_York]', '2026-10-28T16:00:00Z'],
    ['2026-10-25T02:30:00+02:00[Europe/Berlin]', '2026-10-25T00:30:00Z'],
    ['2026-10-25T02:30:00+01:00[Europe/Berlin]', '2026-10-25T01:30:00Z'],
    ['2026-10-28T12:00:00Z[Europe/Berlin]', '2026-10-28T12:00:00Z'],
    ['  2026-10-28t12:00:00z ', '2026-10-28T12:00:00Z'],
    ['25h', '2026-10-28T11:00:00.123456789Z'],
    ['10m', '2026-10-29T11:50:00.123456789Z'],
    ['1h30m', '2026-10-29T10:30:00.123456789Z'],
    ['7d', '2026-10-22T12:00:00.123456789Z'],
    ['250ms', '2026-10-29T11:59:59.873456789Z'],
    ['now', '2026-10-29T12:00:00.123456789Z'],
    ['1761739200', '2025-10-29T12:00:00Z'],
    ['999999999', '2001-09-09T01:46:39Z'],
    ['1761739200.5', '2025-10-29T12:00:00.5Z'],
    ['1761739200.000000001', '2025-10-29T12:00:00.000000001Z'],
  ])('%s: %s', (text, expected) => {
    expect(formatStamp(parseTime(text, since))).toBe(formatStamp(stamp(expected)));
    expect(parseTime(text, until)).toBe(parseTime(text, since));
  });

  test('whatever the Engine and this program print', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: NOW }), (ns) => {
        expect(parseTime(formatStamp(ns), since)).toBe(ns);
        const seconds = `${ns / NS_PER_SECOND}.${String(ns % NS_PER_SECOND).padStart(9, '0')}`;
        if (ns >= 100_000_000n * NS_PER_SECOND) expect(parseTime(seconds, since)).toBe(ns);
      }),
    );
  });

  test('a day: its beginning, or its end, in the zone', () => {
    expect(formatStamp(parseTime('yesterday', since))).toBe('2026-10-27T23:00:00.000000000Z');
    expect(formatStamp(parseTime('Yesterday', until))).toBe('2026-10-28T23:00:00.000000000Z');
    expect(formatStamp(parseTime('today', since))).toBe('2026-10-28T23:00:00.000000000Z');
    expect(parseTime('today', until)).toBe(NOW);
    // A day of 25 hours.
    const behind = { ...since, now: stamp('2026-10-26T12:00:00Z') };
    expect(formatStamp(parseTime('yesterday', behind))).toBe('2026-10-24T22:00:00.000000000Z');
    expect(formatStamp(parseTime('yesterday', { ...behind, bound: 'end' }))).toBe(
      '2026-10-25T23:00:00.000000000Z',
    );
  });
});

describe('no time is', () => {
  test.each([
    ['2026-10-28T12:00:00', /has no zone/, /write 2026-10-28T12:00:00\+01:00, or with Z/],
    ['2026-10-28', /has no zone/, /write 2026-10-28T00:00:00\+01:00/],
    ['2026-10', /has no zone/, /write 2026-10-01T00:00:00\+02:00/],
    ['12:00', /has no zone/, /T12:00:00/],
    ['12:00Z', /has no zone/, /or with Z/],
    [
      '2026-10-25T02:30:00[Europe/Berlin]',
      /comes twice/,
      /2026-10-25T02:30:00\+02:00 or 2026-10-25T02:30:00\+01:00/,
    ],
    ['2026-03-29T02:30[Europe/Berlin]', /does not exist in this zone/, /2026-03-29T03:30:00\+02:00/],
    [
      '2026-10-28T12:00:00+05:00[Europe/Berlin]',
      /an offset that is not that of its zone/,
      /write 2026-10-28T08:00:00\+01:00/,
    ],
    ['2026-10-28T12:00:00Z[Nowhere/Land]', /Nowhere\/Land is no zone/, /with its zone/],
    ['2026-10-28T12:00:00[Nowhere/Land]', /is no time/, /with its zone/],
    ['2026-10-32T12:00:00Z', /is no time/, /with its zone/],
    ['2026-02-30T12:00:00Z', /is no time/, /with its zone/],
    ['1761739200000', /looks like Unix milliseconds/, /write 1761739200\.000/],
    ['1761739200000000', /looks like Unix microseconds/, /write 1761739200\.000000/],
    ['1761739200123456789', /looks like Unix nanoseconds/, /write 1761739200\.123456789/],
    ['3600', /is not a number of Unix seconds/, /write 3600s/],
    ['2026', /is not a number of Unix seconds/, /write 2026s/],
    ['0', /is not a number of Unix seconds/, /with its zone/],
    ['-5', /is not a number of Unix seconds/, /with its zone/],
    ['1969-12-31T23:59:59Z', /lies before 1970/, /with its zone/],
    ['2026-10-29T12:00:01Z', /lies in the future/, /2026-10-29T12:00:00\.123456789Z now/],
    ['9999999999', /lies in the future/, /leave the option out/],
    ['99999999999999h', /lies before 1970|is no time/, /with its zone/],
    ['tomorrow', /is no time/, /today or yesterday/],
    ['5 minutes', /is no time/, /25h, 10m/],
    ['', /is no time/, /with its zone/],
  ])('%j: %s', (text, problem, hint) => {
    const fail = (): bigint => parseTime(text, since);
    expect(fail).toThrow(problem);
    expect(fail).toThrow(
      expect.objectContaining({ code: 'time_invalid', exit: 'usage', setting: '--since' }),
    );
    expect(fail).toThrow(expect.objectContaining({ hint: expect.stringMatching(hint) }));
    expect(fail).toThrow(/^--since: /);
  });

  test('anything at all that is not understood is refused as such', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const time = parseTime(text, since);
          expect(time >= 0n && time <= NOW).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: 'time_invalid' });
        }
      }),
    );
  });
});

test('a range begins before it ends', () => {
  expect(() => checkRange(1n, 2n)).not.toThrow();
  expect(() => checkRange(2n, 2n)).toThrow(/the range is empty/);
  expect(() => checkRange(3n, 2n)).toThrow(expect.objectContaining({ code: 'time_invalid', exit: 'usage' }));
});
