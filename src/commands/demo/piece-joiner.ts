import { nanosOf, secondsOf } from '../../loki/read/stamp-range.js';
import type { LinePiece } from '../../model/line-piece.js';
import type { AccountLine } from './account.js';

/**
 * Puts long lines together from their pieces, which come in their order: so a line counts once, and by its bytes,
 * wherever it was cut.
 */
export class PieceJoiner<Line extends AccountLine> {
  readonly #visit: (line: Line) => void;
  /** By container, stream and line. */
  readonly #open = new Map<
    string,
    { readonly last: Line; readonly lineId: bigint; readonly texts: string[] }
  >();

  /** @param visit takes whole lines, with the timestamp of their first piece and all else of their last one */
  constructor(visit: (line: Line) => void) {
    this.#visit = visit;
  }

  add(line: Line, piece: LinePiece | undefined): void {
    if (piece === undefined) {
      this.#visit(line);
      return;
    }
    const { lineId, number, count } = piece;
    const key = `${line.containerId} ${line.stream} ${lineId}`;
    const texts = this.#open.get(key)?.texts ?? [];
    // One that comes twice must be seen as such; so must one before which another is missing.
    if (number !== texts.length + 1) {
      this.#visit(line);
      return;
    }
    texts.push(line.text);
    this.#open.set(key, { last: line, lineId, texts });
    if (count !== undefined) this.#close(key);
  }

  /** Hands over the lines whose last piece did not say that it is the last. */
  end(): void {
    for (const key of [...this.#open.keys()]) this.#close(key);
  }

  #close(key: string): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    this.#open.delete(key);
    const { last, lineId, texts } = open;
    this.#visit({ ...last, seconds: secondsOf(lineId), nanos: nanosOf(lineId), text: texts.join('') });
  }
}
