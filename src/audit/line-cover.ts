import type { StreamNumber } from '../docker/entry-sink.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import { canonicalText, REPLACEMENT, type Fingerprinter } from './fingerprinter.js';
import type { Candidate } from './loki-only.js';
import { nanosOf, secondsOf } from '../loki/read/stamp-range.js';

/** A line of the Engine's. */
export interface WholeLine {
  readonly stream: StreamNumber;
  /** The stamp of its first piece, or of the line. */
  readonly lineId: Nanoseconds;
  readonly bytes: Buffer;
}

/** How far the pieces in Loki make up a line. */
export interface Cover {
  /** The pieces whose place in the line was found. */
  readonly pieces: readonly Candidate[];
  /** Pieces that say that they are of this line, and whose place was not found. */
  readonly misplaced: readonly Candidate[];
  /** How many of them follow one another from the beginning of the line. */
  readonly leading: number;
  /** What they leave out; undefined: nothing. */
  readonly hole: Hole | undefined;
}

/** The one stretch of a line that is not in Loki. */
export interface Hole {
  /** Where it lies in the line's canonical text, in UTF-16 units. */
  readonly from: number;
  readonly to: number;
  /** The number of the first piece that is missing. */
  readonly number: number;
  /** How many numbers, and stamps, there are for what is missing; Infinity: it reaches to the line's end. */
  readonly room: number;
  /** The piece before it has its place, and lacks its end: Loki shortened it. */
  readonly shortened: boolean;
}

/**
 * UTF-16 units. No piece of earlier builds has fewer, but for the last one: all others have 16 KiB (Docker's chunk),
 * or what `lines.max_bytes` or Loki allows, and a unit has at most 3 bytes.
 */
const SHORTEST_PIECE = 300;

/**
 * Looks how far entries make up a line, whatever sizes they have. Pieces have consecutive stamps from that of the
 * line on. Those that earlier builds delivered all have the line's own, and nothing tells their order but the text.
 *
 * @param candidates entries that may be pieces of the line, in the order of their stamps
 * @param maxPiece bytes at which earlier builds cut
 */
export function coverOf(
  line: WholeLine,
  candidates: readonly Candidate[],
  prints: Fingerprinter,
  maxPiece: number,
): Cover {
  const text = canonicalText(line.bytes.toString('utf8'));
  const matcher = new PieceMatcher(line.stream, text, prints);
  const consecutive = byStamps(line, candidates, matcher);
  if (consecutive.hole === undefined) return consecutive;
  const sameStamp = candidates.filter(({ stamp, piece }) => stamp === line.lineId && piece === undefined);
  const older = ofOneStamp(sameStamp, matcher) ?? ofOneSize(line, sameStamp, prints, maxPiece);
  if (older !== undefined) return { pieces: older, misplaced: [], leading: older.length, hole: undefined };
  return consecutive;
}

/** Whether a candidate's text stands at a place of the line's. */
class PieceMatcher {
  readonly #stream: StreamNumber;
  readonly text: string;
  readonly #prints: Fingerprinter;

  constructor(stream: StreamNumber, text: string, prints: Fingerprinter) {
    this.#stream = stream;
    this.text = text;
    this.#prints = prints;
  }

  /** Where the text goes on after a piece that begins at a place; undefined: another text stands there. */
  endOf(piece: Candidate, at: number): number | undefined {
    // A run of what was not UTF-8, cut in two, is one unit of the line and of each piece.
    const shared = piece.startsReplaced && at > 0 && this.text[at - 1] === REPLACEMENT ? 1 : 0;
    const from = at - shared;
    const end = from + piece.units;
    if (piece.units === 0 || end <= at || end > this.text.length) return undefined;
    this.#prints.ofText(
      this.#stream,
      secondsOf(piece.stamp),
      nanosOf(piece.stamp),
      this.text.slice(from, end),
    );
    return piece.words.every((word, i) => word === this.#prints.words[i]) ? end : undefined;
  }

  /** Where a piece begins that ends at a place. */
  startOf(piece: Candidate, end: number): number | undefined {
    const start = end - piece.units;
    if (start < 0) return undefined;
    return this.endOf({ ...piece, startsReplaced: false }, start) === end ? start : undefined;
  }
}

