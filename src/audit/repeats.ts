/** More distinct lines of one stamp than these are not told apart: see EqualLines. */
const MOST = 4096;

/**
 * Tells whether a line equals an earlier one of the same stamp, as long as lines of that stamp follow one another
 * in a stream: Loki keeps such as one. Of a stamp with very many lines the later repetitions are not noticed; who
 * asks must be right all the same.
 */
export class EqualLines {
  readonly #first = new Uint32Array(4);
  #seconds = -1;
  #nanos = -1;
  /** Made for the second line of a stamp; most have only one. */
  #others: Set<string> | undefined;

  /** Shows the next line; true when it is a repetition. */
  repeats(seconds: number, nanos: number, words: Uint32Array): boolean {
    if (seconds !== this.#seconds || nanos !== this.#nanos) {
      this.#seconds = seconds;
      this.#nanos = nanos;
      this.#first.set(words);
      this.#others = undefined;
      return false;
    }
    if (words.every((word, i) => word === this.#first[i])) return true;
    const others = (this.#others ??= new Set());
    const key = words.join();
    if (others.has(key)) return true;
    if (others.size < MOST) others.add(key);
    return false;
  }
}
