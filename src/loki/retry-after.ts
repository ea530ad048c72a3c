import { DateTime } from 'luxon';

/** An HTTP date (RFC 9110, 5.6.7), ms since 1970; undefined for anything else. */
export function readHttpDate(text: string): number | undefined {
  // The longest form, `Wednesday, 09-Nov-94 08:49:37 GMT`, has 34 characters.
  if (text.length > 40) return undefined;
  const date = DateTime.fromHTTP(text);
  return date.isValid ? date.toMillis() : undefined;
}

/** No gateway is waited for longer than this: it may be wrong, and the log waits in a bounded file. */
export const MAX_RETRY_AFTER_MS = 10 * 60 * 1000;

/**
 * Reads a Retry-After header (RFC 9110, 10.2.3): whole seconds, or an HTTP date. Milliseconds from `nowMs`
 * (since 1970) on, 0 to MAX_RETRY_AFTER_MS; undefined for anything else.
 */
export function readRetryAfter(header: string, nowMs: number): number | undefined {
  const text = header.trim();
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, MAX_RETRY_AFTER_MS);
  const date = readHttpDate(text);
  return date === undefined ? undefined : Math.min(Math.max(date - nowMs, 0), MAX_RETRY_AFTER_MS);
}
