import type { Nanoseconds } from '../model/nanoseconds.js';
import type { EntrySet } from './entry-set.js';
import type { StreamTarget } from './stream-target.js';
import type { RefusalKind } from './verdict.js';

/** Lines of one stream that Loki does not accept and of which no copy is kept: they are counted and reported. */
export interface UnstoredLines {
  readonly target: StreamTarget;
  readonly kind: RefusalKind;
  /** Why Loki does not accept them. */
  readonly reason: string;
  readonly lines: number;
  /** The lowest timestamp. */
  readonly from: Nanoseconds;
  /** The highest. */
  readonly until: Nanoseconds;
}

/** The entries of a set, counted. @param entries not empty */
export function unstored(entries: EntrySet, kind: RefusalKind, reason: string): UnstoredLines {
  let from = entries.stampAt(0);
  let until = from;
  for (let i = 1; i < entries.size; i++) {
    const stamp = entries.stampAt(i);
    if (stamp < from) from = stamp;
    if (stamp > until) until = stamp;
  }
  return { target: entries.target, kind, reason, lines: entries.size, from, until };
}
