import type { Cursor } from '../model/cursor.js';

/** What one container's file is to hold; undefined: no file. */
export type Wanted = Cursor | undefined;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Request {
  wanted: Wanted;
  readonly waiters: Waiter[];
}

/**
 * The writes of one container, strictly one after the other. While one runs, later ones gather into a single
 * next one, that of the latest state: a position stands for all positions before it.
 */
export class WriteQueue {
  readonly #write: (wanted: Wanted) => Promise<void>;
  readonly #onIdle: () => void;
  #next: Request | undefined;
  #drained: Promise<void> | undefined;

  /**
   * @param write makes a state durable, or throws an Error
   * @param onIdle called whenever nothing is left to write
   */
  constructor(write: (wanted: Wanted) => Promise<void>, onIdle: () => void) {
    this.#write = write;
    this.#onIdle = onIdle;
  }

  /** Resolves when this state or a later one is durable; rejects when the write that carried it failed. */
  put(wanted: Wanted): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      if (this.#next) {
        this.#next.wanted = wanted;
        this.#next.waiters.push(waiter);
      } else {
        this.#next = { wanted, waiters: [waiter] };
      }
      this.#drained ??= this.#drain();
    });
  }

  /** Resolves when nothing is being written any more, also when writes failed. */
  async settled(): Promise<void> {
    await this.#drained;
  }

  async #drain(): Promise<void> {
    while (this.#next) {
      const { wanted, waiters } = this.#next;
      this.#next = undefined;
      try {
        await this.#write(wanted);
        for (const waiter of waiters) waiter.resolve();
      } catch (error) {
        for (const waiter of waiters) waiter.reject(error as Error);
      }
    }
    this.#drained = undefined;
    this.#onIdle();
  }
}
