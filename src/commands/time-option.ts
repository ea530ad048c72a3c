import { DateTime } from 'luxon';
import { parseDuration } from '../config/values.js';
import { PollardError } from '../model/errors.js';
import { formatStamp, NS_PER_MS, NS_PER_SECOND, parseStamp, type Nanoseconds } from '../model/nanoseconds.js';

export interface TimeOption {
  /** As it is given: `--since`. */
  readonly flag: string;
  /** Whether it begins a range or ends one: `yesterday` is a day, and has a beginning and an end. */
  readonly bound: 'begin' | 'end';
  /** Wall clock. */
  readonly now: Nanoseconds;
  /** The zone in which days begin, as luxon takes it; default: the machine's. */
  readonly zone?: string;
  /** Also takes a time without a zone, as one of that zone. Default: it is refused. */
  readonly localTimes?: boolean;
}

const ALLOWED =
  'write a time with its zone (2026-01-31T08:00:00+01:00), a length of time back from now (25h, 10m), ' +
  'today or yesterday, or Unix seconds';

/**
 * Reads the time of an option such as `--since`:
 * - ISO 8601 with a zone, `Z`, `+01:00` or `[Europe/Berlin]`; fractions down to ns;
 * - a length of time back from now, as settings have it: `25h`, `10m`, `1h30m`;
 * - `now`, `today`, `yesterday`: of a day its beginning, or its end for an option that ends a range (that of today
 *   is now);
 * - Unix seconds, whole or with a fraction.
 *
 * @throws PollardError `time_invalid` for anything else: a time without a zone (but see `localTimes`), a time that its zone has twice or
 *   not at all, a number that is no Unix seconds, a time before 1970 or in the future
 */
export function parseTime(text: string, option: TimeOption): Nanoseconds {
  const written = text.trim();
  const stamp = read(written, option);
  if (stamp < 0n) throw invalid(option, written, 'lies before 1970', ALLOWED);
  if (stamp > option.now) {
    throw invalid(
      option,
      written,
      'lies in the future',
      `it is ${formatStamp(option.now)} now; leave the option out to go up to now`,
    );
  }
  return stamp;
}

/**
 * Checks that a range has a beginning before its end.
 *
 * @throws PollardError `time_invalid`
 */
export function checkRange(since: Nanoseconds, until: Nanoseconds, flag = '--since'): void {
  if (since < until) return;
  throw new PollardError(
    'time_invalid',
    `${flag}: the range is empty: it begins at ${formatStamp(since)} and ends at ${formatStamp(until)}`,
    { hint: 'the beginning must lie before the end', setting: flag, exit: 'usage' },
  );
}

function read(written: string, option: TimeOption): Nanoseconds {
  const { now } = option;
  const ms = parseDuration(written);
  if (ms !== undefined && written !== '0') return now - BigInt(ms) * NS_PER_MS;
  switch (written.toLowerCase()) {
    case 'now':
      return now;
    case 'today':
      return option.bound === 'end' ? now : startOfDay(option, 0);
    case 'yesterday':
      return startOfDay(option, option.bound === 'end' ? 0 : 1);
  }
  if (/^-?\d+(?:\.\d+)?$/.test(written)) return unixSeconds(written, option);
  const time = isoTime(written, option);
  // With all nine digits of a fraction, which luxon does not keep.
  return parseStamp(written) ?? time;
}

/** The beginning of today, or of a day before it. */
function startOfDay({ now, zone }: TimeOption, daysBack: number): Nanoseconds {
  const today = DateTime.fromMillis(Number(now / NS_PER_MS), { zone: zone ?? 'system' }).startOf('day');
  return BigInt(today.minus({ days: daysBack }).toMillis()) * NS_PER_MS;
}

