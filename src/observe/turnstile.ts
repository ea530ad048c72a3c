import type { Clock } from '../model/clock.js';

export interface TurnstileOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** How many may pass a second, in the long run. */
  readonly perSecond: number;
  /** How many may pass at once after a while without any. */
  readonly burst: number;
}

/**
 * Lets requests pass at a bounded rate, the urgent ones first, else in the order in which they came. So however many
 * clients ask, what they cost the process is bounded: one that asks without pause only waits longer.
 */
export class Turnstile {
  readonly #options: TurnstileOptions;
  /** By urgency; a set, so that a place can be given up. */
  readonly #urgent = new Set<() => void>();
  readonly #others = new Set<() => void>();
  #allowed: number;
  #countedAt: number;

  constructor(options: TurnstileOptions) {
    this.#options = options;
    this.#allowed = options.burst;
    this.#countedAt = options.clock.monotonic();
  }

  get waiting(): number {
    return this.#urgent.size + this.#others.size;
  }

  /** Calls `pass` at once, or in a later turn(). */
  enter(pass: () => void, urgent: boolean): void {
    (urgent ? this.#urgent : this.#others).add(pass);
    this.turn();
  }

  /** Takes back an `enter` whose turn has not come. */
  leave(pass: () => void): void {
    this.#urgent.delete(pass);
    this.#others.delete(pass);
  }

  /** Lets those pass whose turn has come; to be called now and then while some wait. */
  turn(): void {
    this.#refill();
    while (this.#allowed >= 1) {
      const queue = this.#urgent.size > 0 ? this.#urgent : this.#others;
      const [pass] = queue;
      if (pass === undefined) return;
      queue.delete(pass);
      this.#allowed--;
      pass();
    }
  }

  #refill(): void {
    const { clock, perSecond, burst } = this.#options;
    const now = clock.monotonic();
    this.#allowed = Math.min(burst, this.#allowed + ((now - this.#countedAt) / 1000) * perSecond);
    this.#countedAt = now;
  }
}
