import type { Clock } from '../../src/model/clock.js';
import { NS_PER_MS, type Nanoseconds } from '../../src/model/nanoseconds.js';
import { systemClock } from '../../src/model/system-clock.js';

/** Timers wake up to so much early, as measured by performance.now(). */
const EARLY_MS = 1;

/**
 * The machine's clocks, on which hours can be let go by at once: both the wall clock and the monotonic one go on by
 * them, and who would have woken in that time wakes. Nothing steps: it is as if all that time had been waited for.
 */
export class PassingClock implements Clock {
  #passed = 0;
  #stepped: Nanoseconds = 0n;
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: AbortController }>();

  now(): Nanoseconds {
    return systemClock.now() + BigInt(Math.round(this.#passed)) * NS_PER_MS + this.#stepped;
  }

  monotonic(): number {
    return systemClock.monotonic() + this.#passed;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const sleeper = { until: this.monotonic() + ms, wake: new AbortController() };
    const wake = (): void => sleeper.wake.abort();
    signal?.addEventListener('abort', wake);
    this.#sleepers.add(sleeper);
    try {
      await systemClock.sleep(ms, sleeper.wake.signal).catch(() => undefined);
    } finally {
      this.#sleepers.delete(sleeper);
      signal?.removeEventListener('abort', wake);
    }
    signal?.throwIfAborted();
  }

  /** Sets the wall clock alone, as an operator or NTP does. */
  step(ms: number): void {
    this.#stepped += BigInt(ms) * NS_PER_MS;
  }

  /** Lets time go by: whoever sleeps for less wakes up. */
  pass(ms: number): void {
    this.#passed += ms;
    for (const { until, wake } of this.#sleepers) if (until <= this.monotonic() + EARLY_MS) wake.abort();
  }
}
