/** What a label's value becomes when there are too many different ones. */
export const OTHER = 'other';

/**
 * Keeps a label's values few: the first so many different ones are kept, what comes after is `other`. A reason or
 * code that varies without end would otherwise fill the memory here and in Prometheus.
 */
export class BoundedLabel {
  readonly #max: number;
  readonly #known: Set<string>;

  /** @param known always kept, and counted among the `max` */
  constructor(max: number, known: readonly string[] = []) {
    this.#max = max;
    this.#known = new Set(known);
  }

  value(wanted: string): string {
    if (this.#known.has(wanted)) return wanted;
    if (this.#known.size >= this.#max) return OTHER;
    this.#known.add(wanted);
    return wanted;
  }
}
