import type { EntrySink } from './entry-sink.js';
import type { LogParser } from './frames.js';
import { LogBodyError } from './log-errors.js';
import { StampReader } from './stamp.js';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const DOT = 0x2e;
/** A line longer than this comes in chunks (moby: daemon/logger/copier.go, defaultBufSize). */
export const CHUNK_BYTES = 16 * 1024;
/** The longest prefix: a stamp with zone offset and the space. */
const LONGEST_PREFIX = 36;
const QUOTED = 500;
/** Where in a prefix of nine fractional digits the zone stands. */
const ZONE = 29;

/**
 * Takes apart the raw body of a container with a TTY: `stamp text\r\n`, no frames, all stdout. In a line over
 * 16 KiB the same prefix stands again before each further chunk, in the middle of the text, so that is where
 * it is looked for: at or behind 16,384 bytes of text (behind, when the Engine replaced bytes that are not
 * UTF-8 by longer ones). Only where stamps have nine fractional digits: with fewer, as from Podman, a line comes in one
 * piece, and a stamp in its text is the application's.
 *
 * The `\r` that the terminal adds before the newline is taken off.
 */
export class TtyParser implements LogParser {
  readonly #sink: EntrySink;
  readonly #maxLine: number;
  readonly #lastWords: boolean;
  readonly #stamp = new StampReader();
  readonly #other = new StampReader();
  /** The beginning of a line whose newline has not come yet. */
  #held: Buffer = EMPTY;
  #heldLength = 0;

  /**
   * @param maxLine bytes a chunk may have without its end; more is `too_large`
   * @param lastWords what has no newline at the end is an entry: its process has ended. Otherwise nothing shorter
   *   than a chunk can stand there, and the answer was cut short by whatever passed it on: it is read again.
   */
  constructor(sink: EntrySink, maxLine: number, lastWords = true) {
    this.#sink = sink;
    this.#maxLine = maxLine;
    this.#lastWords = lastWords;
  }

  push(body: Buffer, start = 0, end = body.length): void {
    const piece = start === 0 && end === body.length ? body : body.subarray(start, end);
    const searched = this.#heldLength;
    const source = searched > 0 ? this.#append(piece) : piece;
    let at = 0;
    let newline = source.indexOf(NEWLINE, searched);
    while (newline >= 0) {
      this.#line(source, at, newline, true);
      at = newline + 1;
      newline = source.indexOf(NEWLINE, at);
    }
    at = this.#earlyChunks(source, at, searched);
    this.#keep(source, at);
  }

  end(): void {
    if (this.#heldLength === 0) return;
    const rest = this.#held.subarray(0, this.#heldLength);
    this.#held = EMPTY;
    this.#heldLength = 0;
    this.#line(rest, 0, rest.length, false);
  }

  #append(piece: Buffer): Buffer {
    const length = this.#heldLength + piece.length;
    if (length > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#held.length, 4096));
      this.#held.copy(larger, 0, 0, this.#heldLength);
      this.#held = larger;
    }
    piece.copy(this.#held, this.#heldLength);
    return this.#held.subarray(0, length);
  }

  #keep(source: Buffer, from: number): void {
    const length = source.length - from;
    if (length > this.#maxLine) {
      throw new LogBodyError('too_large', `a line without end is over ${this.#maxLine} bytes`);
    }
    // Copied only when an entry was handed over (its bytes must stay) or when the bytes are still foreign.
    if (from > 0 || this.#heldLength === 0) this.#held = Buffer.from(source.subarray(from));
    this.#heldLength = length;
  }

  /** Hands over the complete chunks of a line still coming in; returns where the rest begins. */
  #earlyChunks(source: Buffer, start: number, searched: number): number {
    let at = start;
    while (source.length - at > CHUNK_BYTES) {
      const text = this.#stamp.read(source, at, source.length);
      if (text < 0 || !isNineDigits(source, at, text)) return at;
      const from = Math.max(text + CHUNK_BYTES, searched - LONGEST_PREFIX);
      const next = source.indexOf(source.subarray(at, text), from);
      if (next < 0) return at;
      this.#entry(source, text, next, false);
      at = next;
    }
    return at;
  }

