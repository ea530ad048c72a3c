/** Of one bucket: five numbers of 8 bytes and four words. */
const BUCKET_BYTES = 56;

/** What an entry is: a line, the first piece of a long one, or a further piece. */
export type EntryPart = 'line' | 'first' | 'further';

/**
 * What is kept of the entries of each bucket, which are lines or pieces of lines: how many, how long, and the sum of their fingerprints, word by word.
 * Two sets of entries with the same sum are the same set, but for a chance of 2^-128; so one look at each side
 * shows which stretches of time need a closer one.
 */
export class Digests {
  readonly buckets: number;
  readonly #entries: Float64Array;
  readonly #distinct: Float64Array;
  readonly #further: Float64Array;
  readonly #long: Float64Array;
  readonly #bytes: Float64Array;
  readonly #sums: Uint32Array;

  constructor(buckets: number) {
    this.buckets = buckets;
    this.#entries = new Float64Array(buckets);
    this.#distinct = new Float64Array(buckets);
    this.#further = new Float64Array(buckets);
    this.#long = new Float64Array(buckets);
    this.#bytes = new Float64Array(buckets);
    this.#sums = new Uint32Array(buckets * 4);
  }

  static bytesFor(buckets: number): number {
    return buckets * BUCKET_BYTES;
  }

  /** @param repeated equal to an entry that was added before: counted, and not part of the sum */
  add(bucket: number, words: Uint32Array, bytes: number, repeated: boolean, part: EntryPart = 'line'): void {
    if (repeated && part === 'further') return;
    this.#entries[bucket] = (this.#entries[bucket] as number) + 1;
    if (part === 'further') this.#further[bucket] = (this.#further[bucket] as number) + 1;
    if (part === 'first') this.#long[bucket] = (this.#long[bucket] as number) + 1;
    this.#bytes[bucket] = (this.#bytes[bucket] as number) + bytes;
    if (repeated) return;
    this.#distinct[bucket] = (this.#distinct[bucket] as number) + 1;
    const sums = this.#sums;
    const at = bucket * 4;
    for (let word = 0; word < 4; word++) {
      sums[at + word] = (sums[at + word] as number) + (words[word] as number);
    }
  }

  /** Adds all that others of the same buckets hold. */
  addAll(others: Digests): void {
    for (const [to, from] of [
      [this.#entries, others.#entries],
      [this.#distinct, others.#distinct],
      [this.#further, others.#further],
      [this.#long, others.#long],
      [this.#bytes, others.#bytes],
      [this.#sums, others.#sums],
    ] as const) {
      for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + (from[i] as number);
    }
  }

  /** Forgets all. */
  clear(): void {
    for (const figures of [this.#entries, this.#distinct, this.#further, this.#long, this.#bytes])
      figures.fill(0);
    this.#sums.fill(0);
  }

  entriesIn(bucket: number): number {
    return this.#entries[bucket] as number;
  }

  /** Lines; the pieces of one count once. */
  linesIn(bucket: number): number {
    return this.entriesIn(bucket) - (this.#further[bucket] as number);
  }

  /** Lines without repetitions. */
  distinctLinesIn(bucket: number): number {
    return this.distinctIn(bucket) - (this.#further[bucket] as number);
  }

  /** Whether there are further pieces of lines. */
  hasFurther(bucket: number): boolean {
    return (this.#further[bucket] as number) > 0;
  }

  /** Of the lines: those in pieces. */
  longIn(bucket: number): number {
    return this.#long[bucket] as number;
  }

  /** Entries without repetitions. */
  distinctIn(bucket: number): number {
    return this.#distinct[bucket] as number;
  }

  bytesIn(bucket: number): number {
    return this.#bytes[bucket] as number;
  }

  get entries(): number {
    return this.#entries.reduce((sum, entries) => sum + entries, 0);
  }

  /** Whether the bucket holds the same entries as those of `others` together. */
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
