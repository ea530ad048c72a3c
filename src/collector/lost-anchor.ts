import type { AnchorEntry, Cursor } from '../model/cursor.js';
import { isDaemonError } from './answer-faults.js';
import { isEndToBeNamed, nameDamagedEnd, readAround } from './around-damage.js';
import { LogTooBusy } from './damaged-log.js';
import { look } from './look.js';
import { mayPassOver } from './may-pass-over.js';
import type { PollSum } from './poll-sum.js';
import type { PollContext, PollTask } from './poll-task.js';
import { reachAround } from './recovery.js';
import { findSoundAnswer } from './sound-answer.js';
import { transfer } from './transfer.js';

/** So often the last entry is looked at, where the daemon has an error that may pass by. */
const TIMES = 3;
/** Each look at a log that shows nothing has one chance in two to show the error behind it. */
const LOOKS_AT_NOTHING = 32;

/**
 * The whole log does not hold the anchor: perhaps a part of it (a log that lost its end), else there is a gap.
 * Unless the answer was not the whole: at a damaged line the Engine may end it early without a word. So the
 * log's last entry, which `tail=1` shows all the same, must be in it.
 */
export async function readBehindGap(context: PollContext, task: PollTask, sum: PollSum): Promise<void> {
  const last = task.tailHangs ? undefined : await lastEntry(context, task, sum);
  const part = await transfer(context, {
    container: task.container,
    cursor: sum.cursor,
    acceptsPart: true,
    ...(last ? { watchFor: last.stamp } : {}),
    ended: task.ended,
    signal: task.signal,
  });
  sum.add(part);
  // A log that has entries, and does not show its last record, ends with a damaged one.
  const isHidden = last === undefined ? part.entries > 0 && !task.tailHangs : !part.sawWatched;
  if (part.found) {
    // The part may end at a damaged place, and what stands behind that be hidden: the next poll, due at once, tells.
    if (part.fault !== undefined || !isHidden || (last === undefined && !isEndToBeNamed(task, sum))) return;
    if (last === undefined && task.suspect) await recover(context, task, sum);
    else sum.suspect = true;
    return;
  }
  if (part.fault !== undefined && !isDaemonError(part.fault)) return;
  if (part.fault !== undefined || isHidden) {
    await recover(context, task, sum);
    return;
  }
  // Without `since`: behind a clock step back, all that is left may be stamped before the anchor.
  const behind = {
    container: task.container,
    behindGap: 'rotated',
    ended: task.ended,
    signal: task.signal,
  } as const;
  const result = await transfer(context, { ...behind, cursor: sum.cursor });
  sum.add(result);
  if (result.entries > 0 || result.fault !== undefined || !(await isEmpty(context, task, sum))) return;
  // Nothing is known to be missing, and whatever comes next is new.
  const nothing = await transfer(context, { ...behind, cursor: sum.cursor, emptied: true });
  sum.add(nothing);
  if (nothing.entries > 0 || nothing.fault !== undefined) return;
  const empty: Cursor = { ...sum.cursor, anchor: [], open: [], committedAt: context.clock.now() };
  await context.commit(empty);
  sum.cursor = empty;
}

async function lastEntry(
  context: PollContext,
  task: PollTask,
  sum: PollSum,
): Promise<AnchorEntry | undefined> {
  for (let times = 1; ; times++) {
    const end = await look(context.read, task.container, 1, 1, task.signal);
    sum.looked(end.entries, end.bytes);
    if (end.fault === undefined || !isDaemonError(end.fault) || times === TIMES) return end.last[0];
  }
}

/**
 * Whether a log that answered with nothing is empty. An Engine that cannot read a file of it answers likewise when
 * its error gets lost: the error and the end of the answer wait in two channels, and a select takes either by chance
 * (moby: daemon/logs.go). So it is asked so often that the error would show.
 */
async function isEmpty(context: PollContext, task: PollTask, sum: PollSum): Promise<boolean> {
  for (let looks = 0; looks < LOOKS_AT_NOTHING; looks++) {
    const end = await look(context.read, task.container, task.tailHangs ? undefined : 1, 1, task.signal);
    sum.looked(end.entries, end.bytes);
    if (end.fault !== undefined) sum.fault = end.fault;
    // Written just now, then.
    else if (end.entries > 0) sum.suspect = true;
    else continue;
    return false;
  }
  return true;
}

/** Reads what lies behind a damaged place. If nothing could be read there, that is left to the next poll. */
export async function recover(context: PollContext, task: PollTask, sum: PollSum): Promise<void> {
  const { container, ended, signal } = task;
  const isJournald = container.logDriver === 'journald';
  // journald of these Engines shows no empty lines, but counts them: nothing tells whether a window came in full.
  if (context.sinceSemantics() === 'filter' && isJournald) return;
  if (!mayPassOver(context, container)) {
    const sound = await findSoundAnswer(context.read, container, sum.cursor.anchor, signal);
    if (sound !== undefined) {
      const { tail } = sound;
      const which = tail === undefined ? {} : { tail };
      sum.add(await transfer(context, { container, cursor: sum.cursor, ...which, ended, signal }));
      return;
    }
  }
  try {
    // A journal is no file of the container's own, and tells nothing by what `tail` counts.
    const end = isJournald ? 'nothing' : await readAround(context, task, sum);
    if (end === 'damaged' && ended) await nameDamagedEnd(context, task, sum);
    if (end !== 'nothing') return;
  } catch (error) {
    if (!(error instanceof LogTooBusy)) throw error;
  }
  const recovered = await reachAround(context, { container, cursor: sum.cursor, ended, signal });
  if (recovered) sum.recovered(recovered);
  // A moment ago there was no error.
  else if (sum.fault === undefined) sum.suspect = true;
}
