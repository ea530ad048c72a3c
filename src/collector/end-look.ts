import type { ContainerRef } from '../model/container.js';
import type { Cursor } from '../model/cursor.js';
import { look, sameEntry } from './look.js';
import { isSame } from './shown-entries.js';
import { PollSum, type PollReport } from './poll-sum.js';
import type { PollContext } from './poll-task.js';

export interface EndLook {
  /**
   * `same`: the log ends with the entry delivered last. `grown`: with another one. `unclear`: the Engine did not show
   * its end.
   */
  readonly found: 'same' | 'grown' | 'unclear';
  /** What the look came to, as a poll that found nothing new. */
  readonly report: PollReport;
}

/** Compares the last entry of a log (`tail=1`) with the one that was delivered last. Rejects as `read` does. */
export async function lookAtEnd(
  { read }: Pick<PollContext, 'read'>,
  container: ContainerRef,
  cursor: Cursor,
  signal: AbortSignal,
): Promise<EndLook> {
  const end = await look(read, container, 1, 1, signal);
  const sum = new PollSum(cursor);
  sum.looked(end.entries, end.bytes);
  const report = sum.report(1);
  if (end.fault !== undefined) return { found: 'unclear', report };
  const delivered = cursor.anchor.at(-1);
  // An empty answer: the log was emptied, or its last record is damaged, which Engine 20.10 and those from 27.4 on do
  // not report. A poll finds out.
  if (end.last.length === 0) return { found: delivered === undefined ? 'same' : 'unclear', report };
  if (!sameEntry(end.last[0], delivered)) return { found: 'grown', report };
  // Chunks of one line have one timestamp, and more of them may have been written since. A poll finds out.
  return { found: end.isLone && isSame(end.last[0], delivered) ? 'same' : 'unclear', report };
}

/** Whether such a look is enough: nothing but what follows the place is left to be delivered or looked through. */
export function isPlaceAlone({ open, soundUpTo }: Cursor): boolean {
  return open.length === 0 && soundUpTo === undefined;
}
