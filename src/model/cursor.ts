import type { Nanoseconds } from './nanoseconds.js';
import type { StreamName } from './container.js';

/**
 * What became of an entry of the anchor run:
 * - `sent`: Loki has acknowledged the line it belongs to;
 * - `open`: it is a chunk of a line still open, to be read again;
 * - `cut`: the open line was decided to end here (too old or too long) but is not delivered yet. The decision
 *   is stored before the delivery, so that a replay after a crash cuts the line at the same place.
 */
export type AnchorState = 'sent' | 'open' | 'cut';

/** One entry (a chunk, not a line) of a container's log, as it is recognised again in a later answer. */
export interface AnchorEntry {
  readonly stamp: Nanoseconds;
  readonly stream: StreamName;
  /** 16 hexadecimal digits of a hash over the entry's text. */
  readonly hash: string;
  readonly state: AnchorState;
}

/**
 * A place in one container's log: everything up to the last anchor entry, in file order, was delivered
 * (but for the entries marked otherwise). An empty anchor means the beginning of the log.
 */
export interface Cursor {
  readonly containerId: string;
  /** For people: the name when the cursor was written. */
  readonly containerName: string;
  /** The last delivered entries in file order, oldest first. */
  readonly anchor: readonly AnchorEntry[];
  /** How many entries at the end of the delivered log share the last stamp, for lines moved apart by 1 ns. */
  readonly equalStamps: number;
  /** When the cursor was committed, ns wall clock. For people and for the grace period. */
  readonly committedAt: Nanoseconds;
}
