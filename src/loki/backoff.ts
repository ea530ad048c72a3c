import type { Random } from '../model/clock.js';
import type { BackoffSettings } from './settings.js';

/**
 * How long to wait before the next try, in ms: a random part of a bound that doubles with each failed try, up
 * to `maxMs` (full jitter), so that many collectors do not come back at the same moment. What the server asks
 * for (`retryAfterMs`) is waited for in any case, and is never a reason to come back sooner: some ask for 0.
 *
 * @param failures failed tries so far, at least 1
 */
export function backoffMs(
  failures: number,
  { minMs, maxMs }: Pick<BackoffSettings, 'minMs' | 'maxMs'>,
  random: Random,
  retryAfterMs?: number,
): number {
  // Past 2^30 the bound is maxMs anyway, and must not become Infinity * 0.
  const bound = Math.min(minMs * 2 ** Math.min(failures - 1, 30), maxMs);
  const part = random();
  if (retryAfterMs === undefined) return part * bound;
  return Math.max(retryAfterMs + part * minMs, part * bound);
}
