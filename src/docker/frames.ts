import type { EntrySink } from './entry-sink.js';
import { LogBodyError } from './log-errors.js';
import { StampReader } from './stamp.js';

const HEADER = 8;
const NEWLINE = 0x0a;
/** How much of an error's text is quoted, bytes. */
const QUOTED = 500;

/** Turns the body of a logs answer into entries. One instance an answer. */
export interface LogParser {
  /** Takes the next piece of the body, `source[start, end)`, cut anywhere. Throws LogBodyError. */
  push(source: Buffer, start?: number, end?: number): void;
  /** The body ended as the protocol says. Throws LogBodyError when it ended inside an entry. */
  end(): void;
}

/**
 * Takes apart the multiplexed stream of a container without a TTY: a header of eight bytes (stream, three
 * zeros, length big-endian), then the payload `stamp text\n` (Engine API, ContainerAttach "Stream format";
 * moby: pkg/stdcopy). Pieces may be cut anywhere, also within a header.
 */
export class FrameParser implements LogParser {
  readonly #sink: EntrySink;
  readonly #maxFrame: number;
  readonly #stamp = new StampReader();
  /** The beginning of a frame whose rest has not come yet. */
  #held: Buffer = EMPTY;
  #heldLength = 0;

  /** @param maxFrame bytes a frame's payload may have; more is `too_large` */
  constructor(sink: EntrySink, maxFrame: number) {
    this.#sink = sink;
    this.#maxFrame = maxFrame;
  }

  push(source: Buffer, start = 0, end = source.length): void {
    let at = start;
    if (this.#heldLength > 0) {
      at = this.#complete(source, start, end);
      if (at < 0) return;
    }
    while (end - at >= HEADER) {
      const next = at + HEADER + this.#payloadLength(source, at);
      if (next > end) break;
      this.#frame(source, at, next);
      at = next;
    }
    if (at < end) this.#hold(source, at, end);
  }

  end(): void {
    if (this.#heldLength > 0) {
      throw new LogBodyError('truncated', `the answer ended ${this.#heldLength} bytes into a frame`);
    }
  }

  /** Fills up the held frame; returns where the rest of the piece begins, or -1 when it was not enough. */
  #complete(source: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#heldLength < HEADER) {
      at = Math.min(start + HEADER - this.#heldLength, end);
      this.#hold(source, start, at);
      if (this.#heldLength < HEADER) return -1;
    }
    const total = HEADER + this.#payloadLength(this.#held, 0);
    const next = Math.min(at + total - this.#heldLength, end);
    this.#hold(source, at, next);
    if (this.#heldLength < total) return -1;
    // Not used again: who took the entry may keep its bytes.
    const whole = this.#held;
    this.#held = EMPTY;
    this.#heldLength = 0;
    this.#frame(whole, 0, total);
    return next;
  }

  #hold(piece: Buffer, start: number, end: number): void {
    const needed = this.#heldLength + end - start;
    if (needed > this.#held.length) {
      // Grown by doubling and never past one frame: the header's length is checked before its payload is held.
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#held.length, 1024));
      this.#held.copy(larger, 0, 0, this.#heldLength);
      this.#held = larger;
    }
    piece.copy(this.#held, this.#heldLength, start, end);
    this.#heldLength = needed;
  }

  #payloadLength(source: Buffer, at: number): number {
    const stream = source[at] as number;
    if (stream > 3 || source[at + 1] !== 0 || source[at + 2] !== 0 || source[at + 3] !== 0) {
      throw new LogBodyError('malformed', `not a frame header: ${source.toString('hex', at, at + HEADER)}`);
    }
    const length = source.readUInt32BE(at + 4);
    if (length > this.#maxFrame) {
      throw new LogBodyError(
        'too_large',
        `a frame claims ${length} bytes, more than ${this.#maxFrame} allowed`,
      );
    }
    return length;
  }

  #frame(source: Buffer, at: number, next: number): void {
    const stream = source[at] as number;
    const payload = at + HEADER;
    if (stream === 3) {
      const text = source.toString('utf8', payload, Math.min(next, payload + QUOTED)).trimEnd();
      throw new LogBodyError('daemon_error', `the Engine reports inside the log: ${text}`);
    }
    if (stream === 0) throw new LogBodyError('malformed', 'a frame of stream 0 (stdin)');
    const text = this.#stamp.read(source, payload, next);
    if (text < 0) {
      // Not the Engine's words: a proxy or fork reports its own errors so. As with the daemon's, more may be missing.
      const quoted = source.toString('utf8', payload, Math.min(next, payload + QUOTED)).trimEnd();
      throw new LogBodyError('daemon_error', `a line without a timestamp: ${JSON.stringify(quoted)}`);
    }
    const terminated = source[next - 1] === NEWLINE;
    this.#sink.entry(
      stream as 1 | 2,
      this.#stamp.seconds,
      this.#stamp.nanos,
      source,
      text,
      terminated ? next - 1 : next,
      terminated,
    );
  }
}

const EMPTY = Buffer.alloc(0);
