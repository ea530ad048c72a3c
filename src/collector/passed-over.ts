import type { ContainerRef } from '../model/container.js';
import { sound, type AnchorEntry, type Cursor, type LogPlace } from '../model/cursor.js';
import { searchAnchor } from './anchor-search.js';
import { gapLine, type Gap } from './gap.js';
import { hasHole, LARGEST_WHOLE, LookCutShort, windowForHole } from './hole.js';
import type { PollSum } from './poll-sum.js';
import type { PollContext, PollTask } from './poll-task.js';
import { reachAround } from './recovery.js';
import { lastStamp } from './transfer.js';
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
 * Whether the Engine may pass over entries in the middle of this log without a word. 20.10 may in the log of a json-file.
 * From Engine 23 on an answer ends where the damage is; from 27.4 on it goes on with the next file, if there is one.
 */
export function mayPassOver(
  { sinceSemantics, passesOverFiles }: Pick<PollContext, 'sinceSemantics' | 'passesOverFiles'>,
  { logDriver, singleFile }: ContainerRef,
): boolean {
  if (sinceSemantics() === 'filter') return logDriver === 'json-file';
  return singleFile !== true && passesOverFiles?.() === true;
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
  const wouldHang = task.tailHangs && answer.before.anchor.length > 0;
  if (place === undefined || task.signal.aborted || wouldHang) return;
  const { before, window, answered } = answer;
  const wasLeft = place.anchor === before.soundUpTo?.anchor;
  try {
    const isDone = wasLeft
      ? await lookBehindPlace(context, task, sum, place)
      : await nameHole(context, task, sum, before, windowForHole(window, answered));
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
  { container, ended, signal }: PollTask,
  sum: PollSum,
  cursor: Cursor,
  wide: number | undefined,
): Promise<boolean> {
  if (wide === undefined) return true;
  const found = await hasHole(context.read, container, wide, signal);
  if (found !== true) return found === false;
  const recovered = await reachAround(context, { container, cursor, ended, signal, readPast: true });
  if (recovered) sum.recovered(recovered);
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
  const found = await reachOf(context, task, place.anchor);
  // As little as a whole log that large.
  if (found === undefined) return true;
  const cursor: Cursor = { ...sum.cursor, ...place };
  const wide = windowForHole(found.window, found.entries);
  if (!(await nameHole(context, task, sum, cursor, wide))) return false;
  const { first } = found;
  if (first !== undefined && !sum.hasRecovered) await mark(context, task.container, place, first);
  return true;
}

interface Reach {
  readonly window: number | undefined;
  readonly entries: number;
  /** The first entry of a log that does not reach back so far. */
  readonly first: AnchorEntry | undefined;
}

/** How far back a place is. Undefined: too far to look through. */
async function reachOf(
  { read, poll }: PollContext,
  { container, signal }: PollTask,
  anchor: readonly AnchorEntry[],
): Promise<Reach | undefined> {
  let tail = anchor.length === 0 ? LARGEST_WHOLE : poll.window.anchor * 2;
  for (;;) {
    const { found, entries, first, fault } = await searchAnchor(read, container, anchor, tail, signal);
    if (fault !== undefined) throw new LookCutShort(fault);
    if (found && (anchor.length > 0 || entries < tail)) {
      return { window: anchor.length > 0 ? tail : undefined, entries, first: undefined };
    }
    if (entries < tail) return { window: undefined, entries, first };
    if (tail >= LARGEST_WHOLE) return undefined;
    tail = Math.min(widerWindow(tail) ?? LARGEST_WHOLE, LARGEST_WHOLE);
  }
}

/** Puts the mark of a gap before the first entry that the log still has; that and all behind it was delivered. */
async function mark(
  context: PollContext,
  container: ContainerRef,
  place: LogPlace,
  { stamp, stream }: AnchorEntry,
): Promise<void> {
  const gap: Gap = { cause: 'rotated', lastDelivered: lastStamp(place.anchor), firstAvailable: stamp };
  if (context.settings.gapMarker) {
    const batch = context.newBatch(container, stream);
    const { seconds, nanos, text } = gapLine(container.name, gap);
    batch.append(seconds, nanos, text, 0, text.length);
    await context.push(batch);
  }
  context.onGap(container, gap);
}
