import { formatStamp, type Nanoseconds } from '../../model/nanoseconds.js';

/** A length of time for people, in two units at most: `4s`, `3m 20s`, `2h 5m`, `12d 3h`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${Math.max(seconds, 0).toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const units: readonly (readonly [string, number])[] = [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ];
  const first = units.findIndex(([, size]) => whole >= size);
  const [big, bigSize] = units[first] as readonly [string, number];
  const [small, smallSize] = units[first + 1] as readonly [string, number];
  const rest = Math.floor((whole % bigSize) / smallSize);
  return `${Math.floor(whole / bigSize)}${big}${rest === 0 ? '' : ` ${rest}${small}`}`;
}

/** A point in time for people: `2026-01-31 08:00:00Z`. */
export function formatInstant(ns: Nanoseconds): string {
  return formatStamp(ns)
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
}
