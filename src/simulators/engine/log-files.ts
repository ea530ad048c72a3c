import type { Nanoseconds } from '../../model/nanoseconds.js';
import type { LogEntry } from './entry.js';

/**
 * How a line in a file is spoilt. `torn`: no JSON any more (a crash, a hole of NUL bytes). `wrong_time`: JSON
 * that is no log line.
 *
 * Only of framed entries, as seen on real Engines 20.10, 26.1 and 28.5: `cut`, the record is cut short, and what comes
 * after it begins in its midst; `bad_size`, the size after the record, which only a search from the end reads.
 */
export type Spoilt = 'torn' | 'wrong_time' | 'cut' | 'bad_size';

/** One file of a log. */
export interface LogFileState {
  readonly entries: LogEntry[];
  /** By index: entries that cannot be decoded. They count for `tail` (moby: pkg/tailfile counts newlines). */
  readonly spoilt: Map<number, Spoilt>;
  bytes: number;
  compressed: boolean;
  /** The time in the gzip header: that of the entry written last. Undefined: Go's zero time. */
  headerStamp: Nanoseconds | undefined;
  /** `header`: not a gzip file; `body`: the header is good, what follows is not. */
  damage: 'none' | 'header' | 'body';
  /** Opened by a rotation, hence not for appending. */
  openedByRotation: boolean;
  /** Bytes that the daemon believes to be in the file, and are not: it was truncated by hand. */
  missingBytes: number;
}

export interface RotationOptions {
  /** The file is rotated before the write that finds it so large; undefined: never. */
  readonly maxSize?: { readonly bytes: number } | { readonly entries: number } | undefined;
  /** The current file is counted. 1: a rotation drops everything. */
  readonly maxFiles: number;
  readonly compress: boolean;
}

/** The files of a log, written and rotated (moby: daemon/logger/loggerutils/logfile.go). */
export class LogFiles {
  readonly #options: RotationOptions;
  readonly #sizeOf: (entry: LogEntry) => number;
  readonly #rotated: LogFileState[] = [];
  #current = newFile(false);
  /** Undefined until something is written by this daemon and this run of the container. */
  #lastStamp: Nanoseconds | undefined;
  #written = 0;
  #dropped = 0;
  #hole = false;

  constructor(options: RotationOptions, sizeOf: (entry: LogEntry) => number) {
    this.#options = options;
    this.#sizeOf = sizeOf;
  }

  /** Oldest first; the last one is being written to. */
  get files(): readonly LogFileState[] {
    return [...this.#rotated, this.#current];
  }

  /** The number of the next entry, counted from 0 over the log's life. */
  get nextSequence(): number {
    return this.#written;
  }

  /** The number of the oldest entry still there. */
  get firstSequence(): number {
    return this.#dropped;
  }

  append(entry: LogEntry): void {
    if (this.#isFull()) this.rotate();
    const file = this.#current;
    // The hole stands before the entry, on the same line.
    if (this.#hole) file.spoilt.set(file.entries.length, 'torn');
    this.#hole = false;
    file.entries.push(entry);
    file.bytes += this.#sizeOf(entry);
    this.#lastStamp = entry.stampNs;
    this.#written++;
  }

  /** Rotates now. */
  rotate(): void {
    const { maxFiles, compress } = this.#options;
    const full = this.#current;
    this.#current = newFile(true);
    this.#hole = false;
    if (maxFiles < 2) {
      this.#dropped += full.entries.length;
      return;
    }
    full.compressed = compress;
    full.headerStamp = this.#lastStamp;
    full.missingBytes = 0;
    this.#rotated.push(full);
    while (this.#rotated.length > maxFiles - 1) this.#dropped += this.#rotated.shift()?.entries.length ?? 0;
  }

  /**
   * Empties the current file behind the daemon's back (`truncate -s 0`). A file opened by a rotation is written
   * on at its old place: behind a hole of NUL bytes. In one opened for appending there is no hole, but the
   * daemon goes on to believe in the old size (from Engine 23: LogFile.pos), until the file is opened again.
   */
  truncate(): void {
    const file = this.#current;
    this.#dropped += file.entries.length;
    file.entries.length = 0;
    file.spoilt.clear();
    if (file.openedByRotation) this.#hole = file.bytes > 0;
    else file.missingBytes = file.bytes;
  }

  /** The file is opened anew, for appending: the container was started, or the daemon. */
  reopen(): void {
    const file = this.#current;
    file.openedByRotation = false;
    // What the file really has; a hole not yet written behind is none.
    file.bytes = this.#hole ? 0 : file.bytes - file.missingBytes;
    file.missingBytes = 0;
    this.#hole = false;
    this.#lastStamp = undefined;
  }

  /** The container has ended: each reader opens the file for itself, and so knows its size (moby: daemon/logs.go, getLogger). */
  close(): void {
    const file = this.#current;
    file.bytes -= file.missingBytes;
    file.missingBytes = 0;
  }

  #isFull(): boolean {
    const limit = this.#options.maxSize;
    if (limit === undefined) return false;
    return 'bytes' in limit
      ? this.#current.bytes >= limit.bytes
      : this.#current.entries.length >= limit.entries;
  }
}

function newFile(openedByRotation: boolean): LogFileState {
  return {
    entries: [],
    spoilt: new Map(),
    bytes: 0,
    compressed: false,
    headerStamp: undefined,
    damage: 'none',
    openedByRotation,
    missingBytes: 0,
  };
}
