import type { ContainerRef } from '../model/container.js';
import { sound, type AnchorEntry, type Cursor, type OpenLine } from '../model/cursor.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import { mayBeDamage } from './answer-faults.js';
import { DamagedLog, LogTooBusy } from './damaged-log.js';
import { gapBefore, gapLine, type Gap } from './gap.js';
import { whatIsPassedOver } from './may-pass-over.js';
import type { PollSum } from './poll-sum.js';
import type { PollContext, PollTask } from './poll-task.js';
import type { OpenStamps } from './shown-entries.js';
import { lastBefore, transfer, type TransferRequest, type TransferResult } from './transfer.js';

/** So often a run is asked for again, where an answer began elsewhere or the daemon's error came first. */
const TIMES = 16;
/** Requests of one poll, about; what is left of a log with many damaged places is left to the next poll. */
const MOST_LOOKS = 1000;

/**
 * Reads on behind the cursor in a log with damaged places: delivers each run of sound entries from its first one on, in
 * the order of the log, and names each damaged place between them.
 *
 * @returns where the log ends with a damaged place: `damaged`; `nothing` when nothing could be shown at all
 * @throws LogTooBusy when the log is written to too fast
 */
export async function readAround(
  context: PollContext,
  task: PollTask,
  sum: PollSum,
): Promise<'sound' | 'damaged' | 'nothing' | 'unfinished'> {
  const passesOver = whatIsPassedOver(context, task.container) !== 'nothing';
  const log = await openLog(context, task);
  let isBehindDamage = false;
  const located = await log.locate(sum.cursor.anchor);
  let position: number;
  if (located === undefined) {
    const oldest = await log.oldest();
    const last = sum.cursor.anchor.at(-1);
    // A place that is not found may be there, in front of what would be delivered once more.
    if (oldest === undefined || (last !== undefined && last.stamp >= oldest.first.stamp)) return 'nothing';
    position = oldest.position;
    isBehindDamage = oldest.isBehindDamage || last !== undefined;
  } else {
    position = located - 1;
  }
  if (located !== undefined && position <= 0 && task.ended && sum.cursor.open.length > 0) {
    await endOpenLines(context, task, sum, log, located);
  }
  /** Of the run that is read; undefined while no damage was met. */
  let length: number | undefined;
  while (position > 0) {
    if (log.looks > MOST_LOOKS && sum.fresh > 0) {
      sum.suspect = true;
      return 'unfinished';
    }
    const first = await log.soundAt(position);
    if (first === undefined) {
      isBehindDamage = true;
      position = await log.nextSound(position);
      continue;
    }
    const most = passesOver ? (await log.runFrom(position)).length : Infinity;
    const where = isBehindDamage ? ({ behindGap: 'unreadable' } as const) : {};
    // All up to here was looked through.
    const cursor = sound(sum.cursor);
    const request = { container: task.container, cursor, ...where, ended: task.ended };
    const result = await take(context, log, position, { ...request, signal: task.signal }, first, most);
    if (result === undefined) throw new LogTooBusy();
    sum.add(result);
    if (isBehindDamage) length = result.fresh;
    else if (length !== undefined) length += result.fresh;
    if (result.fault !== undefined && task.signal.aborted) return 'unfinished';
    isBehindDamage = false;
    position -= result.fresh;
    if (position <= 0 && length !== undefined) sum.recovered({ readable: length, result: undefined });
  }
  if (isBehindDamage) return 'damaged';
  // What a wider window met with stands before the place of the cursor.
  if (sum.fault !== undefined && mayBeDamage(sum.fault)) sum.fault = undefined;
  if (length === undefined && located !== undefined) {
    sum.recovered({ readable: await log.reachBack(located), result: undefined });
  }
  return 'sound';
}

/**
 * Delivers what an ended container left without a newline, where nothing follows the place of the cursor. The answer
 * that showed it was not continuous with the place, so nothing ended the lines that are open there.
 */
