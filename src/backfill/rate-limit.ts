import type { Clock } from '../model/clock.js';

/** At most so many ms of the rate may be used at once after a pause. */
const BURST_MS = 1000;

/**
 * Bounds the bytes that are sent in a second, over all containers of a run. A sender that asks for more than there is
 * waits; those that wait are served in the order in which they came.
 */
export class RateLimit {
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  /** Monotonic ms at which all that was granted so far is paid for. */
  #paidAt: number;

  /** @param bytesPerSecond more than 0 */
  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#paidAt = clock.monotonic() - BURST_MS;
  }

  /**
   * Resolves when so many bytes may be sent.
   *
   * @throws the signal's reason when it aborts
   */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const now = this.#clock.monotonic();
    const from = Math.max(this.#paidAt, now - BURST_MS);
    this.#paidAt = from + bytes / this.#bytesPerMs;
    const wait = this.#paidAt - now;
    if (wait > 0) await this.#clock.sleep(wait, signal);
  }
}
