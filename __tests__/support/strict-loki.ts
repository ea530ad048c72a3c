import type { LineBatch } from '../../src/collector/line-batch.js';
import type { StreamName } from '../../src/model/container.js';
import type { LinePiece } from '../../src/model/line-piece.js';
import { NS_PER_SECOND, type Nanoseconds } from '../../src/model/nanoseconds.js';

export interface StoredLine {
  stream: StreamName;
  stamp: Nanoseconds;
  text: string;
  piece?: LinePiece;
}

/** A batch that keeps lines as objects, for tests of what becomes of them. */
export class ObjectBatch implements LineBatch {
  readonly stream: StreamName;
  readonly lines: StoredLine[] = [];
  readonly #maxEntries: number;
  readonly #maxSpan: Nanoseconds;
  bytes = 0;
  oldest: Nanoseconds = 0n;
  newest: Nanoseconds = 0n;

  constructor(stream: StreamName, maxEntries: number, maxSpan: Nanoseconds) {
    this.stream = stream;
    this.#maxEntries = maxEntries;
    this.#maxSpan = maxSpan;
  }

  get entries(): number {
    return this.lines.length;
  }

  append(
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    piece?: LinePiece,
  ): boolean {
    const stamp = BigInt(seconds) * NS_PER_SECOND + BigInt(nanos);
    const oldest = this.entries === 0 || stamp < this.oldest ? stamp : this.oldest;
    const newest = this.entries === 0 || stamp > this.newest ? stamp : this.newest;
    if (this.entries > 0 && (this.entries >= this.#maxEntries || newest - oldest > this.#maxSpan))
      return false;
    this.oldest = oldest;
    this.newest = newest;
    const text = source.toString('latin1', start, end);
    this.lines.push({ stream: this.stream, stamp, text, ...(piece === undefined ? {} : { piece }) });
    this.bytes += end - start + 1;
    return true;
  }
}

export const keyOf = (line: StoredLine): string => `${line.stream} ${line.stamp} ${line.text}`;

/**
 * What Loki does with entries, in its smallest form: equal ones (stream, stamp, line) are one; what is more
 * than an hour behind the stream's newest is refused.
 */
export class StrictLoki {
  readonly stored = new Map<string, StoredLine>();
  readonly refused: StoredLine[] = [];
  /** How often each entry was sent. */
  readonly sent = new Map<string, number>();
  readonly #newest = new Map<StreamName, Nanoseconds>();

  accept(lines: readonly StoredLine[]): { accepted: number; rejected: number } {
    let rejected = 0;
    for (const line of lines) {
      const key = keyOf(line);
      this.sent.set(key, (this.sent.get(key) ?? 0) + 1);
      const newest = this.#newest.get(line.stream) ?? line.stamp;
      if (line.stamp < newest - 3600n * NS_PER_SECOND) {
        this.refused.push(line);
        rejected++;
        continue;
      }
      if (line.stamp > newest || !this.#newest.has(line.stream)) this.#newest.set(line.stream, line.stamp);
      this.stored.set(key, line);
    }
    return { accepted: lines.length - rejected, rejected };
  }
}