async function endOpenLines(
  context: PollContext,
  task: PollTask,
  sum: PollSum,
  log: DamagedLog,
  located: number,
): Promise<void> {
  const { container, ended, signal } = task;
  const [last] = sum.cursor.anchor.slice(-1);
  // Where the Engine is asked from the entry delivered last on, the damage before it is not in the answer.
  const cursor: Cursor = { ...sum.cursor, anchor: last === undefined ? [] : [last] };
  sum.add(
    await transfer(context, {
      container,
      cursor,
      tail: log.tailOf(located),
      beginsAtAnchor: true,
      ended,
      signal,
    }),
  );
}

/**
 * Delivers what was passed over behind a place, and what follows it up to there was delivered: the runs of sound entries
 * that an answer from that place on does not show. Each damaged place is named.
 *
 * @param place the cursor before; nothing that stands before it is looked at
 * @param delivered the answer that was delivered; undefined: that is not known, and all is delivered again
 */
export async function deliverPassedOver(
  context: PollContext,
  task: PollTask,
  sum: PollSum,
  place: Pick<Cursor, 'anchor' | 'open'>,
  delivered: Delivered | undefined,
): Promise<void> {
  const { container, ended, signal } = task;
  const log = await openLog(context, task);
  const shown = await shownBy(log, delivered, sum.cursor.anchor.at(-1));
  const located = await log.locate(place.anchor);
  const oldest = located === undefined ? await log.oldest() : undefined;
  // The poll may have named that already.
  const isRotated = place.anchor.length > 0 && sum.gaps === 0;
  let position = located === undefined ? (oldest?.position ?? 0) : located - 1;
  let before = lastBefore({ anchor: place.anchor, open: place.open });
  let isBehindDamage = oldest !== undefined && (oldest.isBehindDamage || isRotated);
  if (located !== undefined) ({ position, isBehindDamage } = await nextRun(log, position));
  /** The lines that go on after what was gone through. */
  let goingOn = openStamps(place.open);
  while (position > 0) {
    const first = await log.soundAt(position);
    if (first === undefined) throw new LogTooBusy();
    const { length, entries, open } = await log.runFrom(position);
    const known = entries.findIndex((entry) => shown.has(keyOf(entry)));
    const hidden = known < 0 ? length : known;
    const next = await nextRun(log, position - length);
    const isLast = next.position === 0;
    if (hidden > 0) {
      const { containerId, containerName, moved, committedAt } = sum.cursor;
      const cursor: Cursor = { containerId, containerName, anchor: [], open: [], moved, committedAt };
      const behindGap = { behindGap: 'unreadable' } as const;
      const request: TransferRequest = {
        container,
        cursor,
        ...(isBehindDamage ? behindGap : {}),
        ...(before === undefined ? {} : { lastDelivered: before }),
        ended,
        signal,
      };
      const isEnd = isLast && known < 0;
      // The place of the cursor stands further on, but where this is the end of the log.
      const aside = isEnd ? context : { ...context, commit: async () => Promise.resolve() };
      const most = isEnd ? Infinity : hidden;
      const result = await take(aside, log, position, request, first, most);
      if (result === undefined) throw new LogTooBusy();
      if (isEnd) sum.add(result);
      else sum.addAside(result);
      if (result.fault !== undefined) return;
    } else if (isBehindDamage) {
      const gap = gapBefore('unreadable', before, first.stamp, container.created);
      await markGap(context, container, gap, first);
      sum.named(gap);
    }
    if (isLast && isBehindDamage) sum.recovered({ readable: length, result: undefined });
    // The mark of a gap names the lines that were open at it.
    goingOn = isBehindDamage ? open : { ...goingOn, ...open };
    before = earliest(entries.at(-1)?.stamp, goingOn) ?? before;
    ({ position, isBehindDamage } = next);
  }
}

/** The next sound record from a position on, which may be damaged; 0: there is none up to the end of the log. */
async function nextRun(
  log: DamagedLog,
  position: number,
): Promise<{ readonly position: number; readonly isBehindDamage: boolean }> {
  if (position === 0 || (await log.soundAt(position)) !== undefined)
    return { position, isBehindDamage: false };
  return { position: await log.nextSound(position), isBehindDamage: true };
}

