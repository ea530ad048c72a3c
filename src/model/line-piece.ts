import type { Nanoseconds } from './nanoseconds.js';

/**
 * Which part of a long line an entry is. The pieces of a line have consecutive timestamps, 1 ns apart, so that
 * Loki keeps those that are equal.
 */
export interface LinePiece {
  /** The timestamp of the line's first piece, ns: the same in all of its pieces. */
  readonly lineId: Nanoseconds;
  /** From 1. */
  readonly number: number;
  /** How many there are; known with the last one, and left out where the end of the line is not known. */
  readonly count?: number;
}

/** The structured metadata by which a reader puts a line together. */
const LINE_ID = 'line_id';
const NUMBER = 'line_piece';
const COUNT = 'line_pieces';

/** The piece as structured metadata, in the order of the names. */
export function pieceMetadata({ lineId, number, count }: LinePiece): [name: string, value: string][] {
  const pairs: [string, string][] = [
    [LINE_ID, String(lineId)],
    [NUMBER, String(number)],
  ];
  if (count !== undefined) pairs.push([COUNT, String(count)]);
  return pairs;
}

/** The piece that an entry's structured metadata describes; undefined: the entry is a whole line. */
export function readPiece(metadata: Readonly<Record<string, string>>): LinePiece | undefined {
  const { [LINE_ID]: id = '', [NUMBER]: number = '', [COUNT]: count = '' } = metadata;
  if (!/^\d{1,25}$/.test(id) || !WHOLE.test(number)) return undefined;
  return {
    lineId: BigInt(id),
    number: Number(number),
    ...(WHOLE.test(count) ? { count: Number(count) } : {}),
  };
}

const WHOLE = /^[1-9]\d{0,14}$/;

/** What remains of an entry's structured metadata without its piece: the same for all lines of a stream. */
export function withoutPiece(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (readPiece(metadata) === undefined) return metadata;
  return Object.fromEntries(
    Object.entries(metadata).filter(([name]) => name !== LINE_ID && name !== NUMBER && name !== COUNT),
  );
}
