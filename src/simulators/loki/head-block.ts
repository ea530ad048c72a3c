import type { Nanoseconds } from '../../model/nanoseconds.js';
import { equalEntries, type Entry } from './entry.js';

/** The block that a chunk's entries go into, in which each is held once (pkg/chunkenc/unordered.go). */
export class HeadBlock {
  readonly #metadataCounts: boolean;
  /** By timestamp and line: thousands of entries may have one timestamp. */
  readonly #byStamp = new Map<Nanoseconds, Map<string, Entry[]>>();
  #bytes = 0;
  #oldest: Nanoseconds = 0n;
  #newest: Nanoseconds = 0n;

  constructor(metadataCounts: boolean) {
    this.#metadataCounts = metadataCounts;
  }

  /** Uncompressed: the lines, and a symbol of four bytes for each name and value of structured metadata. */
  get bytes(): number {
    return this.#bytes;
  }

  get oldest(): Nanoseconds {
    return this.#oldest;
  }

  get newest(): Nanoseconds {
    return this.#newest;
  }

  /** Adds an entry unless it has an equal one, and returns that one then (unorderedHeadBlock.Append). */
  append(entry: Entry): Entry | undefined {
    const { stamp, line, metadata } = entry;
    const byLine = this.#byStamp.get(stamp) ?? new Map<string, Entry[]>();
    const same = byLine.get(line) ?? [];
    const equal = same.find((other) => equalEntries(other, entry, this.#metadataCounts));
    if (equal !== undefined) return equal;
    same.push(entry);
    byLine.set(line, same);
    this.#byStamp.set(stamp, byLine);
    if (this.#bytes === 0 || stamp < this.#oldest) this.#oldest = stamp;
    if (stamp > this.#newest) this.#newest = stamp;
    this.#bytes += line.length + metadata.length * 8;
    return undefined;
  }

  *entries(): Generator<Entry> {
    for (const byLine of this.#byStamp.values()) for (const entries of byLine.values()) yield* entries;
  }
}
