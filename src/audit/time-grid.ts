import { NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import { nanosOf, secondsOf, stampOf, type StampRange } from '../loki/read/stamp-range.js';

/**
 * Divides a range of stamps into equal buckets, at most `maxBuckets`. A bucket is a number of whole seconds, or
 * a power of ten of nanoseconds: so the bucket of a stamp is found exactly, with plain numbers, however long the
 * range is.
 */
export class TimeGrid {
  readonly range: StampRange;
  readonly size: number;
  readonly #firstSecond: number;
  /** Whole seconds a bucket; 0: it is shorter than one. */
  readonly #seconds: number;
  /** ns a bucket, when it is shorter than a second. */
  readonly #nanos: number;

  constructor(range: StampRange, maxBuckets: number) {
    this.range = range;
    this.#firstSecond = secondsOf(range.from);
    const seconds = secondsOf(range.until - 1n) - this.#firstSecond + 1;
    this.#seconds = seconds > maxBuckets ? Math.ceil(seconds / maxBuckets) : 0;
    let nanos = 1_000_000_000;
    if (this.#seconds === 0) {
      while (nanos > 1 && (seconds * 1e9) / (nanos / 10) <= maxBuckets) nanos /= 10;
      this.#nanos = nanos;
      this.size = seconds * (1e9 / nanos);
    } else {
      this.#nanos = 0;
      this.size = Math.ceil(seconds / this.#seconds);
    }
  }

  /** The bucket of a stamp that lies in the range. */
  indexOf(seconds: number, nanos: number): number {
    const since = seconds - this.#firstSecond;
    if (this.#seconds > 0) return Math.floor(since / this.#seconds);
    return since * (1e9 / this.#nanos) + Math.floor(nanos / this.#nanos);
  }

  /** The stamps of the buckets `first` to `last`, both included, as far as the range has them. */
  rangeOf(first: number, last: number): StampRange {
    const from = this.#startOf(first);
    const until = this.#startOf(last + 1);
    return {
      from: from > this.range.from ? from : this.range.from,
      until: until < this.range.until ? until : this.range.until,
    };
  }

  #startOf(bucket: number): Nanoseconds {
    if (this.#seconds > 0) return stampOf(this.#firstSecond + bucket * this.#seconds, 0);
    return BigInt(this.#firstSecond) * NS_PER_SECOND + BigInt(bucket) * BigInt(this.#nanos);
  }

  /** The number of a stamp's second in the range, for whoever looks ahead from it. */
  bucketAt(stamp: Nanoseconds): number {
    return this.indexOf(secondsOf(stamp), nanosOf(stamp));
  }
}
