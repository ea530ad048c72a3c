import type { Random } from '../../model/clock.js';
import { CHUNK_BYTES } from './entry.js';
import type { BodyFault } from './faults.js';
import { errorOnWire, frame, STREAM_TYPE } from './wire.js';

/** How a body goes over the wire. */
export interface BodyPlan {
  /** Each is one write. May be without end. */
  readonly writes: Iterable<Buffer>;
  /** After the last: a proper end, a broken connection, or nothing for ever. */
  readonly ending: 'end' | 'break' | 'hang';
  /** ms to wait before each write */
  readonly everyMs?: number;
}

export interface BodyKind {
  /** `frames`: multiplexed; `raw`: a TTY's text; `json`: neither. */
  readonly kind: 'frames' | 'raw' | 'json';
  /** What stands before a line, for lines made up. */
  readonly stampPrefix: string;
}

const FOUR_GIB = 0xffffffff;
const JUNK = Buffer.alloc(64 * 1024, 'x');

/** What becomes of a body under a fault. */
export function planBody(
  pieces: Iterable<Buffer>,
  fault: BodyFault | undefined,
  body: BodyKind,
  random: Random,
): BodyPlan {
  if (fault === undefined) return { writes: pieces, ending: 'end' };
  switch (fault.kind) {
    case 'reset':
      return {
        writes: cutAfter(pieces, fault.afterPieces, fault.insidePiece ?? false, random),
        ending: 'break',
      };
    case 'truncate':
      return { writes: cutAfter(pieces, fault.afterPieces, true, random), ending: 'end' };
    case 'daemon_error':
      return { writes: withError(pieces, fault, body), ending: 'end' };
    case 'drip':
      return { writes: pieceMeal(pieces, () => fault.bytes), ending: 'end', everyMs: fault.everyMs };
    case 'scatter':
      return {
        writes: pieceMeal(pieces, () => 1 + Math.floor(random() * fault.maxBytes)),
        ending: 'end',
      };
    case 'huge_frame':
      return { writes: hugeFrame(pieces, fault.afterPieces, fault.claims ?? FOUR_GIB), ending: 'hang' };
    case 'endless_line':
      return { writes: endlessLine(pieces, fault.afterPieces, body), ending: 'hang' };
    case 'repeat':
      return { writes: repeated(fault.piece, fault.times), ending: 'end' };
    case 'stall':
      return { writes: first(pieces, fault.afterPieces), ending: 'hang' };
    case 'never_ends':
      return { writes: pieces, ending: 'hang' };
    case 'hang_after_header':
      return { writes: [], ending: 'hang' };
  }
}

function* first(pieces: Iterable<Buffer>, count: number): Generator<Buffer> {
  if (count <= 0) return;
  let sent = 0;
  for (const piece of pieces) {
    yield piece;
    if (++sent >= count) return;
  }
}

/** So many pieces, and of the next one a beginning. */
function* cutAfter(
  pieces: Iterable<Buffer>,
  count: number,
  inside: boolean,
  random: Random,
): Generator<Buffer> {
  let sent = 0;
  for (const piece of pieces) {
    if (sent++ < count) {
      yield piece;
      continue;
    }
    if (inside && piece.length > 1) yield piece.subarray(0, 1 + Math.floor(random() * (piece.length - 1)));
    return;
  }
}

function* withError(
  pieces: Iterable<Buffer>,
  fault: Extract<BodyFault, { kind: 'daemon_error' }>,
  body: BodyKind,
): Generator<Buffer> {
  yield* first(pieces, Math.max(0, fault.afterPieces - (fault.swallows ?? 0)));
  yield errorOnWire(fault.message, body.kind !== 'frames');
}

/** The same bytes in writes of other sizes, which keep no boundary. */
function* pieceMeal(pieces: Iterable<Buffer>, nextSize: () => number): Generator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  let size = nextSize();
  for (const piece of pieces) {
    held = held.length === 0 ? piece : Buffer.concat([held, piece]);
    let at = 0;
    while (held.length - at >= size) {
      yield held.subarray(at, at + size);
      at += size;
      size = nextSize();
    }
    held = held.subarray(at);
  }
  if (held.length > 0) yield held;
}

function* hugeFrame(pieces: Iterable<Buffer>, after: number, claims: number): Generator<Buffer> {
  yield* first(pieces, after);
  const header = Buffer.from([STREAM_TYPE.stdout, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(claims, 4);
  yield header;
  let sent = 0;
  while (sent < claims) {
    const size = Math.min(JUNK.length, claims - sent);
    yield JUNK.subarray(0, size);
    sent += size;
  }
}

/** Few large writes, as an answer of JSON comes. */
function* repeated(piece: string, times: number): Generator<Buffer> {
  const many = Math.max(1, Math.floor(JUNK.length / piece.length));
  for (let left = times; left > 0; left -= many) yield Buffer.from(piece.repeat(Math.min(many, left)));
}

function* endlessLine(pieces: Iterable<Buffer>, after: number, body: BodyKind): Generator<Buffer> {
  yield* first(pieces, after);
  const chunk = Buffer.concat([Buffer.from(body.stampPrefix), JUNK.subarray(0, CHUNK_BYTES)]);
  const piece = body.kind === 'frames' ? frame(STREAM_TYPE.stdout, chunk) : chunk;
  for (;;) yield piece;
}
