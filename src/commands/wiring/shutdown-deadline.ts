import type { Clock } from '../../model/clock.js';

/** For how long what cannot succeed is waited for all the same, ms: its state may be that of a moment. */
const HOPELESS_MS = 1000;
/** How often it is looked at whether it can succeed, ms. */
const LOOK_MS = 100;

export interface ShutdownSteps {
  /** What is still under way cannot succeed at present: Loki is away. */
  readonly isHopeless: () => boolean;
  /** Aborts what is still under way. Nothing is lost by it: no cursor has moved for it. */
  readonly giveUp: () => void;
}

/**
 * The two steps of a shutdown: first what is under way may end by itself, and after the timeout it is given up. What
 * cannot succeed is given up after a second.
 */
export class ShutdownDeadline {
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #steps: ShutdownSteps;
  readonly #ended = new AbortController();
  #waiting: Promise<void> = Promise.resolve();

  /** @param timeoutMs `shutdown.timeout` */
  constructor(timeoutMs: number, clock: Clock, steps: ShutdownSteps) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#steps = steps;
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
    const end = this.#clock.monotonic() + this.#timeoutMs;
    let hopelessSince: number | undefined;
    for (let now = this.#clock.monotonic(); now < end; now = this.#clock.monotonic()) {
      hopelessSince = this.#steps.isHopeless() ? (hopelessSince ?? now) : undefined;
      if (hopelessSince !== undefined && now - hopelessSince >= HOPELESS_MS) break;
      try {
        await this.#clock.sleep(Math.min(LOOK_MS, end - now), this.#ended.signal);
      } catch {
        return;
      }
    }
    this.#steps.giveUp();
  }
}
