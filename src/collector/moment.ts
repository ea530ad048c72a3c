import type { Clock } from '../model/clock.js';
import type { Nanoseconds } from '../model/nanoseconds.js';

const NS_OF_A_MS = 1e6;

/**
 * A moment, told by both clocks. The wall clock may be set behind it, and what it showed then is later than stamps that
 * it gives afterwards. So the moment is told anew by the clock as it is, and the earlier of both times counts.
 */
export class Moment {
  readonly #clock: Clock;
  readonly #monotonic: number;
  #wall: Nanoseconds;

  /** Now. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wall = clock.now();
    this.#monotonic = clock.monotonic();
  }

  /** ms */
  get monotonic(): number {
    return this.#monotonic;
  }

  /** As the wall clock showed it, or as it is after the clock was set back. */
  get wall(): Nanoseconds {
    return this.#wall;
  }

  /** ms that have gone by since. */
  get age(): number {
    return this.#clock.monotonic() - this.#monotonic;
  }

  /** To be told when the clock was set and may be set again before `isAfter` is asked. */
  clockStepped(): void {
    const told = this.#clock.now() - BigInt(Math.floor(this.age * NS_OF_A_MS));
    if (told < this.#wall) this.#wall = told;
  }

  /**
   * Whether it was later than something that the same wall clock stamped, also if the clock was set in between. In
   * doubt it was not.
   */
  isAfter(stamp: Nanoseconds): boolean {
    this.clockStepped();
    return this.#wall > stamp;
  }
}
