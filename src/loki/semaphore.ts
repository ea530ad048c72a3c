/** So many at a time, in the order they asked. Unlike p-limit's, a place in the queue can be given up. */
export class Semaphore {
  #free: number;
  readonly #queue = new Set<() => void>();

  constructor(slots: number) {
    this.#free = slots;
  }

  /** Resolves with how to give the slot back; rejects with the signal's reason when it aborts first. */
  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    let held = true;
    return () => {
      if (held) this.#release();
      held = false;
    };
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#queue.delete(go);
        reject(signal.reason as Error);
      };
      this.#queue.add(go);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #release(): void {
    const [next] = this.#queue;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#queue.delete(next);
    next();
  }
}
