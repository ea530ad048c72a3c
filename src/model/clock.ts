import type { Nanoseconds } from './nanoseconds.js';

/** Everything that reads time or waits takes one of these, so that tests decide what time it is. */
export interface Clock {
  /** Wall clock, ns since 1970. May step in either direction. */
  now(): Nanoseconds;
  /** Monotonic milliseconds from an arbitrary origin. Never steps. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A source of randomness in [0, 1), injected wherever jitter is added. */
export type Random = () => number;
