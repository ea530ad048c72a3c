import { gzipSync } from 'node:zlib';
import type { Nanoseconds } from '../../model/nanoseconds.js';
import type { Entry, KeptEntry } from './entry.js';
import { HeadBlock } from './head-block.js';

export interface ChunkSettings {
  /** Uncompressed bytes at which a head block is cut (`chunk_block_size`). */
  readonly blockBytes: number;
  /** Compressed bytes of a chunk (`chunk_target_size`). */
  readonly targetBytes: number;
  /** 3.7: equal entries need equal structured metadata. */
  readonly metadataCounts: boolean;
}

/** zlib's fastest level: the size of a block, not its content, is what is wanted. */
const FAST = { level: 1 };

/** The open chunk of a stream: blocks that were cut, and the head block (pkg/chunkenc/memchunk.go MemChunk). */
export class Chunk {
  /** Distinguishes the chunks of a stream. */
  readonly id: number;
  readonly #settings: ChunkSettings;
  #head: HeadBlock;
  /** Compressed bytes of the blocks that were cut. */
  #cutBytes = 0;
  #newestBlock: Nanoseconds = 0n;
  /** Every block so far began after the block before it ended. */
  #blocksInOrder = true;
  #oldest: Nanoseconds | undefined;
  #newest: Nanoseconds = 0n;
  readonly #symbols = new Set<string>();
  #symbolBytes = 0;

  constructor(id: number, settings: ChunkSettings) {
    this.id = id;
    this.#settings = settings;
    this.#head = new HeadBlock(settings.metadataCounts);
  }

  /** ns between its oldest and its newest entry. */
  get span(): Nanoseconds {
    return this.#oldest === undefined ? 0n : this.#newest - this.#oldest;
  }

  /** Whether another entry may be added; if not, the stream opens another chunk (MemChunk.SpaceFor). */
  hasSpaceFor({ line, metadata }: Entry): boolean {
    let bytes = this.#symbolBytes + this.#cutBytes + this.#head.bytes + line.length;
    for (const { name, value } of metadata) bytes += name.length + value.length;
    return bytes < this.#settings.targetBytes;
  }

  /** Adds an entry unless the head block has an equal one, and returns that one then (MemChunk.Append). */
  append(entry: Entry): Entry | undefined {
    const equal = this.#head.append(entry);
    if (equal !== undefined) return equal;
    if (this.#oldest === undefined || entry.stamp < this.#oldest) this.#oldest = entry.stamp;
    if (entry.stamp > this.#newest) this.#newest = entry.stamp;
    for (const { name, value } of entry.metadata) {
      this.#addSymbol(name);
      this.#addSymbol(value);
    }
    if (this.#head.bytes >= this.#settings.blockBytes) this.#cut();
    return undefined;
  }

  /** Entries were lost: those of the head block that are not in `left` are added again when they come again. */
  retain(left: ReadonlySet<Entry>): void {
    const before = this.#head;
    this.#head = new HeadBlock(this.#settings.metadataCounts);
    for (const entry of before.entries()) if (left.has(entry)) this.#head.append(entry);
  }

  /**
   * Closes the chunk. When its blocks overlap, all entries are sorted and put into new blocks, each of which again
   * holds equal entries once (MemChunk.Close, reorder).
   *
   * @param entries those of this chunk, in the order of their arrival
   * @returns the entries that are left
   */
  close(entries: readonly KeptEntry[]): readonly KeptEntry[] {
    this.#cut();
    if (this.#blocksInOrder) return entries;
    const sorted = [...entries].sort((a, b) => (a.stamp < b.stamp ? -1 : a.stamp > b.stamp ? 1 : 0));
    let head = new HeadBlock(this.#settings.metadataCounts);
    return sorted.filter((entry) => {
      if (head.append(entry) !== undefined) return false;
      if (head.bytes >= this.#settings.blockBytes) head = new HeadBlock(this.#settings.metadataCounts);
      return true;
    });
  }

  /** The head block becomes a finished block, which no later entry is compared with. */
  #cut(): void {
    if (this.#head.bytes === 0) return;
    if (this.#head.oldest < this.#newestBlock) this.#blocksInOrder = false;
    this.#newestBlock = this.#head.newest;
    this.#cutBytes += gzipSync(textOf(this.#head), FAST).length;
    this.#head = new HeadBlock(this.#settings.metadataCounts);
  }

  /** Names and values of structured metadata are kept once a chunk (pkg/chunkenc/symbols.go). */
  #addSymbol(symbol: string): void {
    if (this.#symbols.has(symbol)) return;
    this.#symbols.add(symbol);
    this.#symbolBytes += symbol.length;
  }
}

/** About what is compressed when the block is cut. */
function textOf(head: HeadBlock): string {
  const lines: string[] = [];
  for (const { stamp, line } of head.entries()) lines.push(`${stamp}${line}`);
  return lines.join('');
}
