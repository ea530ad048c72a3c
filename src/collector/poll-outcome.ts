import type { ContainerDetails } from '../model/container.js';
import { isDaemonError } from './answer-faults.js';
import type { ContainerState } from './container-state.js';
import type { PollReport } from './poll.js';
import type { TailTrouble } from './poll-task.js';
import { longestPause } from './retention.js';
import { lastStamp } from './transfer.js';

/** Whether more lines are known than those that were delivered. */
export function noteDelivered(
  { undelivered }: ContainerState,
  { fault, suspect, fresh, cursor }: PollReport,
): void {
  if (fault === undefined && !suspect) return undelivered.done();
  if (fault === undefined) return;
  if (fresh > 0) undelivered.cutOff(lastStamp(cursor.anchor));
  // All that the Engine shows of a damaged log was delivered.
  else if (isDaemonError(fault)) undelivered.done();
}

/** The whole log is read without `tail` as long as it comes; else the Engine fails on anything. */
export function tailTroubleAfter(
  { tailTrouble }: ContainerState,
  { tail, fault }: PollReport,
): TailTrouble | undefined {
  if (tail !== undefined) return tail === 'works' ? undefined : tail;
  return fault === undefined ? tailTrouble : undefined;
}

/** How long the next poll may wait by what the log keeps, ms. */
export function pauseWithin(
  { logLimit }: ContainerDetails,
  { polledAt, rate }: ContainerState,
  { lines, lineBytes, rejected, rejectedBytes }: PollReport,
): number {
  if (logLimit === undefined) return Infinity;
  const entries = polledAt === undefined ? undefined : rate;
  return longestPause(logLimit, {
    entries,
    lines: lines + rejected,
    bytes: lineBytes + rejectedBytes,
  });
}
