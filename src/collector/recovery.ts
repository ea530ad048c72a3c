import type { ContainerRef } from '../model/container.js';
import type { Cursor } from '../model/cursor.js';
import { searchAnchor } from './anchor-search.js';
import { mayBeDamage } from './answer-faults.js';
import { isWholeLog } from './hole.js';
import { look, type Look } from './look.js';
import { transfer, type TransferContext, type TransferResult } from './transfer.js';

export interface RecoveryTask {
  readonly container: ContainerRef;
  /** Where the log was read past the damaged place: the cursor from before. */
  readonly cursor: Cursor;
  readonly ended: boolean;
  readonly signal: AbortSignal;
  /**
   * The log was read past the damaged place, and only perhaps something passed over: what follows the cursor without
   * a break is not read again.
   */
  readonly readPast?: boolean;
}

/** What was found behind a damaged place. */
export interface Recovered {
  /** The widest window that the Engine answered in full, entries. */
  readonly readable: number;
  /** What was delivered of it; undefined: it follows the cursor without a break, and was left to the polls. */
  readonly result: TransferResult | undefined;
}

/** The furthest back that is tried; damage is met close to the end of the log, soon after it happened. */
const FURTHEST = 1_000_000;
/** So often a place is looked at again before it is taken for damaged: an error that passes by is not there each time. */
const AGAIN = 5;
/** Of one search. One that is led astray more often takes what it has; so does that of a log which grows all the time. */
const MOST_LOOKS = 100;

/**
 * Reads what lies behind a damaged place of a log. Depending on the version the Engine skips a damaged line,
 * ends the answer with an error, or drops the rest of the file without a word; but `tail` begins behind the
 * damage where the window is small enough. Looks for the widest window that the Engine answers in full, and
 * delivers it as what follows a gap.
 *
 * Rejects when the answer that would have to show the damage was cut short otherwise: that says nothing of the log.
 *
 * @returns undefined when no window could be read
 */
export async function reachAround(
  context: TransferContext,
  task: RecoveryTask,
): Promise<Recovered | undefined> {
  const tail = await widestReadable(context, task);
  if (tail === undefined) return undefined;
  const follows = await reachesAnchor(context, task, tail);
  if (follows && task.readPast === true) return { readable: tail, result: undefined };
  const behindGap = follows ? {} : ({ behindGap: 'unreadable' } as const);
  for (let times = 0; ; times++) {
    const result = await transfer(context, { ...task, tail, ...behindGap });
    // It was answered in full a moment ago.
    const isAgain = result.entries === 0 && result.fault !== undefined && mayBeDamage(result.fault);
    if (!isAgain || times === AGAIN) return { readable: tail, result };
  }
}

/**
 * The daemon reports what is only for a moment wrong with it as it does a damaged record. But that is at the same place
 * at each look: so the search goes on behind a place that can be read after all.
 */
async function widestReadable(context: TransferContext, task: RecoveryTask): Promise<number | undefined> {
  let looks = 0;
  const lookAt = async (tail: number): Promise<Look> => {
    looks++;
    // What has no newline at the end counts: the container may have ended since it was inspected.
    return await look(context.read, { ...task.container, running: false }, tail, 1, task.signal);
  };
  const readable = async (tail: number): Promise<boolean> => isWhole(await lookAt(tail), tail);
  const becomesReadable = async (tail: number): Promise<boolean> => {
    for (let times = 0; times < AGAIN && looks < MOST_LOOKS; times++) {
      const seen = await lookAt(tail);
      if (isWhole(seen, tail)) return true;
      if (seen.fault !== undefined && !mayBeDamage(seen.fault)) throw seen.fault;
      // All that there is, or what hides without an error, and does not pass by.
      if (seen.fault === undefined && times > 0) return false;
    }
    return false;
  };
  // Where the log was read past the damage, there is no other time.
  if (!(await (task.readPast === true ? becomesReadable(1) : readable(1)))) return undefined;
  for (let good = 1; ; good++) {
    good = await widestFrom(good, readable);
    if (good >= FURTHEST || !(await becomesReadable(good + 1))) return good;
  }
}

/**
 * More entries than were asked for are no damage: journald goes back by so many and then reads to the end as it is when
 * it gets there (moby: daemon/logger/journald/read.go), and a log in files may have two entries on one line.
 */
function isWhole({ fault, entries }: Look, tail: number): boolean {
  return fault === undefined && entries >= tail;
}

/** By doubling, and by halving what lies between. @param good a window that is readable */
async function widestFrom(good: number, readable: (tail: number) => Promise<boolean>): Promise<number> {
  let bad = 2 * good;
  while (bad <= FURTHEST && (await readable(bad))) {
    good = bad;
    bad *= 2;
  }
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (await readable(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

/** Without an anchor all of the log is new, and so no window follows the cursor but one that is all of it. */
async function reachesAnchor(context: TransferContext, task: RecoveryTask, tail: number): Promise<boolean> {
  const { container, signal } = task;
  const { anchor } = task.cursor;
  if (anchor.length === 0) return await isWholeLog(context.read, container, tail, signal);
  for (let times = 0; ; times++) {
    const { found, fault } = await searchAnchor(context.read, container, task.cursor, tail, signal);
    if (found || fault === undefined) return found;
    // It was answered in full a moment ago.
    if (!mayBeDamage(fault) || times === AGAIN) throw fault;
  }
}
