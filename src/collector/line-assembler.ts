import type { ContainerDetails } from '../model/container.js';
import type { OpenLine } from '../model/cursor.js';
import type { LinePiece } from '../model/line-piece.js';
import { NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import { sentBytes } from '../model/utf8.js';
import type { EntrySink, StreamNumber } from '../docker/entry-sink.js';
import { CHUNK_BYTES } from '../docker/tty.js';
import { OpenText } from './open-text.js';

/**
 * Takes whole lines, and the pieces of long ones. `source[start, end)` is the text, to be used or copied before
 * `line` returns.
 */
export interface LineSink {
  /** @param piece set: the text is a part of a line */
  line(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    piece?: LinePiece,
  ): void;
}

/** A long line whose pieces are handed on one after the other. */
export interface LongLine {
  /** The timestamp that the Engine gave it. */
  readonly seconds: number;
  readonly nanos: number;
  /** Pieces handed on so far. */
  readonly pieces: number;
  /** The timestamp that the first of them was delivered with, ns; undefined before it. */
  readonly lineId: Nanoseconds | undefined;
}

/** Gives the pieces of a long line their timestamps. */
export interface PieceSink {
  /** Where whole lines go at present: past this sink while it would change none of them. */
  readonly lines: LineSink;
  /** Where lines go whose timestamp is a whole second. */
  readonly wholeSeconds: LineSink;

  /**
   * Takes the next piece of a line.
   *
   * @param last the line ends with it
   * @returns the timestamp of the line's first piece, ns
   */
  piece(stream: StreamNumber, line: LongLine, text: Buffer, last: boolean): Nanoseconds;
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
  /** A line longer than this, in bytes as they are sent, is handed on in pieces. */
  maxLineBytes: number;
  /** Lines are sent as text: bytes that are not UTF-8 become U+FFFD, of three bytes (`loki.encoding: json`). */
  sentAsText?: boolean;
  /** Called once for each line that is cut for its length. */
  onCut?: () => void;
}

interface Open {
  seconds: number;
  nanos: number;
  /** What was not handed on yet. */
  text: OpenText;
  pieces: number;
  lineId: Nanoseconds | undefined;
}

/**
 * Puts lines together from chunks: an entry without newline is continued by the next entry of the same stream
 * with the same stamp (all chunks of a line carry the first one's). Another stamp ends the line: Engine 20.10
 * sends the last chunk of a long line of driver `local` without its newline.
 *
 * A line that is too long, or stays open for too long, is handed on in pieces that join to it exactly. Where it
 * is cut depends only on its bytes and on what the cursor carries, so a replay cuts it at the same places.
 */
export class LineAssembler implements EntrySink {
  readonly #sink: PieceSink;
  readonly #options: AssemblerOptions;
  readonly #asText: boolean;
  /** So many bytes are never too long, whatever they become when they are sent. */
  readonly #safeBytes: number;
  /** By stream number; a slot a stream keeps the hot path free of look-ups. */
  readonly #open: [undefined, Open | undefined, Open | undefined] = [undefined, undefined, undefined];

  constructor(sink: PieceSink, options: AssemblerOptions) {
    this.#sink = sink;
    this.#options = options;
    this.#asText = options.sentAsText === true;
    this.#safeBytes = this.#asText ? Math.floor(options.maxLineBytes / 3) : options.maxLineBytes;
  }

  /**
   * Takes up the lines that the cursor carries. Of those that stayed open too long, what there is is handed on at
   * once; what follows is their next piece.
   */
  resume(open: readonly OpenLine[]): void {
    for (const line of open) {
      const stream = line.stream === 'stdout' ? 1 : 2;
      const text = Buffer.from(line.text.buffer, line.text.byteOffset, line.text.byteLength);
      const seconds = Number(line.stamp / NS_PER_SECOND);
      const nanos = Number(line.stamp % NS_PER_SECOND);
      const { count = 0, lineId } = line.delivered ?? {};
      const taken = { seconds, nanos, text: this.#noText(), pieces: count, lineId };
      this.#open[stream] = taken;
      this.#append(taken, stream, text, 0, text.length);
      if (line.cut && taken.text.bytes > 0) this.#emit(stream, taken, taken.text.take(), false);
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
        this.#continue(stream, open, source, start, end, terminated);
        return;
      }
      this.#closeUnterminated(stream, open, true);
    }
    if (terminated && this.#fits(source, start, end)) {
      this.#linesAt(nanos).line(stream, seconds, nanos, source, start, end);
      return;
    }
    const started: Open = { seconds, nanos, text: this.#noText(), pieces: 0, lineId: undefined };
    this.#open[stream] = started;
    this.#append(started, stream, source, start, end);
    if (terminated) this.#close(stream, started, true);
    else this.#closeLastWords(stream, started, end - start);
  }

  /**
   * Ends the lines still open: the process that wrote them is gone.
   *
   * @param endKnown what there is of them is all that was written; false: the rest is lost
   */
  closeAll(endKnown = true): void {
    for (const stream of [1, 2] as const) {
      const open = this.#open[stream];
      if (open) this.#closeUnterminated(stream, open, endKnown);
    }
  }

  /** The lines still open, for the cursor. */
  openLines(): OpenLine[] {
    const lines: OpenLine[] = [];
    for (const stream of [1, 2] as const) {
      const open = this.#open[stream];
      if (!open) continue;
      const { pieces, lineId } = open;
      lines.push({
        stream: stream === 1 ? 'stdout' : 'stderr',
        stamp: BigInt(open.seconds) * NS_PER_SECOND + BigInt(open.nanos),
        text: open.text.all(),
        cut: false,
        ...(lineId === undefined ? {} : { delivered: { count: pieces, lineId } }),
      });
    }
    return lines;
  }

  #noText(): OpenText {
    return new OpenText(this.#options.maxLineBytes, this.#asText, this.#options.tty);
  }

  #fits(source: Buffer, start: number, end: number): boolean {
    if (end - start <= this.#safeBytes) return true;
    return (
      end - start <= this.#options.maxLineBytes &&
      sentBytes(source, start, end, this.#asText) <= this.#options.maxLineBytes
    );
  }

  #continue(
    stream: StreamNumber,
    open: Open,
    source: Buffer,
    start: number,
    end: number,
    terminated: boolean,
  ): void {
    this.#append(open, stream, source, start, end);
    if (!terminated) {
      this.#closeLastWords(stream, open, end - start);
      return;
    }
    // The parser took the `\r` off the last chunk, if that has any bytes.
    if (start === end) open.text.dropReturn();
    this.#close(stream, open, true);
  }

  #append(open: Open, stream: StreamNumber, source: Buffer, start: number, end: number): void {
    for (const piece of open.text.append(source, start, end)) this.#cut(stream, open, piece);
  }

  #cut(stream: StreamNumber, open: Open, piece: Buffer): void {
    if (open.pieces === 0) this.#options.onCut?.();
    this.#emit(stream, open, piece, false);
  }

  /**
   * Where stamps do not tell that a line has ended, the length of its last chunk does: a line goes on only behind
   * a full one, and what is shorter was all there was when its process ended (moby: daemon/logger/copier.go).
   * Else the last words of one run would go on in the first ones of the next.
   */
  #closeLastWords(stream: StreamNumber, open: Open, chunkLength: number): void {
    if (!this.#options.chunksShareStamp && chunkLength < CHUNK_BYTES) {
      this.#closeUnterminated(stream, open, true);
    }
  }

  /** The newline of a long line may have been forgotten (20.10, `local`), and its `\r` is there all the same. */
  #closeUnterminated(stream: StreamNumber, open: Open, endKnown: boolean): void {
    if (open.text.bytes + open.text.heldBack >= CHUNK_BYTES || open.pieces > 0) open.text.dropReturn();
    this.#close(stream, open, endKnown);
  }

  #close(stream: StreamNumber, open: Open, endKnown: boolean): void {
    this.#open[stream] = undefined;
    for (const piece of open.text.release()) this.#cut(stream, open, piece);
    const rest = open.text.take();
    const { seconds, nanos } = open;
    if (open.pieces === 0) this.#linesAt(nanos).line(stream, seconds, nanos, rest, 0, rest.length);
    // What is left of a cut line may be nothing; an empty piece would be one too many.
    else if (rest.length > 0) this.#emit(stream, open, rest, endKnown);
  }

  #linesAt(nanos: number): LineSink {
    return nanos === 0 ? this.#sink.wholeSeconds : this.#sink.lines;
  }

  #emit(stream: StreamNumber, open: Open, text: Buffer, last: boolean): void {
    open.lineId = this.#sink.piece(stream, open, text, last);
    open.pieces++;
  }
}
