/** Remembers the keys that were seen last, up to a number. */
export class RecentKeys {
  readonly #most: number;
  /** The latest ones last. */
  readonly #keys = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns whether it was not among them */
  add(key: string): boolean {
    const known = this.#keys.delete(key);
    this.#keys.add(key);
    for (const oldest of this.#keys) {
      if (this.#keys.size <= this.#most) break;
      this.#keys.delete(oldest);
    }
    return !known;
  }
}
