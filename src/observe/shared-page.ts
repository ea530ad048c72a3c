import type { Clock } from '../model/clock.js';

/** A page rests for so many times as long as it took to make it: so it takes a thirtieth of the time at most. */
const REST = 30;
const LONGEST_REST_MS = 2000;

/**
 * A page that is costly to make. One making serves all who wait for it, and then it rests for a while in proportion to
 * its cost: however often the page is asked for, what it costs the process is bounded. Nobody gets a page that was begun
 * before it was asked for.
 */
export class SharedPage<Page> {
  readonly #make: () => Promise<Page> | Page;
  readonly #clock: Clock;
  readonly #life: AbortSignal;
  /** Has not begun. */
  #next: Promise<Page> | undefined;
  #running: Promise<unknown> | undefined;
  #restsUntil = -Infinity;

  /** @param life aborts when no page is wanted any more */
  constructor(make: () => Promise<Page> | Page, clock: Clock, life: AbortSignal) {
    this.#make = make;
    this.#clock = clock;
    this.#life = life;
  }

  /** Rejects with what making the page failed with, or when `life` aborts. */
  get(): Promise<Page> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running !== undefined || this.#restMs() > 0) return (this.#next = this.#later());
    return this.#begin();
  }

  async #later(): Promise<Page> {
    await this.#running?.catch(() => undefined);
    try {
      const rest = this.#restMs();
      if (rest > 0) await this.#clock.sleep(rest, this.#life);
      this.#life.throwIfAborted();
    } finally {
      // Who comes from now on did not ask before it began.
      this.#next = undefined;
    }
    return await this.#begin();
  }

  #begin(): Promise<Page> {
    const running = this.#timed().finally(() => {
      this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #timed(): Promise<Page> {
    const begun = this.#clock.monotonic();
    try {
      return await this.#make();
    } finally {
      const now = this.#clock.monotonic();
      this.#restsUntil = now + Math.min((now - begun) * REST, LONGEST_REST_MS);
    }
  }

  #restMs(): number {
    return this.#restsUntil - this.#clock.monotonic();
  }
}
