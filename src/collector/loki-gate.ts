import { sharedController } from '../model/shared-controller.js';
/** Closed while Loki does not take what is sent: then nothing is read, and Docker's own log keeps the lines. */
export class LokiGate {
  readonly #graceMs: number;
  #open = true;
  #reading = sharedController();
  #timer: NodeJS.Timeout | undefined;
  #waiters: (() => void)[] = [];

  /**
   * @param graceMs how long a reader under way may wait for Loki before its connection to the Engine is given
   *   up. A rate limit passes in a second or two; to begin again costs the Engine more than that.
   */
  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Aborts when Loki has been away for longer than the grace. */
  get reading(): AbortSignal {
    return this.#reading.signal;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#timer = setTimeout(() => this.#reading.abort(new LokiAway()), this.#graceMs);
    this.#timer.unref();
  }

  open(): void {
    if (this.#open) return;
    this.#open = true;
    clearTimeout(this.#timer);
    if (this.#reading.signal.aborted) this.#reading = sharedController();
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** Ends its timer: nothing is read any more that it could give up. */
  end(): void {
    clearTimeout(this.#timer);
  }

  /** Resolves when the gate is open, or when the signal aborts. */
  async opened(signal: AbortSignal): Promise<void> {
    while (!this.#open && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#waiters.push(wake);
        signal.addEventListener('abort', wake);
      });
    }
  }
}

/** Reading was given up because Loki is away; the rest is read later. */
export class LokiAway extends Error {
  override name = 'LokiAway';
  constructor() {
    super('reading was given up: Loki does not take what is sent');
  }
}