function byStamps(line: WholeLine, candidates: readonly Candidate[], matcher: PieceMatcher): Cover {
  const pieces: Candidate[] = [];
  const { length } = matcher.text;
  const at = new Map<number, Candidate[]>();
  for (const candidate of candidates) {
    const index = Number(candidate.stamp - line.lineId);
    const others = at.get(index);
    if (others === undefined) at.set(index, [candidate]);
    else others.push(candidate);
  }
  let from = 0;
  for (let found = next(at, pieces.length, from, matcher); found !== undefined;) {
    pieces.push(found.piece);
    from = found.end;
    found = from < length ? next(at, pieces.length, from, matcher) : undefined;
  }
  const leading = pieces.length;
  if (from === length) return { pieces, misplaced: [], leading, hole: undefined };

  let to = length;
  let first = Math.max(-1, ...at.keys());
  let room = Infinity;
  for (; first > leading && to > from; first--) {
    const found = previous(at.get(first), from, to, matcher);
    if (found === undefined) break;
    pieces.push(found.piece);
    to = found.start;
    room = first - leading;
  }
  // Pieces before and after them are missing.
  const misplaced = candidates.filter(
    (each) => isOfLine(each) && each.units <= length && !pieces.includes(each),
  );
  const follows = at.get(leading)?.some(isOfLine) === true;
  const shortened = leading > 0 && (follows || pieces[leading - 1]?.piece?.count === leading);
  return { pieces, misplaced, leading, hole: { from, to, number: leading + 1, room, shortened } };
}

function next(
  at: ReadonlyMap<number, readonly Candidate[]>,
  index: number,
  from: number,
  matcher: PieceMatcher,
): { piece: Candidate; end: number } | undefined {
  let longest: { piece: Candidate; end: number } | undefined;
  for (const piece of at.get(index) ?? []) {
    const end = matcher.endOf(piece, from);
    if (end === undefined || !isPiece(piece, end === matcher.text.length)) continue;
    if (longest === undefined || end > longest.end) longest = { piece, end };
  }
  return longest;
}

function previous(
  pieces: readonly Candidate[] | undefined,
  from: number,
  to: number,
  matcher: PieceMatcher,
): { piece: Candidate; start: number } | undefined {
  for (const piece of pieces ?? []) {
    const start = matcher.startOf(piece, to);
    // Pieces before it are missing, and they have a text: one that leaves none is another line.
    if (start !== undefined && start > from && isPiece(piece, to === matcher.text.length)) {
      return { piece, start };
    }
  }
  return undefined;
}

/** It says so, or was found where it was expected. */
function isOfLine({ piece, expected }: Candidate): boolean {
  return piece !== undefined || expected === true;
}

/** A short entry that does not say that it is a piece may as well be a line of its own. */
function isPiece(candidate: Candidate, last: boolean): boolean {
  return isOfLine(candidate) || last || candidate.units >= SHORTEST_PIECE;
}

/** All of the line, in pieces that have its own stamp, in the order of the text. */
function ofOneStamp(candidates: readonly Candidate[], matcher: PieceMatcher): Candidate[] | undefined {
  const found: Candidate[] = [];
  let at = 0;
  while (at < matcher.text.length) {
    let longest: { piece: Candidate; end: number } | undefined;
    for (const piece of candidates) {
      if (found.includes(piece)) continue;
      const end = matcher.endOf(piece, at);
      if (end === undefined || !isPiece(piece, end === matcher.text.length)) continue;
      if (longest === undefined || end > longest.end) longest = { piece, end };
    }
    if (longest === undefined) return undefined;
    found.push(longest.piece);
    at = longest.end;
  }
  return found;
}

/**
 * All of the line, in pieces of one size that have its own stamp, cut also inside of characters. Equal ones are
 * folded by Loki: then not all of the line is there.
 */
function ofOneSize(
  { stream, lineId, bytes }: WholeLine,
  candidates: readonly Candidate[],
  prints: Fingerprinter,
  size: number,
): Candidate[] | undefined {
  const found: Candidate[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    prints.ofBytes(stream, secondsOf(lineId), nanosOf(lineId), bytes, at, Math.min(at + size, bytes.length));
    const piece = candidates.find(({ words }) => words.every((word, i) => word === prints.words[i]));
    if (piece === undefined || found.includes(piece)) return undefined;
    found.push(piece);
  }
  return found;
}