const SECONDS = /^(\d{9,10})(?:\.(\d{1,9}))?$/;
/** By the number of digits of a time of these years: how many of them are the fraction of a second. */
const FINER: ReadonlyMap<number, { readonly name: string; readonly digits: number }> = new Map([
  [13, { name: 'milliseconds', digits: 3 }],
  [16, { name: 'microseconds', digits: 6 }],
  [19, { name: 'nanoseconds', digits: 9 }],
]);

function unixSeconds(written: string, option: TimeOption): Nanoseconds {
  const parts = SECONDS.exec(written);
  if (parts !== null) {
    const [, seconds = '', fraction = ''] = parts;
    return BigInt(seconds) * NS_PER_SECOND + BigInt(fraction.padEnd(9, '0'));
  }
  const finer = FINER.get(written.length);
  if (finer !== undefined) {
    const whole = written.length - finer.digits;
    const seconds = `${written.slice(0, whole)}.${written.slice(whole)}`;
    throw invalid(
      option,
      written,
      `looks like Unix ${finer.name}`,
      `Unix seconds are meant: write ${seconds}`,
    );
  }
  const hint = /^\d+$/.test(written)
    ? `for so many seconds back write ${written}s; else ${ALLOWED}`
    : ALLOWED;
  throw invalid(option, written, 'is not a number of Unix seconds', hint);
}

const OFFSET = /(?:Z|[+-]\d\d(?::?\d\d)?)$/i;

function isoTime(written: string, option: TimeOption): Nanoseconds {
  const named = /^(.*)\[([^\]]+)\]$/.exec(written);
  const plain = named?.[1] ?? written;
  const byOffset = OFFSET.test(plain) && /T/i.test(plain);
  const zone = named?.[2];
  const time = DateTime.fromISO(
    plain,
    byOffset ? { setZone: true } : { zone: zone ?? option.zone ?? 'system' },
  );
  if (!time.isValid) {
    const why = time.invalidReason === 'unparsable' ? '' : `: ${time.invalidExplanation ?? ''}`;
    throw invalid(option, written, `is no time${why}`, ALLOWED);
  }
  if (!byOffset && zone === undefined && option.localTimes !== true) {
    throw invalid(option, written, 'has no zone', `write ${shown(time)}, or with Z`);
  }
  if (!byOffset) checkUnique(time, plain, written, option);
  else if (zone !== undefined) checkOffset(time, zone, written, option);
  return BigInt(time.toMillis()) * NS_PER_MS;
}

/** The offset decides; but one that the zone does not have at that time is a mistake. */
function checkOffset(time: DateTime, zone: string, written: string, option: TimeOption): void {
  const there = time.setZone(zone);
  if (!there.isValid) throw invalid(option, written, `is no time: ${zone} is no zone`, ALLOWED);
  if (there.offset === time.offset || /Z\[/i.test(written)) return;
  throw invalid(option, written, 'has an offset that is not that of its zone', `write ${shown(there)}`);
}

/** When clocks are set, a time of day of a zone comes twice or not at all. */
function checkUnique(time: DateTime, wall: string, written: string, option: TimeOption): void {
  const offsets = time.getPossibleOffsets();
  if (offsets.length > 1) {
    throw invalid(option, written, 'comes twice in this zone', `write ${offsets.map(shown).join(' or ')}`);
  }
  // What does not exist is read as what would be the time had the clocks not been set.
  const asked = DateTime.fromISO(wall, { zone: 'utc' });
  if (time.setZone('utc', { keepLocalTime: true }).toMillis() !== asked.toMillis()) {
    throw invalid(
      option,
      written,
      'does not exist in this zone: clocks were set forward',
      `write ${shown(time)}`,
    );
  }
}

function shown(time: DateTime): string {
  return time.toISO({ suppressMilliseconds: true }) ?? '';
}

function invalid({ flag }: TimeOption, written: string, problem: string, hint: string): PollardError {
  return new PollardError('time_invalid', `${flag}: ${JSON.stringify(written)} ${problem}`, {
    hint,
    setting: flag,
    exit: 'usage',
  });
}
