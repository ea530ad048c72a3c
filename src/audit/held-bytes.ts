/** Keeps account of what an audit holds in memory: it must not grow with the range. */
export class HeldBytes {
  #now = 0;
  #peak = 0;

  get now(): number {
    return this.#now;
  }

  /** The most that was held at once. */
  get peak(): number {
    return this.#peak;
  }

  take(bytes: number): void {
    this.#now += bytes;
    if (this.#now > this.#peak) this.#peak = this.#now;
  }

  give(bytes: number): void {
    this.#now -= bytes;
  }
}
