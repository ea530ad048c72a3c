import type { Clock } from '../../src/model/clock.js';
import { NS_PER_MS, type Nanoseconds } from '../../src/model/nanoseconds.js';

/** A clock on which nobody waits: a sleep is over in the next turn, and its time has gone by. */
export class LeapingClock implements Clock {
  /** What was slept, ms, in the order it began. */
  readonly slept: number[] = [];
  /** What happens while somebody sleeps. Default: nothing. */
  meanwhile: (ms: number) => Promise<void> = () => Promise.resolve();
  #monotonic = 0;
  #wall: Nanoseconds;

  constructor(wall: Nanoseconds = 1_700_000_000_000_000_000n) {
    this.#wall = wall;
  }

  now(): Nanoseconds {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(ms);
    const until = this.#monotonic + ms;
    await new Promise((resolve) => setImmediate(resolve));
    await this.meanwhile(ms);
    signal?.throwIfAborted();
    this.pass(until - this.#monotonic);
  }

  /** Lets time go by; none when it is negative. */
  pass(ms: number): void {
    if (ms <= 0) return;
    this.#monotonic += ms;
    this.#wall += BigInt(Math.round(ms * 1000)) * (NS_PER_MS / 1000n);
  }
}
