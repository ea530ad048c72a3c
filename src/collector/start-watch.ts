import type { EntrySink, StreamNumber } from '../docker/entry-sink.js';
import type { ContainerRef, LogLimit } from '../model/container.js';
import type { Cursor, LogStart } from '../model/cursor.js';
import { NS_PER_MS, NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import type { LineSink } from './line-assembler.js';
import { possibleGapLine, type PossibleGap } from './possible-gap.js';
import { recordBytes } from './record-size.js';

export interface StartWatchOptions {
  readonly container: ContainerRef & { readonly logLimit: LogLimit };
  readonly cursor: Cursor;
  /** Where the entries go. */
  readonly next: EntrySink;
  /** Where the marker goes; undefined for none (`gaps.marker: false`). */
  readonly lines: LineSink | undefined;
  /** How far stamps of unacknowledged lines may lie apart, ns. */
  readonly maxSpan: Nanoseconds;
  readonly report: (gap: PossibleGap) => void;
}

/** From this share of its one file on, a log may be what was written after the file was emptied. */
const HALF_FULL = 1 / 2;
/** From this share on likewise, if its entries came so quickly that those before them would have filled the file. */
const HARDLY_FILLED = 1 / 10;

/**
 * Looks at a log that is read from its beginning: may older entries have been rotated away before?
 *
 * The Engine gives no sign of that. But it rotates a file before the entry that finds it full, and deletes the oldest
 * file only when there are `files` of them (moby: daemon/logger/loggerutils/logfile.go, WriteLogEntry, rotate). So a
 * log that lost entries has `files - 1` full files and at least one entry more; one that holds less lost nothing. A log
 * of one file is emptied when it is full, and no trace is left: there it is judged by how full it is, and how quickly
 * it was filled.
 *
 * The judgement may come in the middle of the answer, after a part of it was committed: what was counted until then is
 * part of the cursor.
 */
export class StartWatch implements EntrySink {
  readonly #options: StartWatchOptions;
  readonly #limit: LogLimit;
  readonly #tty: boolean;
  /** The first entry that was read; -1 before it. */
  #firstSeconds = -1;
  #firstNanos = 0;
  #firstStream: StreamNumber = 1;
  #lastSeconds = 0;
  #lastNanos = 0;
  /** Files that are full, and bytes in the one behind them, as the Engine has written them since its first entry. */
  #fullFiles = 0;
  #bytes = 0;
  #isOver = false;
  /** Set once it is known that entries may be missing. */
  gap: PossibleGap | undefined;

  constructor(options: StartWatchOptions) {
    this.#options = options;
    this.#limit = options.container.logLimit;
    this.#tty = options.container.tty;
    const { start } = options.cursor;
    if (start === undefined) return;
    this.#firstSeconds = Number(start.stamp / NS_PER_SECOND);
    this.#firstNanos = Number(start.stamp % NS_PER_SECOND);
    this.#firstStream = start.stream === 'stdout' ? 1 : 2;
    this.#fullFiles = start.fullFiles;
    this.#bytes = start.bytes;
  }

  /** What is counted so far, for the cursor; undefined before the first entry, and once it is judged. */
  get counted(): LogStart | undefined {
    if (this.#isOver || this.#firstSeconds < 0) return undefined;
    return {
      stamp: stampOf(this.#firstSeconds, this.#firstNanos),
      stream: this.#firstStream === 1 ? 'stdout' : 'stderr',
      fullFiles: this.#fullFiles,
      bytes: this.#bytes,
    };
  }

  entry(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    terminated: boolean,
  ): void {
    if (!this.#isOver) {
      if (this.#firstSeconds < 0) {
        this.#firstSeconds = seconds;
        this.#firstNanos = nanos;
        this.#firstStream = stream;
      }
      this.#lastSeconds = seconds;
      this.#lastNanos = nanos;
      this.#write(recordBytes(this.#limit, this.#tty, nanos, source, start, end, terminated));
      if (this.#isFilled()) this.#judge();
    }
    this.#options.next.entry(stream, seconds, nanos, source, start, end, terminated);
  }

  /** The answer came to its end: what was not found by now is not there. */
  end(): void {
    if (this.#isOver || this.#firstSeconds < 0) return;
    if (this.#limit.files === 1 && this.#wasFilledQuickly()) this.#judge();
    this.#isOver = true;
  }

  #write(bytes: number): void {
    if (this.#bytes >= this.#limit.fileBytes) {
      this.#fullFiles++;
      this.#bytes = 0;
    }
    this.#bytes += bytes;
  }

  #isFilled(): boolean {
    const { files, fileBytes } = this.#limit;
    if (files > 1) return this.#fullFiles >= files - 1;
    return this.#fullFiles > 0 || this.#bytes >= fileBytes * HALF_FULL;
  }

  /** If it had written before its first entry as quickly as after it, the file would have been full by then. */
  #wasFilledQuickly(): boolean {
    const { fileBytes } = this.#limit;
    if (this.#bytes < fileBytes * HARDLY_FILLED) return false;
    const first = stampOf(this.#firstSeconds, this.#firstNanos);
    const before = Number(first - writesSince(this.#options.container, first));
    const after = Number(stampOf(this.#lastSeconds, this.#lastNanos) - first);
    return before * this.#bytes >= after * fileBytes;
  }

  #judge(): void {
    this.#isOver = true;
    const { container, lines, maxSpan, report } = this.#options;
    const { fileBytes, files } = this.#limit;
    const first = stampOf(this.#firstSeconds, this.#firstNanos);
    const last = stampOf(this.#lastSeconds, this.#lastNanos);
    const span = Number((first - writesSince(container, first)) / NS_PER_MS);
    const from = container.createdAt ?? container.created;
    this.gap = { from, firstAvailable: first, span, limit: fileBytes * files };
    report(this.gap);
    if (lines === undefined) return;
    // Before the first entry; but Loki takes nothing that is much older than what the stream has.
    const isNear = last - first <= maxSpan;
    const { seconds, nanos, text } = possibleGapLine(container.name, this.gap, (isNear ? first : last) - 1n);
    lines.line(this.#firstStream, seconds, nanos, text, 0, text.length);
  }
}

/** The container's start, unless it was started again after the entry; then when it was made. ns, at most `stamp` */
function writesSince({ startedAt, createdAt, created }: ContainerRef, stamp: Nanoseconds): Nanoseconds {
  if (startedAt > 0n && startedAt <= stamp) return startedAt;
  const made = createdAt ?? created;
  return made <= stamp ? made : stamp;
}

function stampOf(seconds: number, nanos: number): Nanoseconds {
  return BigInt(seconds) * NS_PER_SECOND + BigInt(nanos);
}
