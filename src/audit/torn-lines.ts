import { CHUNK_BYTES } from '../docker/tty.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import type { LinePiece } from '../model/line-piece.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import type { LokiEntry } from '../loki/read/loki-query.js';
import { stampOf } from '../loki/read/stamp-range.js';
import type { LineLack } from './engine-reader.js';
import { canonicalText, REPLACEMENT } from './fingerprinter.js';

interface Part {
  readonly slot: number;
  readonly text: string;
  readonly number: number;
  readonly lack: LineLack;
  /** The Engine goes on with a line only after a full chunk; what is shorter are last words, and no end is lost. */
  readonly isLong: boolean;
}

/** Characters held at most; what is past them is judged as if it were a whole line. Each takes two bytes at most. */
const MOST_CHARACTERS = 4 * 1024 * 1024;

/**
 * What the Engine's log still has of lines that were torn: the log is damaged in the middle of them, or begins there. The
 * collector may have delivered such a line before that, with what the Engine has no more. So an entry of Loki that has
 * the line's timestamp and holds all that is left of it, at the place where that belongs, is this line.
 */
export class TornLines {
  readonly #parts = new Map<string, Part[]>();
  #characters = 0;

  static get maxBytes(): number {
    return 2 * MOST_CHARACTERS;
  }

  /**
   * Takes a line that lacks a part, or a piece of one.
   *
   * @param slot where it is in the table of lines
   * @param stamp that it is delivered with, ns
   */
  add(
    slot: number,
    stream: StreamNumber,
    stamp: Nanoseconds,
    text: Buffer,
    lack: LineLack,
    piece: LinePiece | undefined,
  ): void {
    // Of a line in pieces the others are needed as well: those are looked for where the line is judged.
    if (piece !== undefined && lack === 'beginning') return;
    const number = piece?.number ?? 1;
    if (this.#characters + text.length > MOST_CHARACTERS) return;
    this.#characters += text.length;
    const isLong = text.length >= CHUNK_BYTES || number > 1;
    const kept = withoutHalves(canonicalText(text.toString('utf8')), lack);
    const part: Part = { slot, text: kept, number, lack, isLong };
    const key = keyOf(stream, piece?.lineId ?? stamp);
    const others = this.#parts.get(key);
    if (others === undefined) this.#parts.set(key, [part]);
    else others.push(part);
  }

  /** The slots of the lines whose remains an entry of Loki holds. */
  slotsIn(stream: StreamNumber, { seconds, nanos, line, piece }: LokiEntry): readonly number[] {
    if (this.#parts.size === 0) return [];
    const parts = this.#parts.get(keyOf(stream, piece?.lineId ?? stampOf(seconds, nanos)));
    if (parts === undefined) return [];
    const text = canonicalText(line);
    return parts.filter((part) => holds(text, piece?.number ?? 1, part)).map(({ slot }) => slot);
  }
}

function holds(text: string, number: number, { text: part, number: own, lack, isLong }: Part): boolean {
  if (part === '') return false;
  if (lack !== 'beginning' && isLong && number === own && text.startsWith(part)) return true;
  if (lack === 'end' || own > 1) return false;
  const at = lack === 'both' ? text.lastIndexOf(part) : text.length - part.length;
  // At least one full chunk is lost before it.
  return at > 0 && text.startsWith(part, at) && Buffer.byteLength(text.slice(0, at)) >= CHUNK_BYTES;
}

/** A chunk may end inside of a character. */
function withoutHalves(text: string, lack: LineLack): string {
  const from = lack !== 'end' && text.startsWith(REPLACEMENT) ? 1 : 0;
  const to = lack !== 'beginning' && text.endsWith(REPLACEMENT) ? text.length - 1 : text.length;
  return text.slice(from, to);
}

function keyOf(stream: StreamNumber, lineId: Nanoseconds): string {
  return `${stream} ${lineId}`;
}
