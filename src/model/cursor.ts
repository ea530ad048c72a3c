import type { Nanoseconds } from './nanoseconds.js';
import type { StreamName } from './container.js';

/** One entry (a chunk, not a line) of a container's log, as it is recognised again in a later answer. */
export interface AnchorEntry {
  readonly stamp: Nanoseconds;
  readonly stream: StreamName;
  /** 16 hexadecimal digits of a hash over the entry's text. */
  readonly hash: string;
}

/** The chunks read so far of a line that is still open: carried to the next poll, and through a restart. */
export interface OpenLine {
  readonly stream: StreamName;
  /** The stamp of the line's first chunk, which all its chunks carry. */
  readonly stamp: Nanoseconds;
  /** What was not delivered yet. */
  readonly text: Uint8Array;
  /**
   * The line was decided to be cut here (it stayed open too long). The decision is stored before the delivery, so
   * that a replay after a crash cuts the line at the same place.
   */
  readonly cut: boolean;
  /** Left out: no piece of the line was delivered yet. */
  readonly delivered?: DeliveredPieces;
}

/** The pieces of an open line that were delivered: so the next one gets its number and timestamp. */
export interface DeliveredPieces {
  readonly count: number;
  /** The timestamp of the first piece. */
  readonly lineId: Nanoseconds;
}

/**
 * The timestamps that lines or pieces of a stream have taken, from the first to the last: the pieces of a long line
 * have consecutive ones, and so have lines of equal timestamps that are moved apart (`lines.equal_stamps: shift`).
 */
export interface MovedStamp {
  /** The last line's stamp as the Engine gave it. */
  readonly stamp: Nanoseconds;
  /** The stamp that it, or its last piece, was delivered with. */
  readonly assigned: Nanoseconds;
}

/**
 * A place in one container's log: every entry up to the last one of the anchor, in file order, was delivered,
 * but for the open lines carried here. An empty anchor means the beginning of the log.
 */
export interface LogPlace {
  /** The last entries read, in file order, oldest first. */
  readonly anchor: readonly AnchorEntry[];
  /** At most one a stream. */
  readonly open: readonly OpenLine[];
  readonly moved: Readonly<Partial<Record<StreamName, MovedStamp>>>;
}

/** What was read of a log from its beginning on, as far as it matters whether older entries were rotated away. */
export interface LogStart {
  /** Of the first entry. */
  readonly stamp: Nanoseconds;
  readonly stream: StreamName;
  /** Files of the Engine's log that the entries fill, and bytes in the file behind those. */
  readonly fullFiles: number;
  readonly bytes: number;
}

/** The place that a container's log was read to. */
export interface Cursor extends LogPlace {
  readonly containerId: string;
  /** For people: the name when the cursor was written. */
  readonly containerName: string;
  /**
   * The container had ended, or was removed, and nothing more is to come but after another start: when it is gone
   * later, nothing is missing.
   */
  readonly complete?: boolean;
  /**
   * Only of an Engine that may pass over entries without a word: what follows this place was delivered, but not yet
   * looked through for such a hole. Left out: nothing is to be looked through.
   */
  readonly soundUpTo?: LogPlace;
  /**
   * Only while the first answer is being delivered: it is not yet known whether entries before the first one may have
   * been rotated away.
   */
  readonly start?: LogStart;
  /** When the cursor was committed, ns wall clock. For people and for the grace period. */
  readonly committedAt: Nanoseconds;
}

/** The same place, when what was delivered up to it is known to be all that there was, or was named. */
export function sound(cursor: Cursor): Cursor {
  const known = { ...cursor };
  delete known.soundUpTo;
  return known;
}

/** The same place, of a container of which more may come. */
export function reopened(cursor: Cursor): Cursor {
  const open = { ...cursor };
  delete open.complete;
  return open;
}
