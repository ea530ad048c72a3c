import { NS_PER_SECOND, type Nanoseconds } from '../../model/nanoseconds.js';

/** A flag in a query (moby: api/server/httputils/form.go, BoolValue). */
export function flag(query: URLSearchParams, name: string): boolean {
  return !['', '0', 'no', 'false', 'none'].includes((query.get(name) ?? '').trim().toLowerCase());
}

/** `tail`: what is no number means all, as undefined and a negative one do (moby: daemon/logs.go). */
export function tailValue(text: string | null): number | undefined {
  if (text === null || !/^[+-]?\d+$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

export type TimeValue = { readonly ns: Nanoseconds | undefined } | { readonly problem: string };

/** `seconds[.fraction]` (moby: api/types/time/timestamp.go, parseTimestamp). Empty or missing: none. */
export function timeValue(text: string | null): TimeValue {
  if (text === null || text === '') return { ns: undefined };
  const [seconds = '', ...rest] = text.split('.');
  const fraction = rest.length === 0 ? undefined : rest.join('.');
  for (const part of fraction === undefined ? [seconds] : [seconds, fraction]) {
    if (!/^[+-]?\d+$/.test(part)) return { problem: `strconv.ParseInt: parsing "${part}": invalid syntax` };
  }
  // More than nine digits are cut off, fewer are filled up.
  const nanos = fraction === undefined ? 0n : BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return { ns: BigInt(seconds) * NS_PER_SECOND + nanos };
}
