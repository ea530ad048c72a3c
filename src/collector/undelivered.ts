import type { Nanoseconds } from '../model/nanoseconds.js';

/** Lines on their way to Loki. */
export interface PendingLines {
  /** The lowest timestamp of those that are not acknowledged, or not committed; undefined: there are none. */
  readonly oldest: Nanoseconds | undefined;
}

/**
 * Which lines of one container are known and not acknowledged by Loki, as far as their oldest timestamp goes. A line
 * stays known when its push or its poll fails, until the log was read to its end. A line that its process has not ended
 * yet is none.
 */
export class Undelivered {
  #pending: PendingLines | undefined;
  /** Of earlier answers. */
  #left: Nanoseconds | undefined;

  /** The lowest timestamp; undefined: no such line is known. */
  get oldest(): Nanoseconds | undefined {
    const pending = this.#pending?.oldest;
    if (pending === undefined || this.#left === undefined) return pending ?? this.#left;
    return pending < this.#left ? pending : this.#left;
  }

  /** The lines of another answer are read and sent. */
  follow(pending: PendingLines): void {
    this.stop();
    this.#pending = pending;
  }

  /** Nothing is read or sent any more; what was not acknowledged is read again. */
  stop(): void {
    this.#left = this.oldest;
    this.#pending = undefined;
  }

  /** The cursor moved to the entry with this timestamp: what is left of earlier answers is newer. */
  committed(stamp: Nanoseconds): void {
    if (this.#left !== undefined && stamp > this.#left) this.#left = stamp;
  }

  /** The answer was cut off after this timestamp: more lines follow. */
  cutOff(stamp: Nanoseconds): void {
    this.#left ??= stamp;
  }

  /** The log was read to its end, and all of it was delivered. */
  done(): void {
    this.#pending = undefined;
    this.#left = undefined;
  }
}
