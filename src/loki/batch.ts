import { pieceMetadata, type LinePiece } from '../model/line-piece.js';
import { NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import { sentBytes } from '../model/utf8.js';
import { ByteCopier } from './byte-copy.js';
import type { BufferPool } from './buffer-pool.js';
import { EntrySet, type StoredEntry } from './entry-set.js';
import { encodePairs } from './metadata-pairs.js';
import type { StreamTarget } from './stream-target.js';
import { varintSize, writeVarint } from './varint.js';

export interface BatchBounds {
  /** Of the request, uncompressed. */
  readonly maxBytes: number;
  /**
   * Between the oldest and the newest stamp. Not over the window in which Loki takes entries out of order (half
   * of `max_chunk_age`, 1 h by default): then what is refused as too far behind does not depend on the order,
   * nor on how often a batch is sent.
   */
  readonly maxSpan: Nanoseconds;
  /** Default 32768. */
  readonly maxEntries?: number;
  /** Lines are sent as text: bytes that are not UTF-8 become U+FFFD, of three bytes. */
  readonly sentAsText?: boolean;
}

/**
 * The distributor may add 28 bytes to each entry (`detected_level`) before it hands the request to the ingester,
 * and there 4 MiB are the end (pkg/distributor/field_detection.go): 3 MiB and so many entries stay below it.
 */
const DEFAULT_MAX_ENTRIES = 32_768;

/** Of an EntryAdapter, as field 2 of a StreamAdapter, and its fields (pkg/push/push.proto). */
const ENTRY_TAG = 0x12;
const TIMESTAMP_TAG = 0x0a;
const SECONDS_TAG = 0x08;
const NANOS_TAG = 0x10;
const LINE_TAG = 0x12;

/** Tag and the longest length of a message: what stands before the labels in a request. */
const STREAM_HEAD = 6;

/**
 * Lines of one stream, encoded as they come: the entries of a push request's stream, ready to be sent. Nothing
 * is kept of a line but its bytes; what is needed of single entries is read out of them (see EntrySet).
 */
export class EntryBatch {
  readonly target: StreamTarget;
  readonly #pool: BufferPool;
  readonly #maxBytes: number;
  readonly #maxEntries: number;
  readonly #spanSeconds: number;
  readonly #spanNanos: number;
  readonly #asText: boolean;
  readonly #copier = new ByteCopier();
  readonly #metadata: Buffer;
  /** Where the first entry begins; before it there is room for the head of the request. */
  readonly #first: number;
  #buffer: Buffer;
  #end: number;
  #released = false;
  #entries = 0;
  #longest = 0;
  #lineBytes = 0;
  /** By how much the lines grow when they are sent as text. */
  #growth = 0;
  #lowSeconds = 0;
  #lowNanos = 0;
  #highSeconds = 0;
  #highNanos = 0;

  constructor(target: StreamTarget, bounds: BatchBounds, pool: BufferPool) {
    this.target = target;
    this.#pool = pool;
    this.#maxBytes = bounds.maxBytes;
    this.#maxEntries = bounds.maxEntries ?? DEFAULT_MAX_ENTRIES;
    this.#spanSeconds = Number(bounds.maxSpan / NS_PER_SECOND);
    this.#spanNanos = Number(bounds.maxSpan % NS_PER_SECOND);
    this.#asText = bounds.sentAsText === true;
    this.#metadata = target.encodedMetadata;
    this.#first = STREAM_HEAD + target.encodedLabels.length;
    this.#end = this.#first;
    this.#buffer = pool.take(this.#first);
  }

  get entries(): number {
    return this.#entries;
  }

  /** Of the request, uncompressed, give or take the length of its head's length. */
  get bytes(): number {
    return this.#end + this.#growth;
  }

  /** Bytes of all lines, as they were appended. */
  get lineBytes(): number {
    return this.#lineBytes;
  }

  /** Bytes of the longest line, as it is sent. */
  get longestLine(): number {
    return this.#longest;
  }

  /** The lowest stamp; 0n when there is no entry. */
  get oldest(): Nanoseconds {
    return BigInt(this.#lowSeconds) * NS_PER_SECOND + BigInt(this.#lowNanos);
  }

  /** The highest stamp; 0n when there is no entry. */
  get newest(): Nanoseconds {
    return BigInt(this.#highSeconds) * NS_PER_SECOND + BigInt(this.#highNanos);
  }

  /**
   * Takes the line `source[start, end)`, stamped `seconds` since 1970 and `nanos` (0 to 999999999), copying it.
   * False when it does not fit by size, number or stamp: then the batch is to be sealed. An empty batch takes
   * any line, so one that is larger than a request goes alone.
   *
   * @param piece set: the text is a part of a line, and its metadata says so
   */
  append(
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    piece?: LinePiece,
  ): boolean {
    const metadata = piece === undefined ? this.#metadata : this.#metadataOf(piece);
    const length = end - start;
    const sent = this.#asText ? sentBytes(source, start, end, true) : length;
    const stampSize = 2 + varintSize(seconds) + varintSize(nanos);
    const entrySize = 2 + stampSize + 1 + varintSize(length) + length + metadata.length;
    const size = 1 + varintSize(entrySize) + entrySize;
    if (this.#entries === 0) {
      this.#lowSeconds = this.#highSeconds = seconds;
      this.#lowNanos = this.#highNanos = nanos;
    } else {
      if (this.bytes + size + sent - length > this.#maxBytes || this.#entries >= this.#maxEntries)
        return false;
      if (!this.#stretch(seconds, nanos)) return false;
    }
    if (this.#end + size > this.#buffer.length) this.#grow(this.#end + size);
    if (sent > this.#longest) this.#longest = sent;
    this.#growth += sent - length;
    this.#lineBytes += length;

    const buffer = this.#buffer;
    let at = this.#end;
    buffer[at++] = ENTRY_TAG;
    at = writeVarint(buffer, at, entrySize);
    buffer[at++] = TIMESTAMP_TAG;
    buffer[at++] = stampSize;
    buffer[at++] = SECONDS_TAG;
    at = writeVarint(buffer, at, seconds);
    buffer[at++] = NANOS_TAG;
    at = writeVarint(buffer, at, nanos);
    buffer[at++] = LINE_TAG;
    at = writeVarint(buffer, at, length);
    at = this.#copier.copy(buffer, at, source, start, end);
    if (metadata.length > 0) {
      metadata.copy(buffer, at);
      at += metadata.length;
    }
    this.#end = at;
    this.#entries++;
    return true;
  }

  /** All entries. They can be looked at until the batch is released. */
  all(): EntrySet {
    return EntrySet.of(this.target, this.#bytes(), this.#first, this.#end, this.#entries);
  }

  /** The entries `from` to `to`, `to` not included, in the order they came in. */
  slice(from: number, to: number): EntrySet {
    return this.all().slice(from, to);
  }

  /** An entry, decoded. */
  entryAt(index: number): StoredEntry {
    return this.all().entryAt(index);
  }

  /** Gives the memory back. Figures stay; entries cannot be looked at any more. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#copier.forget();
    this.#pool.give(this.#buffer);
    this.#buffer = Buffer.alloc(0);
  }

  /** A Loki that takes no structured metadata with lines takes none with pieces. */
  #metadataOf(piece: LinePiece): Buffer {
    if (this.#metadata.length === 0) return this.#metadata;
    return Buffer.concat([this.#metadata, encodePairs(pieceMetadata(piece))]);
  }

  #bytes(): Buffer {
    if (this.#released) throw new Error('a batch is looked into after its release');
    return this.#buffer;
  }

  /** Widens the span to a stamp; false, and nothing changed, when it becomes too wide. */
  #stretch(seconds: number, nanos: number): boolean {
    const low = seconds - this.#lowSeconds;
    if (low < 0 || (low === 0 && nanos < this.#lowNanos)) {
      if (!this.#fits(this.#highSeconds - seconds, this.#highNanos - nanos)) return false;
      this.#lowSeconds = seconds;
      this.#lowNanos = nanos;
      return true;
    }
    const high = seconds - this.#highSeconds;
    if (high > 0 || (high === 0 && nanos > this.#highNanos)) {
      if (!this.#fits(low, nanos - this.#lowNanos)) return false;
      this.#highSeconds = seconds;
      this.#highNanos = nanos;
    }
    return true;
  }

  #fits(seconds: number, nanos: number): boolean {
    const borrow = nanos < 0 ? 1 : 0;
    const whole = seconds - borrow;
    if (whole !== this.#spanSeconds) return whole < this.#spanSeconds;
    return nanos + borrow * 1_000_000_000 <= this.#spanNanos;
  }

  #grow(bytes: number): void {
    const larger = this.#pool.take(bytes);
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#pool.give(this.#buffer);
    this.#buffer = larger;
  }
}

/**
 * The batch as what it is. Who only fills batches knows them by what it needs of them; those it gets are all of this
 * kind.
 *
 * @throws TypeError for anything else
 */
export function entryBatch(batch: object): EntryBatch {
  if (batch instanceof EntryBatch) return batch;
  throw new TypeError('a batch that is no EntryBatch');
}
