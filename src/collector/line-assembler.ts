import type { ContainerDetails } from '../model/container.js';
import type { OpenLine } from '../model/cursor.js';
import { NS_PER_SECOND } from '../model/nanoseconds.js';
import type { EntrySink, StreamNumber } from '../docker/entry-sink.js';
import { CHUNK_BYTES } from '../docker/tty.js';

const CARRIAGE_RETURN = 0x0d;

/** Takes whole lines. `source[start, end)` is the text, to be used or copied before `line` returns. */
export interface LineSink {
  line(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
  ): void;
}

/** How the entries of a container become lines. */
export interface LineRules {
  /**
   * journald gives each chunk a time of its own: there a line goes on behind a chunk without newline, if that
   * has the length at which the Engine cuts.
   */
  readonly chunksShareStamp: boolean;
  /** The newline has a `\r` before it, which may be the last byte of the chunk before and is no part of the line. */
  readonly tty: boolean;
}

export function lineRules({ logDriver, tty }: ContainerDetails): LineRules {
  return { chunksShareStamp: logDriver !== 'journald', tty };
}

/**
 * Whether what has no newline at the end of a TTY's log is an entry: the last words of a process that has ended. Of
 * one that runs, nothing shorter than a chunk can stand there, but for driver `local` of Engine 20.10, which forgets
 * the newline of a long line: else the answer was cut short, and of a TTY nothing else tells.
 */
export function hasLastWords({ running, logDriver }: ContainerDetails): boolean {
  return !running || logDriver === 'local';
}

export interface AssemblerOptions extends LineRules {
  /** A line longer than this, in bytes, is handed on in several, each with the line's stamp. */
  maxLineBytes: number;
  /** Told when a line is cut for its length. */
  onCut?: () => void;
}

interface Open {
  seconds: number;
  nanos: number;
  parts: Buffer[];
  length: number;
  cut: boolean;
}

/**
 * Puts lines together from chunks: an entry without newline is continued by the next entry of the same stream
 * with the same stamp (all chunks of a line carry the first one's). Another stamp ends the line: Engine 20.10
 * sends the last chunk of a long line of driver `local` without its newline.
 */
export class LineAssembler implements EntrySink {
  readonly #sink: LineSink;
  readonly #options: AssemblerOptions;
  /** By stream number; a slot a stream keeps the hot path free of look-ups. */
  readonly #open: [undefined, Open | undefined, Open | undefined] = [undefined, undefined, undefined];

  constructor(sink: LineSink, options: AssemblerOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  /** Takes up the lines that the cursor carries. Those decided to be cut are handed on at once. */
  resume(open: readonly OpenLine[]): void {
    for (const line of open) {
      const stream = line.stream === 'stdout' ? 1 : 2;
      const text = Buffer.from(line.text.buffer, line.text.byteOffset, line.text.byteLength);
      const seconds = Number(line.stamp / NS_PER_SECOND);
      const nanos = Number(line.stamp % NS_PER_SECOND);
      if (line.cut) this.#sink.line(stream, seconds, nanos, text, 0, text.length);
      else this.#open[stream] = { seconds, nanos, parts: [text], length: text.length, cut: false };
    }
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
    const open = this.#open[stream];
    if (open !== undefined) {
      const continues = !this.#options.chunksShareStamp || (open.seconds === seconds && open.nanos === nanos);
      if (continues) {
        this.#append(open, stream, source, start, end);
        if (!terminated) {
          this.#closeLastWords(stream, open, end - start);
          return;
        }
        // The parser took the `\r` off the last chunk, if that has any bytes.
        if (start === end) this.#dropReturn(open);
        this.#close(stream, open);
        return;
      }
      this.#closeUnterminated(stream, open);
    }
    if (!terminated) {
      const started: Open = { seconds, nanos, parts: [], length: 0, cut: false };
      this.#open[stream] = started;
      this.#append(started, stream, source, start, end);
      this.#closeLastWords(stream, started, end - start);
      return;
    }
    const max = this.#options.maxLineBytes;
    if (end - start <= max) {
      this.#sink.line(stream, seconds, nanos, source, start, end);
      return;
    }
    this.#options.onCut?.();
    for (let at = start; at < end; at += max) {
      this.#sink.line(stream, seconds, nanos, source, at, Math.min(end, at + max));
    }
  }

  /** Ends the lines still open: the process that wrote them is gone. */
  closeAll(): void {
    for (const stream of [1, 2] as const) {
      const open = this.#open[stream];
      if (open) this.#closeUnterminated(stream, open);
    }
  }

  /** The lines still open, for the cursor. */
  openLines(): OpenLine[] {
    const lines: OpenLine[] = [];
    for (const stream of [1, 2] as const) {
      const open = this.#open[stream];
      if (!open) continue;
      lines.push({
        stream: stream === 1 ? 'stdout' : 'stderr',
        stamp: BigInt(open.seconds) * NS_PER_SECOND + BigInt(open.nanos),
        text: Buffer.concat(open.parts, open.length),
        cut: false,
      });
    }
    return lines;
  }

  #append(open: Open, stream: StreamNumber, source: Buffer, start: number, end: number): void {
    const max = this.#options.maxLineBytes;
    let at = start;
    while (open.length + end - at > max) {
      const take = max - open.length;
      open.parts.push(Buffer.from(source.subarray(at, at + take)));
      open.length += take;
      at += take;
      if (!open.cut) this.#options.onCut?.();
      this.#emit(stream, open);
      open.parts = [];
      open.length = 0;
      open.cut = true;
    }
    // A copy: a chunk may stay for many polls, and must not keep the piece of the body it came in.
    if (end > at) open.parts.push(Buffer.from(source.subarray(at, end)));
    open.length += end - at;
  }

  /**
   * Where stamps do not tell that a line has ended, the length of its last chunk does: a line goes on only behind
   * a full one, and what is shorter was all there was when its process ended (moby: daemon/logger/copier.go).
   * Else the last words of one run would go on in the first ones of the next.
   */
  #closeLastWords(stream: StreamNumber, open: Open, chunkLength: number): void {
    if (!this.#options.chunksShareStamp && chunkLength < CHUNK_BYTES) this.#closeUnterminated(stream, open);
  }

  /** The newline of a long line may have been forgotten (20.10, `local`), and its `\r` is there all the same. */
  #closeUnterminated(stream: StreamNumber, open: Open): void {
    if (open.length >= CHUNK_BYTES || open.cut) this.#dropReturn(open);
    this.#close(stream, open);
  }

  #dropReturn(open: Open): void {
    if (!this.#options.tty) return;
    const last = open.parts.findLast((part) => part.length > 0);
    if (last?.at(-1) !== CARRIAGE_RETURN) return;
    open.parts[open.parts.lastIndexOf(last)] = last.subarray(0, -1);
    open.length--;
  }

  #close(stream: StreamNumber, open: Open): void {
    this.#open[stream] = undefined;
    // What is left of a cut line may be nothing; an empty line of its own would be one too many.
    if (open.length > 0 || !open.cut) this.#emit(stream, open);
  }

  #emit(stream: StreamNumber, open: Open): void {
    const text = open.parts.length === 1 ? (open.parts[0] as Buffer) : Buffer.concat(open.parts, open.length);
    this.#sink.line(stream, open.seconds, open.nanos, text, 0, open.length);
  }
}
