import type { LinePiece } from '../model/line-piece.js';
import type { Nanoseconds } from '../model/nanoseconds.js';

/** Lines of one stream on their way to Loki, as far as the collector is concerned; see loki/batch.ts. */
export interface LineBatch {
  /**
   * Takes one line, `source[start, end)`. False when it does not fit, by its size or by its stamp; an empty
   * batch takes any line.
   *
   * @param piece set: the text is a part of a line
   */
  append(
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    piece?: LinePiece,
  ): boolean;
  readonly entries: number;
  /** As it goes to Loki, uncompressed. */
  readonly bytes: number;
  readonly oldest: Nanoseconds;
  readonly newest: Nanoseconds;
}
