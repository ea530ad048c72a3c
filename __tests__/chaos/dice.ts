import { seededRandom } from '../../src/simulators/engine/index.js';

/** All decisions of a run: the same seed, the same decisions. */
export class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.#random() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** @throws RangeError when there is nothing to choose from */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('nothing to choose from');
    return list[this.between(0, list.length - 1)] as T;
  }

  /** One of them, the heavier ones more often. */
  weighted<T extends { readonly weight: number }>(list: readonly T[]): T {
    const total = list.reduce((sum, { weight }) => sum + weight, 0);
    let left = this.#random() * total;
    for (const item of list) {
      left -= item.weight;
      if (left < 0) return item;
    }
    return list.at(-1) as T;
  }

  /** The digits of an id. */
  hex(digits: number): string {
    let text = '';
    while (text.length < digits) text += this.between(0, 15).toString(16);
    return text;
  }
}
