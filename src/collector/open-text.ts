import { cutPlace, incompleteTail, sentBytes, unitEnd } from '../model/utf8.js';

const CARRIAGE_RETURN = 0x0d;

/**
 * How many bytes at the end of a text cannot be delivered before it is known what follows: the beginning of a
 * character, and on a TTY a `\r`, which is no part of the line if the newline follows.
 */
export function heldBackAtEnd(text: Uint8Array, tty: boolean): number {
  if (tty && text.at(-1) === CARRIAGE_RETURN) return 1;
  return incompleteTail(text, 0, text.length);
}

/**
 * The text of a line that is still open, as far as it was not delivered; and where it is cut when it gets too long.
 * Its own copy: a chunk may stay for many polls, and must not keep alive the part of the body that it came in.
 */
export class OpenText {
  readonly #max: number;
  readonly #asText: boolean;
  readonly #tty: boolean;
  /** Whole characters only. */
  #parts: Buffer[] = [];
  #bytes = 0;
  /** Of the parts, as they are sent. */
  #sent = 0;
  #tail: Buffer = EMPTY;

  /**
   * @param max bytes of a piece, as it is sent
   * @param asText see sentBytes
   */
  constructor(max: number, asText: boolean, tty: boolean) {
    this.#max = max;
    this.#asText = asText;
    this.#tty = tty;
  }

  /** What can be delivered, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes at the end that cannot be delivered yet; see heldBackAtEnd. */
  get heldBack(): number {
    return this.#tail.length;
  }

  /** All of it, in one buffer. */
  all(): Buffer {
    return Buffer.concat([...this.#parts, this.#tail], this.#bytes + this.#tail.length);
  }

  /** Adds `source[start, end)`; returns the pieces that this makes too much, mostly none. */
  append(source: Buffer, start: number, end: number): Buffer[] {
    const added = Buffer.concat([this.#tail, source.subarray(start, end)]);
    const held = heldBackAtEnd(added, this.#tty);
    this.#tail = held === 0 ? EMPTY : Buffer.from(added.subarray(added.length - held));
    return this.#add(added.subarray(0, added.length - held));
  }

  /** The line has ended: what was held back is a part of it. Returns the pieces that this makes too much. */
  release(): Buffer[] {
    const tail = this.#tail;
    this.#tail = EMPTY;
    return this.#add(tail);
  }

  /** Drops the `\r` that a terminal puts before the newline, if it is the last byte. */
  dropReturn(): void {
    if (this.#tty && this.#tail.at(-1) === CARRIAGE_RETURN) this.#tail = EMPTY;
  }

  /** Takes out what can be delivered. */
  take(): Buffer {
    const [only] = this.#parts;
    const text =
      only !== undefined && this.#parts.length === 1 ? only : Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    this.#sent = 0;
    return text;
  }

  #add(text: Buffer): Buffer[] {
    if (text.length === 0) return NONE;
    const pieces: Buffer[] = [];
    let at = 0;
    let sent = sentBytes(text, 0, text.length, this.#asText);
    while (this.#sent + sent > this.#max) {
      let cut = cutPlace(text, at, text.length, Math.max(0, this.#max - this.#sent), this.#asText);
      // A bound shorter than a character must not stop the line.
      if (cut === at && this.#bytes === 0) cut = unitEnd(text, at, text.length);
      // Nothing is left to be the next piece.
      if (cut === text.length) break;
      this.#keep(text.subarray(at, cut), 0);
      pieces.push(this.take());
      at = cut;
      sent = sentBytes(text, at, text.length, this.#asText);
    }
    this.#keep(text.subarray(at), sent);
    return pieces;
  }

  #keep(part: Buffer, sent: number): void {
    if (part.length > 0) this.#parts.push(part);
    this.#bytes += part.length;
    this.#sent += sent;
  }
}

const EMPTY: Buffer = Buffer.alloc(0);
const NONE: Buffer[] = [];
