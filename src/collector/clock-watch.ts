import type { Clock } from '../model/clock.js';
import { NS_PER_MS, type Nanoseconds } from '../model/nanoseconds.js';

/** Less than this is drift, or a slow wake-up, and no step. */
const SMALLEST_STEP_MS = 500;

/** Notices that the wall clock was set, by holding it against the monotonic one. */
export class ClockWatch {
  readonly #clock: Clock;
  #wall: Nanoseconds;
  #monotonic: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wall = clock.now();
    this.#monotonic = clock.monotonic();
  }

  /** By how many ms the wall clock was set since the last look; 0: it was not. */
  look(): number {
    const wall = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    const step = Number((wall - this.#wall) / NS_PER_MS) - (monotonic - this.#monotonic);
    this.#wall = wall;
    this.#monotonic = monotonic;
    return Math.abs(step) < SMALLEST_STEP_MS ? 0 : step;
  }
}