  #line(source: Buffer, start: number, end: number, terminated: boolean): void {
    let at = start;
    for (;;) {
      const text = this.#stamp.read(source, at, end);
      if (text < 0) this.#refuse(source, at, end, terminated);
      const next = this.#nextPrefix(source, at, text, end);
      if (next < 0) {
        if (!terminated && !this.#lastWords && end - text < CHUNK_BYTES) return;
        const error = source.subarray(0, end).indexOf(DAEMON_ERROR, text + CHUNK_BYTES);
        if (terminated && error >= 0) {
          this.#entry(source, text, error, false);
          this.#refuse(source, error, end, terminated);
        }
        const last = terminated && end > text && source[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
        this.#entry(source, text, last, terminated);
        return;
      }
      this.#entry(source, text, next, false);
      at = next;
    }
  }

  /**
   * Where in the text of a line another entry begins, or -1: the line's own prefix at or behind 16 KiB, or a
   * later stamp anywhere. That is how the first words of a restarted process follow the last ones of the one
   * before, which had no newline; and, on Engine 20.10 with driver `local`, what follows a long line. A stamp
   * that the application itself printed is never later than the one the Engine gave its line.
   */
  #nextPrefix(source: Buffer, at: number, text: number, end: number): number {
    if (!isNineDigits(source, at, text)) return -1;
    // All prefixes of an answer end alike: `Z `, or the daemon's own offset (`local` before 23.0.10).
    const zone = source.subarray(at + ZONE, text);
    let next = source.indexOf(zone, text + ZONE);
    while (next >= 0 && next < end) {
      const prefix = next - ZONE;
      if (this.#beginsEntry(source, prefix, at, text, end)) return prefix;
      next = source.indexOf(zone, next + 1);
    }
    return -1;
  }

  #beginsEntry(source: Buffer, prefix: number, at: number, text: number, end: number): boolean {
    // Of another length it is a stamp that the application printed.
    if (this.#other.read(source, prefix, end) !== prefix + text - at) return false;
    const later = this.#other.seconds - this.#stamp.seconds || this.#other.nanos - this.#stamp.nanos;
    if (later > 0) return true;
    const own = source.compare(source, at, text, prefix, prefix + text - at) === 0;
    return own && prefix - text >= CHUNK_BYTES;
  }

  #refuse(source: Buffer, at: number, end: number, terminated: boolean): never {
    if (!terminated && STAMP_BEGINNING.test(source.toString('latin1', at, Math.min(end, at + QUOTED)))) {
      throw new LogBodyError('truncated', 'the answer ended inside a time stamp');
    }
    // In a TTY body the daemon's own error is plain text between the lines (moby: daemon/logs.go).
    const quoted = source.toString('utf8', at, Math.min(end, at + QUOTED)).trimEnd();
    throw new LogBodyError('daemon_error', `a line without a time stamp: ${JSON.stringify(quoted)}`);
  }

  #entry(source: Buffer, text: number, end: number, terminated: boolean): void {
    this.#sink.entry(1, this.#stamp.seconds, this.#stamp.nanos, source, text, end, terminated);
  }
}

/** Whether the prefix `source[at, text)`, which is a stamp and a space, has nine fractional digits. */
function isNineDigits(source: Buffer, at: number, text: number): boolean {
  const length = text - at;
  return (
    source[at + ZONE - 10] === DOT &&
    (length === ZONE + 2 ? !isDigit(source[at + ZONE]) : length === ZONE + 7)
  );
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/**
 * How the daemon's own error begins (moby: daemon/logs.go). Right behind a chunk there is no newline before it; and
 * there nothing else can stand but the next chunk, behind its prefix.
 */
const DAEMON_ERROR = 'Error grabbing logs: ';

const EMPTY: Buffer = Buffer.alloc(0);
/** A stamp cut short anywhere. */
const STAMP_BEGINNING = /^\d{1,4}(?:-[\d-]{0,5})?(?:T[\d:.]{0,18})?[Z+-]?[\d:]{0,5} ?$/;
