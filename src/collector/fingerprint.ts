import { hash } from 'node:crypto';
import type { StreamNumber } from '../docker/entry-sink.js';

/**
 * The fingerprint of an entry: 16 hexadecimal digits over its text and its number among equal entries. Stamp
 * and stream are compared beside it, so that 64 bits are ample. Computed only for the entries of an anchor and
 * for those that share a stamp with one.
 *
 * @param repeat how many equal entries stand directly before it; see Repeats
 */
export function fingerprint(source: Buffer, start: number, end: number, repeat: number): string {
  const text = digits(source.subarray(start, end));
  return repeat === 0 ? text : digits(`${text} ${repeat}`);
}

/** Not a slice of all 64 digits: it would keep the others in memory, for each entry of each anchor. */
function digits(data: Buffer | string): string {
  return hash('sha256', data, 'buffer').toString('hex', 0, 8);
}

/**
 * Numbers equal entries: same stream, stamp and text as the one before in their stream. The chunks of a long
 * line of one letter are such, and lines of a driver with coarse stamps. By their number they are told apart; an
 * answer that begins among them counts wrongly, so the anchor is not found in it and a wider one is asked for.
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

  /** Takes the next entry of the answer; returns how many equal ones stand directly before it. */
  next(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
  ): number {
    const equal =
      this.#nanos[stream] === nanos &&
      this.#seconds[stream] === seconds &&
      this.#sameText(stream, source, start, end);
    this.#seconds[stream] = seconds;
    this.#nanos[stream] = nanos;
    this.#sources[stream] = source;
    this.#starts[stream] = start;
    this.#ends[stream] = end;
    this.#owned[stream] = 0;
    return (this.#counts[stream] = equal ? (this.#counts[stream] as number) + 1 : 0);
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

  #sameText(stream: StreamNumber, source: Buffer, start: number, end: number): boolean {
    const before = this.#sources[stream] as Buffer;
    const from = this.#starts[stream] as number;
    const to = this.#ends[stream] as number;
    return end - start === to - from && before.compare(source, start, end, from, to) === 0;
  }
}
