import { bornUnderWatch } from '../../collector/fleet.js';
import { lastStamp } from '../../collector/transfer.js';
import type { Config } from '../../config/schema.js';
import { formatDuration } from '../../config/values.js';
import type { ContainerSummary } from '../../model/container.js';
import type { Cursor } from '../../model/cursor.js';
import type { Nanoseconds } from '../../model/nanoseconds.js';
import { formatInstant } from '../view/times.js';

/** Where the log of a container would be read from, and why there. */
export interface Begin {
  readonly from: 'cursor' | 'birth' | 'start';
  /** For people. */
  readonly text: string;
  /** Of the last entry delivered, with a cursor that has one. */
  readonly delivered: Nanoseconds | undefined;
}

/**
 * As PollRunner begins a container: behind its cursor, else at its beginning if it was made while the state directory
 * was watched, else as the start policy says.
 *
 * @param watchSince wall clock
 */
export function beginOf(
  container: ContainerSummary,
  cursor: Cursor | undefined,
  start: Config['start'],
  watchSince: Nanoseconds,
): Begin {
  if (cursor !== undefined) {
    const delivered = lastStamp(cursor.anchor);
    if (delivered === 0n) return begin('cursor', 'at its beginning (cursor)');
    return { ...begin('cursor', `behind ${formatInstant(delivered)} (cursor)`), delivered };
  }
  if (bornUnderWatch(container, watchSince)) return begin('birth', 'at its beginning (made under watch)');
  if (start === 'beginning') return begin('start', 'at its beginning (start)');
  if (start === 'end') return begin('start', 'at its end (start)');
  return begin('start', `${formatDuration(start.backMs)} back (start)`);
}

function begin(from: Begin['from'], text: string): Begin {
  return { from, text, delivered: undefined };
}
