/**
 * A point in time (since 1970-01-01T00:00:00Z) or a length of time, in nanoseconds. Always a bigint: a
 * Number keeps only about 200 ns of a current time stamp, a Date a whole millisecond.
 */
export type Nanoseconds = bigint;

export const NS_PER_MS = 1_000_000n;
export const NS_PER_SECOND = 1_000_000_000n;

const STAMP = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d):(\d\d))$/;

/**
 * Parses an RFC 3339 time stamp with up to nine fractional digits, as the Engine prints them, with `Z` or a
 * zone offset. Returns undefined for anything else. Not for the hot path: see docker/stamp.ts.
 */
export function parseStamp(text: string): Nanoseconds | undefined {
  const m = STAMP.exec(text);
  if (!m) return undefined;
  const [year, month, day, hour, minute, second] = m.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
    return undefined;
  // setUTCFullYear and not Date.UTC: the Engine's zero time is the year 1, which Date.UTC reads as 1901.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, 0);
  let ns = BigInt(date.getTime()) * NS_PER_MS + BigInt((m[7] ?? '').padEnd(9, '0'));
  if (m[9] !== undefined) {
    const offset = BigInt(Number(m[10]) * 60 + Number(m[11])) * 60n * NS_PER_SECOND;
    ns = m[9] === '+' ? ns - offset : ns + offset;
  }
  return ns;
}

/** Prints a stamp as RFC 3339 with exactly nine fractional digits, in UTC. */
export function formatStamp(ns: Nanoseconds): string {
  const fraction = floorMod(ns, NS_PER_SECOND);
  const ms = (ns - fraction) / NS_PER_MS;
  return `${new Date(Number(ms)).toISOString().slice(0, -5)}.${fraction.toString().padStart(9, '0')}Z`;
}

/**
 * Prints a stamp as the Engine's `since` and `until` take it: `seconds.nanoseconds`
 * (Engine API, ContainerLogs; the fraction always has nine digits). Times before 1970 become 0.
 */
export function formatSince(ns: Nanoseconds): string {
  const clamped = ns < 0n ? 0n : ns;
  return `${clamped / NS_PER_SECOND}.${(clamped % NS_PER_SECOND).toString().padStart(9, '0')}`;
}

function floorMod(a: bigint, b: bigint): bigint {
  const rest = a % b;
  return rest < 0n ? rest + b : rest;
}
