/** Of one bucket: three numbers of 8 bytes and four words. */
const BUCKET_BYTES = 40;

/**
 * What is kept of the lines of each bucket: how many, how long, and the sum of their fingerprints, word by word.
 * Two sets of lines with the same sum are the same set, but for a chance of 2^-128; so one look at each side
 * shows which stretches of time need a closer one.
 */
export class Digests {
  readonly buckets: number;
  readonly #lines: Float64Array;
  readonly #distinct: Float64Array;
  readonly #bytes: Float64Array;
  readonly #sums: Uint32Array;

  constructor(buckets: number) {
    this.buckets = buckets;
    this.#lines = new Float64Array(buckets);
    this.#distinct = new Float64Array(buckets);
    this.#bytes = new Float64Array(buckets);
    this.#sums = new Uint32Array(buckets * 4);
  }

  static bytesFor(buckets: number): number {
    return buckets * BUCKET_BYTES;
  }

  /** @param repeated equal to a line that was added before: counted, and not part of the sum */
  add(bucket: number, words: Uint32Array, bytes: number, repeated: boolean): void {
    this.#lines[bucket] = (this.#lines[bucket] as number) + 1;
    this.#bytes[bucket] = (this.#bytes[bucket] as number) + bytes;
    if (repeated) return;
    this.#distinct[bucket] = (this.#distinct[bucket] as number) + 1;
    const sums = this.#sums;
    const at = bucket * 4;
    for (let word = 0; word < 4; word++) {
      sums[at + word] = (sums[at + word] as number) + (words[word] as number);
    }
  }

  linesIn(bucket: number): number {
    return this.#lines[bucket] as number;
  }

  /** Without repetitions. */
  distinctIn(bucket: number): number {
    return this.#distinct[bucket] as number;
  }

  bytesIn(bucket: number): number {
    return this.#bytes[bucket] as number;
  }

  get lines(): number {
    return this.#lines.reduce((sum, lines) => sum + lines, 0);
  }

  /** Whether the bucket holds the same lines as those of `others` together. */
  equals(bucket: number, ...others: readonly Digests[]): boolean {
    const distinct = others.reduce((sum, other) => sum + other.distinctIn(bucket), 0);
    if (distinct !== this.distinctIn(bucket)) return false;
    const at = bucket * 4;
    for (let word = at; word < at + 4; word++) {
      const sum = others.reduce((total, other) => (total + (other.#sums[word] as number)) >>> 0, 0);
      if (sum !== this.#sums[word]) return false;
    }
    return true;
  }
}
