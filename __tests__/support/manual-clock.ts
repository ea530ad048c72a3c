import type { Clock } from '../../src/model/clock.js';
import { NS_PER_MS } from '../../src/model/nanoseconds.js';

interface Sleeper {
  at: number;
  wake: () => void;
}

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #monotonic = 0;
  #wall: bigint;
  #sleepers: Sleeper[] = [];

  constructor(wall = 1_700_000_000_000_000_000n) {
    this.#wall = wall;
  }

  now(): bigint {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const sleeper = { at: this.#monotonic + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener(
        'abort',
        () => {
          this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
          reject(signal.reason as Error);
        },
        { once: true },
      );
    });
  }

  /** Lets time pass, waking sleepers in order, and gives what they do a chance to happen. */
  async pass(ms: number): Promise<void> {
    const until = this.#monotonic + ms;
    for (;;) {
      await settle();
      const next = this.#sleepers.filter((sleeper) => sleeper.at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== next);
      this.#advance(Math.max(next.at - this.#monotonic, 0));
      next.wake();
    }
    this.#advance(until - this.#monotonic);
    await settle();
  }

  /** Sets the wall clock, as an operator or NTP does. */
  step(ms: number): void {
    this.#wall += BigInt(ms) * NS_PER_MS;
  }

  #advance(ms: number): void {
    this.#monotonic += ms;
    this.#wall += BigInt(Math.round(ms * 1000)) * 1000n;
  }
}

/** Runs what is ready to run, without any time passing. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
