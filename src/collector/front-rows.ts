import type { StreamNumber } from '../docker/entry-sink.js';
import type { OpenLine } from '../model/cursor.js';
import { NS_PER_SECOND } from '../model/nanoseconds.js';

/** What is known of the number of an entry; see Repeats. */
export type NumberIs =
  /** It is right: the answer shows the beginning of the entry's row. */
  | 'known'
  /** The answer most likely shows the beginning of the row. */
  | 'likely'
  /** The row may have begun before the answer. */
  | 'unknown';

/**
 * Of an answer that may begin inside a row of entries: where the numbers of the entries can be relied on. An answer
 * with `tail` begins anywhere, and the chunks of one line have the same timestamp and may have the same text, so that
 * nothing shows which of them is the first one of the answer.
 *
 * A row whose stream shows an entry of another timestamp before it begins in the answer. A row that follows only
 * entries of the other stream most likely does, unless it goes on slowly, between many entries of the other stream.
 * That matters only where the row may have grown since the place was delivered that is looked for: where its line was
 * open there, or where the driver's timestamps are whole seconds.
 */
export class FrontRows {
  readonly #seconds = new Float64Array(3);
  readonly #nanos = new Float64Array(3);
  /** 1: the stream shows its first row; 2: another one. */
  readonly #shown = new Uint8Array(3);
  /** What the numbers of the first row are. */
  readonly #numbers: NumberIs[] = ['known', 'known', 'known'];
  /** 1: the first row may have grown. */
  readonly #mayGrow = new Uint8Array(3);
  readonly #open: readonly OpenLine[];
  #seen = false;
  #proves = true;

  /** @param open the lines that are open at the place that is looked for */
  constructor(open: readonly OpenLine[]) {
    this.#open = open;
  }

  /**
   * A number that is only likely to be right proves where an entry is. Not where a row that may have grown has equal
   * entries: there a later part of it is easily taken for an earlier one.
   */
  get proves(): boolean {
    return this.#proves;
  }

  /** Takes the next entry of the answer. */
  next(stream: StreamNumber, seconds: number, nanos: number, repeat: number): NumberIs {
    const shown = this.#shown[stream];
    if (shown === 2) return 'known';
    if (shown === 0) this.#begin(stream, seconds, nanos);
    else if (this.#nanos[stream] !== nanos || this.#seconds[stream] !== seconds) {
      this.#shown[stream] = 2;
      return 'known';
    }
    if (repeat > 0 && this.#mayGrow[stream] === 1) this.#proves = false;
    return this.#numbers[stream] as NumberIs;
  }

  #begin(stream: StreamNumber, seconds: number, nanos: number): void {
    this.#shown[stream] = 1;
    this.#seconds[stream] = seconds;
    this.#nanos[stream] = nanos;
    const stamp = BigInt(seconds) * NS_PER_SECOND + BigInt(nanos);
    const name = stream === 1 ? 'stdout' : 'stderr';
    const isOpen = this.#open.some((line) => line.stream === name && line.stamp === stamp);
    const mayGrow = nanos === 0 || isOpen;
    this.#mayGrow[stream] = mayGrow ? 1 : 0;
    this.#numbers[stream] = mayGrow && !this.#seen ? 'unknown' : 'likely';
    this.#seen = true;
  }
}
