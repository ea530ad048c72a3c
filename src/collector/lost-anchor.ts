import type { AnchorEntry, Cursor } from '../model/cursor.js';
import { isDaemonError, isTailSearchError } from './answer-faults.js';
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
/** More records than the whole log shows may be damaged, and count for `tail`. */
const MAY_BE_DAMAGED = 1000;
/** Each look at a log that shows nothing has one chance in two to show the error behind it. */
const LOOKS_AT_NOTHING = 32;

/**
 * The whole log does not hold the anchor: perhaps a part of it (a log that lost its end), else there is a gap.
 * Unless the answer was not the whole: at a damaged line the Engine may end it early without a word. So the
 * log's last entry, which `tail=1` shows all the same, must be in it.
 */
export async function readBehindGap(context: PollContext, task: PollTask, sum: PollSum): Promise<void> {
  const hangs = task.tailTrouble === 'hangs';
  const last = hangs ? undefined : await lastEntry(context, task, sum);
  const part = await transfer(context, {
    container: task.container,
    cursor: sum.cursor,
    acceptsPart: true,
    ...(last ? { watchFor: last.stamp } : {}),
    ended: task.ended,
    signal: task.signal,
  });
  sum.add(part);
  const tailFails = last === undefined && !hangs && (await hasNoTail(context, task, sum, part.entries));
  // A log that has entries, and does not show its last record, ends with a damaged one.
  const isHidden = last === undefined ? part.entries > 0 && !hangs : !part.sawWatched;
  if (part.found) {
    // The part may end at a damaged place, and what stands behind that be hidden: the next poll, due at once, tells.
    if (part.fault !== undefined || !isHidden || (last === undefined && !isEndToBeNamed(task, sum))) return;
    if (task.suspect && (last === undefined || part.fresh === 0)) await recover(context, task, sum);
    else sum.suspect = true;
    return;
  }
  if (part.fault !== undefined && !isDaemonError(part.fault)) return;
  // Nothing more is shown by any `tail`, so that there is nothing to be reached behind a damaged place.
  if (!tailFails && (part.fault !== undefined || isHidden)) {
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
    if (isTailSearchError(end.fault)) {
      sum.tail = 'fails';
      return undefined;
    }
    if (end.fault === undefined || !isDaemonError(end.fault) || times === TIMES) {
      if (end.last[0] !== undefined) sum.tail = 'works';
      return end.last[0];
    }
  }
}

/**
 * Whether requests with `tail` show nothing of a log that has entries, whose last one they did not show: neither the
 * widest does, which would begin in front of a damaged record. Engines from 27.4 on report no error then.
 *
 * @param entries that the whole log showed
 */
async function hasNoTail(
  context: PollContext,
  task: PollTask,
  sum: PollSum,
  entries: number,
): Promise<boolean> {
  if (sum.tail !== 'fails' && entries > 0) {
    const all = await look(context.read, task.container, 2 * entries + MAY_BE_DAMAGED, 1, task.signal);
    sum.looked(all.entries, all.bytes);
    const isSearched = all.fault === undefined || isTailSearchError(all.fault);
    if (isSearched && all.entries === 0) sum.tail = 'fails';
  }
  return sum.tail === 'fails';
}

/**
 * Whether a log that answered with nothing is empty. An Engine that cannot read a file of it answers likewise when
 * its error gets lost: the error and the end of the answer wait in two channels, and a select takes either by chance
 * (moby: daemon/logs.go). So it is asked so often that the error would show.
 */
async function isEmpty(context: PollContext, task: PollTask, sum: PollSum): Promise<boolean> {
  for (let looks = 0; looks < LOOKS_AT_NOTHING; looks++) {
    const hasTail = task.tailTrouble !== 'hangs' && sum.tail !== 'fails';
    const end = await look(context.read, task.container, hasTail ? 1 : undefined, 1, task.signal);
    sum.looked(end.entries, end.bytes);
    if (hasTail && isTailSearchError(end.fault)) sum.tail = 'fails';
    else if (end.fault !== undefined) sum.fault = end.fault;
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
  // The whole log was read, up to the damaged place; only what can be shown behind that is left.
  const isSearchDamaged = sum.tail === 'fails';
  if (!mayPassOver(context, container)) {
    const sound = await findSoundAnswer(context.read, container, sum.cursor, signal);
    if (sound !== undefined) {
      const { tail } = sound;
      const which = tail === undefined ? {} : { tail };
      sum.add(await transfer(context, { container, cursor: sum.cursor, ...which, ended, signal }));
      sum.tail = 'works';
      return;
    }
  }
  try {
    // A journal is no file of the container's own, and tells nothing by what `tail` counts.
    const end = isJournald || isSearchDamaged ? 'nothing' : await readAround(context, task, sum);
    if (end === 'damaged' && ended) await nameDamagedEnd(context, task, sum);
    if (end !== 'nothing') return;
  } catch (error) {
    if (!(error instanceof LogTooBusy)) throw error;
  }
  const recovered = await reachAround(context, { container, cursor: sum.cursor, ended, signal });
  if (recovered) {
    sum.recovered(recovered);
    if (isSearchDamaged) sum.tail = 'works';
  } else if (isSearchDamaged || (await hasNoTail(context, task, sum, await entriesOf(context, task, sum)))) {
    // Only the end of a log that nothing more is written to can be damaged for good: while the container runs, what is
    // written next can be shown, or the daemon has another size of the file in mind until it opens it anew.
    if (ended) await nameDamagedEnd(context, task, sum);
  } else if (sum.fault === undefined) {
    // A moment ago there was no error.
    sum.suspect = true;
  }
}

/** How many entries the whole log shows. */
async function entriesOf(context: PollContext, task: PollTask, sum: PollSum): Promise<number> {
  const all = await look(context.read, task.container, undefined, 1, task.signal);
  sum.looked(all.entries, all.bytes);
  return all.entries;
}
