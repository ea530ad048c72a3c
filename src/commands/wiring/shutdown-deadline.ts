import type { Clock } from '../../model/clock.js';

/** The two steps of a shutdown: first what is under way may end by itself, and after the timeout it is given up. */
export class ShutdownDeadline {
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #giveUp: () => void;
  readonly #ended = new AbortController();
  #waiting: Promise<void> = Promise.resolve();

  /**
   * @param timeoutMs `shutdown.timeout`
   * @param giveUp aborts what is still under way
   */
  constructor(timeoutMs: number, clock: Clock, giveUp: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#giveUp = giveUp;
  }

  /** Begins to count when the signal aborts. */
  follow(signal: AbortSignal): void {
    const count = (): void => {
      this.#waiting = this.#count();
    };
    if (signal.aborted) count();
    else signal.addEventListener('abort', count, { once: true, signal: this.#ended.signal });
  }

  /** Everything has ended: nothing is given up any more. Not to be called before. */
  async end(): Promise<void> {
    this.#ended.abort();
    await this.#waiting;
  }

  async #count(): Promise<void> {
    try {
      await this.#clock.sleep(this.#timeoutMs, this.#ended.signal);
    } catch {
      return;
    }
    this.#giveUp();
  }
}
