import type { Clock } from '../model/clock.js';

/** A gateway with a smaller limit than this is broken; requests are not made smaller for it. */
export const SMALLEST_CEILING = 64 * 1024;
/** Limits are raised, too. */
const KEPT_MS = 60 * 60 * 1000;

/** The largest request that passes, as far as it was learned from what was too large. */
export class RequestCeiling {
  readonly #configured: number;
  readonly #clock: Clock;
  #learned: { bytes: number; until: number } | undefined;

  constructor(configured: number, clock: Clock) {
    this.#configured = configured;
    this.#clock = clock;
  }

  get bytes(): number {
    if (this.#learned !== undefined && this.#clock.monotonic() >= this.#learned.until)
      this.#learned = undefined;
    return this.#learned?.bytes ?? this.#configured;
  }

  /** A request of so many bytes was too large. */
  tooLarge(bytes: number): void {
    const half = Math.max(Math.ceil(bytes / 2), SMALLEST_CEILING);
    if (half < this.bytes) this.#learned = { bytes: half, until: this.#clock.monotonic() + KEPT_MS };
  }
}
