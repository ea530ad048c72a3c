import { sound, type AnchorEntry, type Cursor, type LogPlace } from '../model/cursor.js';
import { searchAnchor } from './anchor-search.js';
import { deliverPassedOver, markGap, type Delivered } from './around-damage.js';
import { LogTooBusy } from './damaged-log.js';
import { gapBefore } from './gap.js';
import { hasHole, LARGEST_WHOLE, LookCutShort, windowForHole } from './hole.js';
import type { PollSum } from './poll-sum.js';
import type { PollContext, PollTask } from './poll-task.js';
import { reachAround } from './recovery.js';
import { isSame } from './shown-entries.js';
import { lastBefore } from './transfer.js';
import { widerWindow } from './window.js';

/** The answer of a poll that held the anchor, or was all that the log had. */
export interface Answered {
  /** The cursor before the poll. */
  readonly before: Cursor;
  readonly window: number | undefined;
  /** Entries. */
  readonly answered: number;
}

/**
 * Looks through what was delivered and not yet looked through; what was passed over is reached from the log's end, and
 * named. A poll that was cut off, or a crash, leaves that to a later poll: so the cursor tells from where on, and is
 * told here that all is sound.
 */
export async function lookForHole(
  context: PollContext,
  task: PollTask,
  sum: PollSum,
  answer: Answered,
): Promise<void> {
  const place = sum.cursor.soundUpTo;
  // Where it hangs at its end, that is worth it at the beginning of a log.
  const wouldHang = task.tailTrouble === 'hangs' && answer.before.anchor.length > 0;
  if (place === undefined || task.signal.aborted || wouldHang) return;
  const { before, window, answered } = answer;
  const wasLeft = place.anchor === before.soundUpTo?.anchor;
  try {
    const isDone = wasLeft
      ? await lookBehindPlace(context, task, sum, place)
      : await nameHole(context, task, sum, before, windowForHole(window, answered), { window, answered });
    if (!isDone || sum.fault !== undefined) return;
  } catch (error) {
    if (!(error instanceof LookCutShort)) throw error;
    sum.fault = error.fault;
    return;
  }
  const whole = sound(sum.cursor);
  await context.commit(whole);
  sum.cursor = whole;
}

/** @returns whether it was found out */
async function nameHole(
  context: PollContext,
  task: PollTask,
  sum: PollSum,
  cursor: Cursor,
  wide: number | undefined,
  delivered: Delivered | undefined,
): Promise<boolean> {
  if (wide === undefined) return true;
  const { container, ended, signal } = task;
  const found = await hasHole(context.read, container, wide, signal);
  if (found !== true) return found === false;
  try {
    await deliverPassedOver(context, task, sum, cursor, delivered);
  } catch (error) {
    if (!(error instanceof LogTooBusy)) throw error;
    const recovered = await reachAround(context, { container, cursor, ended, signal, readPast: true });
    if (recovered) sum.recovered(recovered);
  }
  return true;
}

/**
 * Of what an earlier poll left: its place is looked for first. Where the log was rotated past it, nothing tells any more
 * what was passed over behind it: that is named as a gap.
 *
 * @returns whether it was found out
 */
async function lookBehindPlace(
  context: PollContext,
  task: PollTask,
  sum: PollSum,
  place: LogPlace,
): Promise<boolean> {
  const found = await reachOf(context, task, place);
  // As little as a whole log that large.
  if (found === undefined) return true;
  const cursor: Cursor = { ...sum.cursor, ...place };
  const { first, window, entries: answered } = found;
  // From where on 20.10 goes on behind damage depends on where its answer began, and the polls' are not known any more.
  const delivered = context.sinceSemantics() === 'filter' ? undefined : { window, answered };
  const wide = windowForHole(window, answered);
  if (!(await nameHole(context, task, sum, cursor, wide, delivered))) return false;
  if (first !== undefined && sum.gaps === 0) {
    const { container } = task;
    const gap = gapBefore('rotated', lastBefore(place), first.stamp, container.created);
    await markGap(context, container, gap, first);
    sum.named(gap);
  }
  return true;
}

interface Reach {
  readonly window: number | undefined;
  readonly entries: number;
  /** The first entry of a log that does not reach back so far. */
  readonly first: AnchorEntry | undefined;
}

/**
 * How far back a place is. Undefined: too far to look through.
 *
 * An answer that is shorter than its window shows where the log begins only if a wider one begins there, too. Of a TTY
 * nothing shows that an answer was cut short.
 */
async function reachOf(
  { read, poll }: PollContext,
  { container, signal }: PollTask,
  place: LogPlace,
): Promise<Reach | undefined> {
  const { anchor } = place;
  /** The first entry of the last answer, if that was shorter than its window. */
  let shown: AnchorEntry | undefined;
  let tail = anchor.length === 0 ? LARGEST_WHOLE : poll.window.anchor * 2;
  for (;;) {
    const { found, entries, first, fault } = await searchAnchor(read, container, place, tail, signal);
    if (fault !== undefined) throw new LookCutShort(fault);
    if (found && (anchor.length > 0 || entries < tail)) {
      return { window: anchor.length > 0 ? tail : undefined, entries, first: undefined };
    }
    const isShort = entries < tail;
    if (isShort && isSame(first, shown)) return { window: undefined, entries, first };
    if (tail > LARGEST_WHOLE || (tail === LARGEST_WHOLE && !isShort)) return undefined;
    shown = isShort ? first : undefined;
    tail = tail === LARGEST_WHOLE ? tail + 1 : Math.min(widerWindow(tail) ?? LARGEST_WHOLE, LARGEST_WHOLE);
  }
}
