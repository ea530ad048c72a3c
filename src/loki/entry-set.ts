import { NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import { decodePairs } from './metadata-pairs.js';
import type { StreamTarget } from './stream-target.js';
import { varintSize, VarintReader, writeVarint } from './varint.js';

/** An entry, read out of a batch. */
export interface StoredEntry {
  readonly stamp: Nanoseconds;
  /** Shares the batch's memory: to be used, or copied, before the batch is released. */
  readonly line: Buffer;
  readonly structuredMetadata: Readonly<Record<string, string>>;
}

/** PushRequest.streams. */
const STREAM_TAG = 0x0a;

/** The bytes of a batch, and where its entries begin; found out when it is first asked for. */
class EntryTable {
  readonly buffer: Buffer;
  readonly first: number;
  readonly end: number;
  readonly entries: number;
  #starts: Int32Array | undefined;

  constructor(buffer: Buffer, first: number, end: number, entries: number) {
    this.buffer = buffer;
    this.first = first;
    this.end = end;
    this.entries = entries;
  }

  /** One more than there are entries: the last is the end. */
  get starts(): Int32Array {
    if (this.#starts !== undefined) return this.#starts;
    const starts = new Int32Array(this.entries + 1);
    const reader = new VarintReader(this.buffer, this.first);
    for (let i = 0; i < this.entries; i++) {
      starts[i] = reader.at++;
      const length = reader.next();
      reader.at += length;
    }
    starts[this.entries] = reader.at;
    this.#starts = starts;
    return starts;
  }
}

/**
 * Some entries of one batch, in some order: what is sent together, and what is divided when Loki refuses a part
 * of it. Looks into the memory of its batch.
 */
export class EntrySet {
  readonly target: StreamTarget;
  readonly #table: EntryTable;
  /** Their numbers in the batch; undefined: all of them, as they lie. */
  readonly #chosen: Int32Array | undefined;

  private constructor(target: StreamTarget, table: EntryTable, chosen: Int32Array | undefined) {
    this.target = target;
    this.#table = table;
    this.#chosen = chosen;
  }

  /** The entries that lie in `buffer[first, end)`, with room for the request's head before them. */
  static of(target: StreamTarget, buffer: Buffer, first: number, end: number, entries: number): EntrySet {
    return new EntrySet(target, new EntryTable(buffer, first, end, entries), undefined);
  }

  get size(): number {
    return this.#chosen?.length ?? this.#table.entries;
  }

  /** Of a request with these entries, uncompressed, give or take a few bytes of its head. */
  get bytes(): number {
    if (this.#chosen === undefined) return this.#table.end;
    const { starts } = this.#table;
    let bytes = this.#table.first;
    for (const number of this.#chosen) bytes += (starts[number + 1] as number) - (starts[number] as number);
    return bytes;
  }

  stampAt(index: number): Nanoseconds {
    return this.#read(index).stamp;
  }

  /** Bytes of the line. */
  lineBytesAt(index: number): number {
    const { from, to } = this.#read(index);
    return to - from;
  }

  /** Of all lines. */
  get lineBytes(): number {
    let bytes = 0;
    for (let i = 0; i < this.size; i++) bytes += this.lineBytesAt(i);
    return bytes;
  }

  entryAt(index: number): StoredEntry {
    const { stamp, from, to, end } = this.#read(index);
    const { buffer } = this.#table;
    const { structuredMetadata, encodedMetadata } = this.target;
    const isUsual = end - to === encodedMetadata.length;
    return {
      stamp,
      line: buffer.subarray(from, to),
      structuredMetadata: isUsual ? structuredMetadata : decodePairs(buffer, to, end),
    };
  }

  /** From one place in this set to another, that not included. */
  slice(from: number, to: number): EntrySet {
    return this.#choose(this.#numbers().slice(from, to));
  }

  /** Those of a set for which it holds, and the others, both in the order of this set. */
  partition(holds: (stamp: Nanoseconds, lineBytes: number) => boolean): [EntrySet, EntrySet] {
    const yes: number[] = [];
    const no: number[] = [];
    this.#numbers().forEach((number, index) => {
      const { stamp, from, to } = this.#read(index);
      (holds(stamp, to - from) ? yes : no).push(number);
    });
    return [this.#choose(Int32Array.from(yes)), this.#choose(Int32Array.from(no))];
  }

  /** Those for whose place in this set it holds, in the order of this set; the set itself when it holds for all. */
  where(holds: (index: number) => boolean): EntrySet {
    const chosen = this.#numbers().filter((_, index) => holds(index));
    return chosen.length === this.size ? this : this.#choose(chosen);
  }

  /** The same entries, oldest first; of equal stamps in the order of this set. */
  byStamp(): EntrySet {
    const stamped = Array.from(this.#numbers(), (number, index) => ({ number, stamp: this.stampAt(index) }));
    stamped.sort((a, b) => (a.stamp < b.stamp ? -1 : a.stamp > b.stamp ? 1 : 0));
    return this.#choose(Int32Array.from(stamped, ({ number }) => number));
  }

  /** Into sets of at most so many bytes each, or of one entry. */
  upTo(maxBytes: number): EntrySet[] {
    if (this.bytes <= maxBytes || this.size <= 1) return [this];
    const { starts, first } = this.#table;
    const sets: EntrySet[] = [];
    const numbers = this.#numbers();
    let from = 0;
    let bytes = first;
    numbers.forEach((number, index) => {
      const size = (starts[number + 1] as number) - (starts[number] as number);
      if (bytes + size > maxBytes && index > from) {
        sets.push(this.#choose(numbers.slice(from, index)));
        from = index;
        bytes = first;
      }
      bytes += size;
    });
    sets.push(this.#choose(numbers.slice(from)));
    return sets;
  }

  /**
   * The push request with these entries, as protobuf (pkg/push/push.proto). May lie in the batch's memory, which
   * then must not be released before the request is compressed.
   */
  toRequest(): Buffer {
    const { buffer, first, end } = this.#table;
    if (this.#chosen === undefined) return writeHead(buffer, first, end, this.target);
    const { starts } = this.#table;
    const request = Buffer.allocUnsafe(this.bytes);
    let at = first;
    for (const number of this.#chosen) at += buffer.copy(request, at, starts[number], starts[number + 1]);
    return writeHead(request, first, at, this.target);
  }

  #numbers(): Int32Array {
    return this.#chosen ?? Int32Array.from({ length: this.#table.entries }, (_, number) => number);
  }

  #choose(numbers: Int32Array): EntrySet {
    return new EntrySet(this.target, this.#table, numbers);
  }

  /** Where the line of an entry lies, and where the entry ends. */
  #read(index: number): { stamp: Nanoseconds; from: number; to: number; end: number } {
    if (index < 0 || index >= this.size) throw new RangeError(`there is no entry ${index}`);
    const number = this.#chosen === undefined ? index : (this.#chosen[index] as number);
    const { buffer, starts } = this.#table;
    const reader = new VarintReader(buffer, starts[number] as number);
    // Entry: tag, length; stamp: tag, length, tag of the seconds.
    reader.at++;
    reader.next();
    reader.at += 3;
    const seconds = reader.next();
    reader.at++;
    const nanos = reader.next();
    reader.at++;
    const length = reader.next();
    return {
      stamp: BigInt(seconds) * NS_PER_SECOND + BigInt(nanos),
      from: reader.at,
      to: reader.at + length,
      end: starts[number + 1] as number,
    };
  }
}

/** Writes the head of a request right before its entries; returns the whole. */
function writeHead(buffer: Buffer, first: number, end: number, target: StreamTarget): Buffer {
  const labels = target.encodedLabels;
  const length = labels.length + end - first;
  const labelsAt = first - labels.length;
  const start = labelsAt - varintSize(length) - 1;
  buffer[start] = STREAM_TAG;
  writeVarint(buffer, start + 1, length);
  labels.copy(buffer, labelsAt);
  return buffer.subarray(start, end);
}
