import type { AnchorEntry } from '../model/cursor.js';
import { NS_PER_SECOND } from '../model/nanoseconds.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import { fingerprint } from './fingerprint.js';

/**
 * Remembers the last entries that went by, at the cost of a few stores each. Fingerprints are worked out only
 * when a cursor is asked for, once for some thousand entries.
 */
export class AnchorRing {
  readonly #size: number;
  readonly #earlier: readonly AnchorEntry[];
  readonly #sources: (Buffer | undefined)[];
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #seconds: Float64Array;
  readonly #nanos: Float64Array;
  readonly #streams: Uint8Array;
  readonly #repeats: Float64Array;
  #seen = 0;
  /** Of those, the ones whose text is our own, or was never kept. */
  #owned = 0;

  /**
   * @param size how many entries an anchor has
   * @param earlier the anchor of the cursor that the answer continues
   */
  constructor(size: number, earlier: readonly AnchorEntry[]) {
    this.#size = size;
    this.#earlier = earlier;
    this.#sources = new Array<Buffer | undefined>(size);
    this.#starts = new Float64Array(size);
    this.#ends = new Float64Array(size);
    this.#seconds = new Float64Array(size);
    this.#nanos = new Float64Array(size);
    this.#streams = new Uint8Array(size);
    this.#repeats = new Float64Array(size);
  }

  /** How many entries went by. */
  get seen(): number {
    return this.#seen;
  }

  add(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    repeat: number,
  ): void {
    const slot = this.#seen % this.#size;
    this.#seen++;
    this.#sources[slot] = source;
    this.#starts[slot] = start;
    this.#ends[slot] = end;
    this.#seconds[slot] = seconds;
    this.#nanos[slot] = nanos;
    this.#streams[slot] = stream;
    this.#repeats[slot] = repeat;
  }

  /** Copies the texts that are remembered: the bytes that they lie in are about to be overwritten. */
  letGo(): void {
    let bytes = 0;
    const first = Math.max(this.#owned, this.#seen - this.#size);
    for (let i = first; i < this.#seen; i++) {
      const slot = i % this.#size;
      bytes += (this.#ends[slot] as number) - (this.#starts[slot] as number);
    }
    this.#owned = this.#seen;
    if (first === this.#seen) return;
    const own = Buffer.allocUnsafe(bytes);
    let at = 0;
    for (let i = first; i < this.#seen; i++) {
      const slot = i % this.#size;
      const start = at;
      at += (this.#sources[slot] as Buffer).copy(own, at, this.#starts[slot], this.#ends[slot]);
      this.#sources[slot] = own;
      this.#starts[slot] = start;
      this.#ends[slot] = at;
    }
  }

  /** The anchor as of now: the last entries in file order, filled up from the earlier anchor. */
  anchor(): AnchorEntry[] {
    const count = Math.min(this.#seen, this.#size);
    const entries: AnchorEntry[] = this.#earlier.slice(
      Math.max(0, this.#earlier.length - (this.#size - count)),
    );
    if (count === this.#size) entries.length = 0;
    for (let i = this.#seen - count; i < this.#seen; i++) {
      const slot = i % this.#size;
      entries.push(
        entryOf(
          this.#streams[slot] as StreamNumber,
          this.#seconds[slot] as number,
          this.#nanos[slot] as number,
          this.#sources[slot] as Buffer,
          this.#starts[slot] as number,
          this.#ends[slot] as number,
          this.#repeats[slot] as number,
        ),
      );
    }
    return entries;
  }
}

/** One entry, as an anchor has it. */
export function entryOf(
  stream: StreamNumber,
  seconds: number,
  nanos: number,
  source: Buffer,
  start: number,
  end: number,
  repeat: number,
): AnchorEntry {
  return {
    stamp: BigInt(seconds) * NS_PER_SECOND + BigInt(nanos),
    stream: stream === 1 ? 'stdout' : 'stderr',
    hash: fingerprint(source, start, end, repeat),
  };
}
