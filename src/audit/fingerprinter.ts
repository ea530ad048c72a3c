import { isAscii } from 'node:buffer';
import { hash } from 'node:crypto';
import type { StreamNumber } from '../docker/entry-sink.js';

/** Stream, seconds, nanoseconds. */
const HEAD = 13;
const SMALLEST = 4096;

/** What a decoder puts for bytes that are not UTF-8. */
export const REPLACEMENT = '\ufffd';

/** A text with each run of U+FFFD as one; see Fingerprinter. */
export function canonicalText(text: string): string {
  return text.includes(REPLACEMENT) ? text.replace(/\ufffd+/g, REPLACEMENT) : text;
}

/**
 * Works out the fingerprint of a line: 128 bits over stream, stamp and text. The same for a line of the Engine's,
 * which is bytes, and of Loki's, which comes as JSON: there each byte that is no UTF-8 has become U+FFFD
 * (json-iterator, WriteStringWithHTMLEscaped), while other writers put one for several such bytes. So a run of
 * U+FFFD counts as one.
 */
export class Fingerprinter {
  /** The fingerprint worked out last: four words of 32 bits. */
  readonly words = new Uint32Array(4);
  #scratch = Buffer.allocUnsafe(SMALLEST);

  /** Of the line `source[start, end)`. */
  ofBytes(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
  ): void {
    const length = end - start;
    this.#reserve(length);
    source.copy(this.#scratch, HEAD, start, end);
    if (isAscii(this.#scratch.subarray(HEAD, HEAD + length))) this.#finish(stream, seconds, nanos, length);
    else this.ofText(stream, seconds, nanos, source.toString('utf8', start, end));
  }

  /** Of a line as text. */
  ofText(stream: StreamNumber, seconds: number, nanos: number, text: string): void {
    const canonical = canonicalText(text);
    this.#reserve(canonical.length * 3);
    const length = this.#scratch.write(canonical, HEAD, 'utf8');
    this.#finish(stream, seconds, nanos, length);
  }

  #reserve(length: number): void {
    if (this.#scratch.length >= HEAD + length) return;
    this.#scratch = Buffer.allocUnsafe(Math.max(HEAD + length, 2 * this.#scratch.length));
  }

  #finish(stream: StreamNumber, seconds: number, nanos: number, length: number): void {
    const scratch = this.#scratch;
    scratch[0] = stream;
    scratch.writeDoubleLE(seconds, 1);
    scratch.writeUInt32LE(nanos, 9);
    // As text, because that is made faster than a Buffer.
    const digest = hash('sha256', scratch.subarray(0, HEAD + length), 'binary');
    for (let word = 0; word < 4; word++) {
      const at = word * 4;
      this.words[word] =
        digest.charCodeAt(at) |
        (digest.charCodeAt(at + 1) << 8) |
        (digest.charCodeAt(at + 2) << 16) |
        (digest.charCodeAt(at + 3) << 24);
    }
  }
}
