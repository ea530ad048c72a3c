import type { JsonLogEntry } from './json-log.js';
import { sinceOf } from './read-logs.js';

/** A stamp in an hour long past, for logs written by hand. @param second of that hour, below 3600 */
export function stampAt(second: number, nanos = 0): string {
  const whole = new Date(Date.UTC(2024, 4, 1, 10, 0, second)).toISOString().slice(0, -5);
  return `${whole}.${String(nanos).padStart(9, '0')}Z`;
}

/** The same point in time as `since` and `until` take it. */
export function sinceAt(second: number, nanos = 0): string {
  return sinceOf(stampAt(second, nanos));
}

/** A whole line of a log written by hand. */
export function lineAt(second: number, text: string, stream: 'stdout' | 'stderr' = 'stdout'): JsonLogEntry {
  return { log: `${text}\n`, stream, time: stampAt(second) };
}

/** A chunk of a long line of a log written by hand: the last one brings its own newline. */
export function chunkAt(second: number, text: string): JsonLogEntry {
  return { log: text, stream: 'stdout', time: stampAt(second) };
}
