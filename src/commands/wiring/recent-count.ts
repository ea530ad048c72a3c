import type { Clock } from '../../model/clock.js';

const SLOTS = 12;
const SLOT_MS = 5000;

/** How much was counted in the last minute, to five seconds; costs the same however much it is. */
export class RecentCount {
  readonly #clock: Clock;
  readonly #slots = new Array<number>(SLOTS).fill(0);
  /** Which slot of time is the newest one counted in. */
  #newest: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#newest = this.#slot();
  }

  add(amount: number): void {
    this.#advance();
    this.#slots[this.#newest % SLOTS] = (this.#slots[this.#newest % SLOTS] as number) + amount;
  }

  get count(): number {
    this.#advance();
    return this.#slots.reduce((sum, amount) => sum + amount, 0);
  }

  #advance(): void {
    const now = this.#slot();
    // What fell out of the minute is forgotten; all of it, after a long rest.
    const from = Math.max(this.#newest + 1, now - SLOTS + 1);
    for (let slot = from; slot <= now; slot++) this.#slots[slot % SLOTS] = 0;
    this.#newest = now;
  }

  #slot(): number {
    return Math.floor(this.#clock.monotonic() / SLOT_MS);
  }
}
