/**
 * Reads the time stamp in front of an entry, on the hot path: no string, no bigint, no object a line.
 *
 * The Engine prints RFC 3339 with nine fractional digits and `Z`, or the daemon's own offset (driver `local`
 * before 23.0.10 and 24.0.8), then one space (moby: daemon/logger/jsonfilelog/jsonlog.RFC3339NanoFixed).
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
    // 2026-01-02T03:04:05.123456789Z and a space
    if (end - start < 31) return -1;
    if (
      source[start + 4] !== DASH ||
      source[start + 7] !== DASH ||
      source[start + 10] !== T ||
      source[start + 13] !== COLON ||
      source[start + 16] !== COLON ||
      source[start + 19] !== DOT
    ) {
      return -1;
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
    if (!(hour <= 23 && minute <= 59 && second <= 60 && nanos < 1_000_000_000)) return -1;

    let offset = 0;
    let next = start + 30;
    const zone = source[start + 29];
    if (zone === PLUS || zone === DASH) {
      if (end - start < 36 || source[start + 32] !== COLON) return -1;
      const offsetMinutes = two(source, start + 30) * 60 + two(source, start + 33);
      if (!(offsetMinutes < 1440)) return -1;
      offset = zone === PLUS ? offsetMinutes * 60 : -offsetMinutes * 60;
      next = start + 35;
    } else if (zone !== Z) {
      return -1;
    }
    if (source[next] !== SPACE) return -1;

    if (day !== this.#day || month !== this.#month || year !== this.#year) {
      this.#midnight = Date.UTC(year, month - 1, day) / 1000;
      this.#year = year;
      this.#month = month;
      this.#day = day;
    }
    this.seconds = this.#midnight + hour * 3600 + minute * 60 + second - offset;
    this.nanos = nanos;
    return next + 1;
  }
}

const DASH = 0x2d;
const COLON = 0x3a;
const DOT = 0x2e;
const PLUS = 0x2b;
const SPACE = 0x20;
const T = 0x54;
const Z = 0x5a;

function digit(source: Uint8Array, at: number): number {
  const value = (source[at] as number) - 0x30;
  return value >= 0 && value <= 9 ? value : NaN;
}

function two(source: Uint8Array, at: number): number {
  return digit(source, at) * 10 + digit(source, at + 1);
}
