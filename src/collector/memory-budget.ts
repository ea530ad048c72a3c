/**
 * The bytes that wait for Loki, over all polls (`memory.max_in_flight`). Readers do not take from it before
 * they read; they stop reading while it is used up, and go on when enough was acknowledged.
 */
export class MemoryBudget {
  readonly #max: number;
  #used = 0;
  #waiters: (() => void)[] = [];

  /** @param maxBytes at which readers stop */
  constructor(maxBytes: number) {
    this.#max = maxBytes;
  }

  get used(): number {
    return this.#used;
  }

  get exhausted(): boolean {
    return this.#used >= this.#max;
  }

  take(bytes: number): void {
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
    if (this.exhausted) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** Resolves when there is room again. */
  async room(): Promise<void> {
    while (this.exhausted) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }
}