/** Whether a damaged place at the end of a log is named: nothing comes after it, and that was not known before. */
export function isEndToBeNamed({ ended, cursor }: PollTask, sum: PollSum): boolean {
  return ended && (cursor.complete !== true || sum.fresh > 0);
}

/**
 * Names the damaged place at the end of an ended container's log: nothing comes after it, and all that there is was
 * delivered. Done once; the cursor records it.
 */
export async function nameDamagedEnd(context: PollContext, task: PollTask, sum: PollSum): Promise<void> {
  const { container } = task;
  const last = sum.cursor.anchor.at(-1);
  if (isEndToBeNamed(task, sum)) {
    const { finishedAt, created } = container;
    const earliest = (last?.stamp ?? created) + 2n;
    const firstAvailable = finishedAt > earliest ? finishedAt : earliest;
    const gap = gapBefore('unreadable', lastBefore(sum.cursor), firstAvailable, created);
    await markGap(context, container, gap, last ?? { stream: 'stdout' });
    sum.named(gap);
  }
  sum.fault = undefined;
  sum.suspect = false;
}

/** An answer all of which was delivered. */
export interface Delivered {
  /** With which it was asked for, entries; undefined: the whole log. */
  readonly window: number | undefined;
  /** Entries that came. */
  readonly answered: number;
}

/** The entries of an answer that was delivered: it is asked for again. None when it does not come as it was. */
async function shownBy(
  log: DamagedLog,
  delivered: Delivered | undefined,
  last: AnchorEntry | undefined,
): Promise<ReadonlySet<string>> {
  if (delivered === undefined || last === undefined) return new Set();
  const { window, answered } = delivered;
  const written = (await log.entriesAfter(last)) ?? 0;
  const shown = await log.shownFrom(window === undefined ? undefined : window + written);
  return shown.length === answered + written ? new Set(shown.entries.map(keyOf)) : new Set();
}

/** Puts the mark of a gap before an entry that was delivered. */
export async function markGap(
  context: PollContext,
  container: ContainerRef,
  gap: Gap,
  { stream }: Pick<AnchorEntry, 'stream'>,
): Promise<void> {
  if (context.settings.gapMarker) {
    const batch = context.newBatch(container, stream);
    const { seconds, nanos, text } = gapLine(container.name, gap);
    batch.append(seconds, nanos, text, 0, text.length);
    await context.push(batch);
  }
  context.onGap(container, gap);
}

function openStamps(open: readonly OpenLine[]): OpenStamps {
  return Object.fromEntries(open.map(({ stream, stamp }) => [stream, stamp]));
}

/** Where a gap after an entry begins, ns: the rest of the lines that are open there is lost in it. */
function earliest(last: Nanoseconds | undefined, open: OpenStamps): Nanoseconds | undefined {
  let first = last;
  for (const stamp of Object.values(open)) {
    if (first !== undefined && stamp !== undefined && stamp < first) first = stamp;
  }
  return first;
}

/** @returns undefined when the run did not come, however often it was asked for */
async function take(
  context: PollContext,
  log: DamagedLog,
  position: number,
  request: TransferRequest,
  first: AnchorEntry,
  most: number,
): Promise<TransferResult | undefined> {
  for (let times = 0; times < TIMES; times++) {
    const startsAt = { first, most };
    const result = await transfer(context, { ...request, tail: log.tailOf(position), startsAt });
    if (result.found || request.signal.aborted) return result;
    // Counts what was written since.
    await log.soundAt(position);
  }
  return undefined;
}

async function openLog(context: PollContext, task: PollTask): Promise<DamagedLog> {
  const { container, ended, signal } = task;
  const passesOver = whatIsPassedOver(context, container);
  return await DamagedLog.begin({ read: context.read, container, passesOver, grows: !ended, signal });
}

function keyOf({ stamp, stream, hash }: AnchorEntry): string {
  return `${stream} ${stamp} ${hash}`;
}
