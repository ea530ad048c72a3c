/**
 * Reads the timestamp before an entry, on the hot path: no string, no bigint, no object per line.
 *
 * Docker prints RFC 3339 with nine fractional digits and `Z`, or the daemon's own offset (driver `local` before
 * 23.0.10 and 24.0.8), then one space (moby: daemon/logger/jsonfilelog/jsonlog.RFC3339NanoFixed). Podman prints whole
 * seconds (3 to 5, RFC3339) or leaves out trailing zeros (RFC3339Nano). So zero to nine digits are read, and any
 * offset.
 */
export class StampReader {
  /** Whole seconds since 1970 of the stamp read last. */
  seconds = 0;
  /** Nanoseconds within that second. */
  nanos = 0;

  // A day's date is worked out once: stamps of one answer mostly share it.
  #year = -1;
  #month = -1;
  #day = -1;
  #midnight = 0;

  /**
   * Reads the stamp at `start`. Returns where the text behind it begins (after the space), or -1 when what
   * stands there is not a stamp.
   */
  read(source: Uint8Array, start: number, end: number): number {
    // 2026-01-02T03:04:05.123456789Z and a space: as nearly all are.
    if (
      end - start < 31 ||
      source[start + 4] !== DASH ||
      source[start + 7] !== DASH ||
      source[start + 10] !== T ||
      source[start + 13] !== COLON ||
      source[start + 16] !== COLON ||
      source[start + 19] !== DOT ||
      source[start + 29] !== Z ||
      source[start + 30] !== SPACE
    ) {
      return this.#readOther(source, start, end);
    }
    const year = two(source, start) * 100 + two(source, start + 2);
    const month = two(source, start + 5);
    const day = two(source, start + 8);
    const hour = two(source, start + 11);
    const minute = two(source, start + 14);
    const second = two(source, start + 17);
    const nanos =
      digit(source, start + 20) * 100_000_000 +
      two(source, start + 21) * 1_000_000 +
      two(source, start + 23) * 10_000 +
      two(source, start + 25) * 100 +
      two(source, start + 27);
    // NaN is what a byte that is no digit turns the sum into; every comparison with it is false.
    if (!(year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31)) return -1;
    // 2026-01-02T03:04:05.1Z text Z has its letter at the same place.
    if (!(hour <= 23 && minute <= 59 && second <= 60 && nanos < 1_000_000_000)) {
      return this.#readOther(source, start, end);
    }
    if (day !== this.#day || month !== this.#month || year !== this.#year) this.#setDate(year, month, day);
    this.seconds = this.#midnight + hour * 3600 + minute * 60 + second;
    this.nanos = nanos;
    return start + 31;
  }

  /** Any other form: fewer digits, an offset, small letters (RFC 3339, 5.6). */
  #readOther(source: Uint8Array, start: number, end: number): number {
    // 2026-01-02T03:04:05Z and a space
    if (end - start < 21) return -1;
    if (
      source[start + 4] !== DASH ||
      source[start + 7] !== DASH ||
      (source[start + 10] !== T && source[start + 10] !== SMALL_T) ||
      source[start + 13] !== COLON ||
      source[start + 16] !== COLON
    ) {
      return -1;
    }
    const year = two(source, start) * 100 + two(source, start + 2);
    const month = two(source, start + 5);
    const day = two(source, start + 8);
    const hour = two(source, start + 11);
    const minute = two(source, start + 14);
    const second = two(source, start + 17);
    if (!(year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31)) return -1;
    if (!(hour <= 23 && minute <= 59 && second <= 60)) return -1;

    const zoneAt = fractionEnd(source, start + 19, end);
    let offset = 0;
    let next = zoneAt + 1;
    const zone = source[zoneAt];
    if (zone === PLUS || zone === DASH) {
      if (end - zoneAt < 7 || source[zoneAt + 3] !== COLON) return -1;
      const offsetMinutes = two(source, zoneAt + 1) * 60 + two(source, zoneAt + 4);
      if (!(offsetMinutes < 1440)) return -1;
      offset = zone === PLUS ? offsetMinutes * 60 : -offsetMinutes * 60;
      next = zoneAt + 6;
    } else if (zone !== Z && zone !== SMALL_Z) {
      return -1;
    }
    if (next >= end || source[next] !== SPACE) return -1;
    if (day !== this.#day || month !== this.#month || year !== this.#year) this.#setDate(year, month, day);
    this.seconds = this.#midnight + hour * 3600 + minute * 60 + second - offset;
    this.nanos = fraction(source, start + 20, zoneAt);
    return next + 1;
  }

  #setDate(year: number, month: number, day: number): void {
    this.#midnight = Date.UTC(year, month - 1, day) / 1000;
    this.#year = year;
    this.#month = month;
    this.#day = day;
  }
}

const DASH = 0x2d;
const COLON = 0x3a;
const DOT = 0x2e;
const PLUS = 0x2b;
const SPACE = 0x20;
const T = 0x54;
const Z = 0x5a;
/** RFC 3339, 5.6: both letters may be small. */
const SMALL_T = 0x74;
const SMALL_Z = 0x7a;
const MAX_DIGITS = 9;

function digit(source: Uint8Array, at: number): number {
  const value = (source[at] as number) - 0x30;
  return value >= 0 && value <= 9 ? value : NaN;
}

function two(source: Uint8Array, at: number): number {
  return digit(source, at) * 10 + digit(source, at + 1);
}

/** Where a fraction of at most nine digits ends; `at` itself where there is none. */
function fractionEnd(source: Uint8Array, at: number, end: number): number {
  if (source[at] !== DOT) return at;
  const most = Math.min(end, at + 1 + MAX_DIGITS);
  let next = at + 1;
  while (next < most && digit(source, next) >= 0) next++;
  // A point alone is no fraction; then it stands where the zone should be.
  return next === at + 1 ? at : next;
}

/** Nanoseconds; 0 without digits. */
function fraction(source: Uint8Array, start: number, end: number): number {
  let nanos = 0;
  for (let at = start; at < start + MAX_DIGITS; at++) nanos = nanos * 10 + (at < end ? digit(source, at) : 0);
  return nanos;
}
