import { hash } from 'node:crypto';
import type { StreamNumber } from '../docker/entry-sink.js';

/**
 * The fingerprint of an entry: 16 hexadecimal digits over its text and its number among equal entries. Stamp
 * and stream are compared beside it, so that 64 bits are ample. Computed only for the entries of an anchor and
 * for those that share a stamp with one.
 *
 * @param repeat how many equal entries of the same row come before it; see Repeats
 */
export function fingerprint(source: Buffer, start: number, end: number, repeat: number): string {
  const text = digits(source.subarray(start, end));
  return repeat === 0 ? text : digits(`${text} ${repeat}`);
}

/** Not a slice of all 64 digits: it would keep the others in memory, for each entry of each anchor. */
function digits(data: Buffer | string): string {
  return hash('sha256', data, 'buffer').toString('hex', 0, 8);
}

/** So many texts of a row are told apart, at most; further ones count as new ones. */
const MOST_TEXTS = 1 << 16;
/** Bytes of a text that its key is made of. */
const SAMPLES = 32;

/**
 * Numbers equal entries of a row. A row are the entries of one stream that follow each other with the same timestamp:
 * the chunks of a long line, or lines of a driver with coarse timestamps. The number of an entry is how many entries of
 * its row with the same text come before it. So timestamp, stream, text and number are those of one entry only, also
 * where the text of a line repeats. The number is right only where the answer shows the beginning of the row; see
 * FrontRows.
 */
export class Repeats {
  readonly #seconds = new Float64Array(3).fill(-1);
  readonly #nanos = new Float64Array(3);
  readonly #starts = new Float64Array(3);
  readonly #ends = new Float64Array(3);
  readonly #sources: (Buffer | undefined)[] = [undefined, undefined, undefined];
  readonly #counts = new Float64Array(3);
  /** 1: the text is a copy of our own. */
  readonly #owned = new Uint8Array(3);
  /** How often each text of the row was there, by its key; undefined: all texts so far were equal. */
  readonly #texts: (Map<number, number> | undefined)[] = [undefined, undefined, undefined];
  /** 1: the row has equal texts. */
  readonly #repeated = new Uint8Array(3);
  #seen = 0;
  /** The entries of the answer are counted from 1; 0: none. */
  readonly #last = new Float64Array(3);
  /** The first entry of the row. */
  readonly #first = new Float64Array(3);
  /** The last entry before the row. */
  readonly #before = new Float64Array(3);

  /** Takes the next entry of the answer; returns how many equal ones of its row come before it. */
  next(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
  ): number {
    this.#seen++;
    let number = 0;
    if (this.#nanos[stream] === nanos && this.#seconds[stream] === seconds) {
      number = this.#inRow(stream, source, start, end);
      if (number > 0) this.#repeated[stream] = 1;
    } else {
      this.#texts[stream] = undefined;
      this.#repeated[stream] = 0;
      this.#before[stream] = this.#last[stream] as number;
      this.#first[stream] = this.#seen;
      this.#counts[stream] = 0;
    }
    this.#last[stream] = this.#seen;
    this.#seconds[stream] = seconds;
    this.#nanos[stream] = nanos;
    this.#sources[stream] = source;
    this.#starts[stream] = start;
    this.#ends[stream] = end;
    this.#owned[stream] = 0;
    return number;
  }

  /**
   * How many of the last entries an answer must have to prove a place after the last entry, if nothing is written
   * until then; see FrontRows. More than there were: only all of the log does.
   *
   * @param anchor entries of an anchor
   * @param isOpen whether a line of the stream is open
   */
  reach(anchor: number, isOpen: (stream: StreamNumber) => boolean): number {
    let least = this.#seen + 1;
    for (const stream of [1, 2] as const) {
      const last = this.#last[stream] as number;
      if (last === 0 || last <= this.#seen - anchor) continue;
      const before = this.#before[stream] as number;
      const first = this.#first[stream] as number;
      const mayGrow = isOpen(stream) || this.#nanos[stream] === 0;
      if (before > 0) least = Math.min(least, this.#seen - before + 1);
      // As FrontRows has it: from the row's first entry on, or from the entry before it.
      if (!mayGrow) least = Math.min(least, this.#seen - first + 1);
      else if (first > 1 && this.#repeated[stream] === 0) least = Math.min(least, this.#seen - first + 2);
    }
    return least;
  }

  /** Copies the texts that are remembered: the bytes that they lie in are about to be overwritten. */
  letGo(): void {
    for (const stream of [1, 2] as const) {
      const source = this.#sources[stream];
      if (source === undefined || this.#owned[stream] === 1) continue;
      const own = Buffer.from(source.subarray(this.#starts[stream], this.#ends[stream]));
      this.#sources[stream] = own;
      this.#starts[stream] = 0;
      this.#ends[stream] = own.length;
      this.#owned[stream] = 1;
    }
  }

  #inRow(stream: StreamNumber, source: Buffer, start: number, end: number): number {
    let texts = this.#texts[stream];
    if (texts === undefined) {
      const count = (this.#counts[stream] as number) + 1;
      if (this.#sameText(stream, source, start, end)) return (this.#counts[stream] = count);
      const before = this.#sources[stream] as Buffer;
      const key = keyOf(before, this.#starts[stream] as number, this.#ends[stream] as number);
      texts = this.#texts[stream] = new Map([[key, count]]);
    }
    const key = keyOf(source, start, end);
    const number = texts.get(key) ?? 0;
    if (number > 0 || texts.size < MOST_TEXTS) texts.set(key, number + 1);
    return number;
  }

  #sameText(stream: StreamNumber, source: Buffer, start: number, end: number): boolean {
    const before = this.#sources[stream] as Buffer;
    const from = this.#starts[stream] as number;
    const to = this.#ends[stream] as number;
    return end - start === to - from && before.compare(source, start, end, from, to) === 0;
  }
}

/**
 * A key of a text, by its length and some of its bytes. Texts with the same key are numbered as if they were equal: the
 * numbers are greater than they need be, and as unambiguous.
 */
function keyOf(source: Buffer, start: number, end: number): number {
  const length = end - start;
  let key = length;
  const step = Math.max(1, length / SAMPLES);
  for (let at = 0; at < length; at += step) {
    key = Math.imul(key ^ (source[start + Math.floor(at)] as number), 0x01000193);
  }
  return length === 0 ? key : Math.imul(key ^ (source[end - 1] as number), 0x01000193);
}
