import type { Random } from '../model/clock.js';

export interface IntervalPolicy {
  /** Off: every container is polled every `interval`. */
  readonly adaptive: boolean;
  /** ms */
  readonly interval: number;
  /** ms; for busy and young containers */
  readonly min: number;
  /** ms; where idle containers end up */
  readonly max: number;
  /** A share of the interval: 0.1 spreads by up to 10 % in either direction. */
  readonly jitter: number;
}

/** What the poll found, as far as the next one's time depends on it. */
export interface PollYield {
  /** New entries. */
  readonly entries: number;
  /** Entries a second, recently. */
  readonly rate: number;
  /** There is more to read: the poll was cut short or its window was full. */
  readonly more: boolean;
  /** The container is younger than `interval`. */
  readonly young: boolean;
  /** ms after which something may be rotated away unread; see retention.ts. */
  readonly longest: number;
}

/**
 * A poll should find about so many entries: enough to be worth it (it reads about 50 again to find its place), few
 * enough to be fresh.
 */
const ENTRIES_A_POLL = 100;
const IDLE_GROWTH = 1.5;

/**
 * How long to wait until the container's next poll, in ms, before jitter: busy ones sooner, idle ones ever
 * later up to `max`. One line brings an idle container back to `interval`.
 */
export function nextInterval(policy: IntervalPolicy, previous: number, found: PollYield): number {
  if (found.more) return 0;
  if (!policy.adaptive) return policy.interval;
  return Math.min(byEntries(policy, previous, found), Math.max(found.longest, policy.min));
}

function byEntries(policy: IntervalPolicy, previous: number, found: PollYield): number {
  if (found.entries > 0) {
    const wanted = found.rate > 0 ? (ENTRIES_A_POLL / found.rate) * 1000 : policy.interval;
    return clamp(wanted, policy.min, policy.interval);
  }
  if (found.young) return policy.min;
  return clamp(previous * IDLE_GROWTH, policy.interval, policy.max);
}

/** Spreads polls, so that containers started together are not polled together for ever. */
export function withJitter(policy: IntervalPolicy, interval: number, random: Random): number {
  return interval * (1 + policy.jitter * (2 * random() - 1));
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
