import type { SinceSemantics } from '../docker/api-version.js';
import type { ContainerRef } from '../model/container.js';
import type { Cursor } from '../model/cursor.js';
import { NS_PER_MS, type Nanoseconds } from '../model/nanoseconds.js';
import type { Gap } from './gap.js';
import { look, sameEntry } from './look.js';
import { reachAround } from './recovery.js';
import { transfer, type TransferContext, type TransferResult } from './transfer.js';
import { firstWindow, widerWindow, type WindowPolicy } from './window.js';

export interface PollSettings {
  readonly window: WindowPolicy;
  /** How far before the oldest stamp of the anchor to begin to look, ns. */
  readonly overlap: Nanoseconds;
  /** After so long, in ms, a line still open is handed on as it is. */
  readonly openMaxAge: number;
}

export interface PollContext extends TransferContext {
  readonly sinceSemantics: () => SinceSemantics;
  readonly poll: PollSettings;
}

export interface PollTask {
  readonly container: ContainerRef;
  readonly cursor: Cursor;
  /** Entries that may have been written since the last poll. */
  readonly expected: number;
  /** Only for a first look back: read from this stamp on. */
  readonly from?: Nanoseconds;
  /** Nothing more will be written: the container has ended, and this poll began after that. */
  readonly ended: boolean;
  /** Look at the log's last entry when nothing new was found: is it really the one delivered last? */
  readonly verify: boolean;
  /** Such a look has failed before: the Engine does not show what is there. */
  readonly suspect: boolean;
  readonly signal: AbortSignal;
}

export interface PollReport {
  readonly cursor: Cursor;
  /** New entries, delivered. */
  readonly fresh: number;
  readonly entries: number;
  readonly reread: number;
  readonly lines: number;
  readonly lineBytes: number;
  readonly rejected: number;
  readonly bodyBytes: number;
  readonly requests: number;
  readonly widenings: number;
  /** The window that the anchor was found in; undefined for the whole log. */
  readonly window: number | undefined;
  readonly gap: Gap | undefined;
  readonly fault: Error | undefined;
  /** The log's last entry is not the one delivered last, although nothing new was shown. */
  readonly suspect: boolean;
}

/** Each look at a log that shows nothing has one chance in two to show the error behind it. */
const LOOKS_AT_NOTHING = 32;

/**
 * One poll of one container: a transaction that reads what is new, delivers it, and moves the cursor behind it.
 *
 * Asks for a window of the last entries; the anchor in the answer proves that the window was wide enough, else
 * it is widened, at last to the whole log. If the anchor is not even there, the log was rotated or truncated
 * past the cursor: all of it is new, behind a gap.
 */
export async function pollContainer(context: PollContext, task: PollTask): Promise<PollReport> {
  const sum = new Sum(await cutOldLines(context, task));

  let window =
    task.from === undefined ? firstWindow(context.poll.window, anchorLength(task), task.expected) : undefined;
  for (;;) {
    const since = sinceFor(context, task, window, sum.widenings);
    const result = await transfer(context, {
      container: task.container,
      cursor: sum.cursor,
      ...(window === undefined ? {} : { tail: window }),
      ...(since === undefined ? {} : { since }),
      ended: task.ended,
      signal: task.signal,
    });
    sum.add(result);
    if (result.found) break;
    if (result.fault !== undefined) {
      if (isDaemonError(result.fault) && !task.signal.aborted) await recover(context, task, sum);
      return sum.report(window);
    }
    // Without `since`, an answer shorter than its window is the whole log.
    const whole = window === undefined || (since === undefined && result.entries < window);
    if (whole) {
      await readBehindGap(context, task, sum);
      return sum.report(undefined);
    }
    window = widerWindow(window as number);
    sum.widenings++;
  }

  if (sum.fresh === 0 && sum.fault === undefined && task.verify && sum.cursor.anchor.length > 0) {
    await verifyEnd(context, task, sum);
  } else if (sum.fresh === 0 && sum.fault !== undefined && isDaemonError(sum.fault) && !task.signal.aborted) {
    await recover(context, task, sum);
  }
  return sum.report(window);
}

function anchorLength(task: PollTask): number {
  return task.cursor.anchor.length;
}

/**
 * Where to begin to look. Engines that filter get no `since` at all: they would drop every entry stamped before
 * it, even behind newer ones (two writers, a late chunk, a clock step), and the window already bounds the
 * answer. Nor do the others where a file may be compressed: they pass over one whose last stamp is before
 * `since`, and behind a clock step back that may be a new one. Else they get the oldest stamp of the anchor and
 * of the lines still open, less an overlap; not for a widened window, whose answer must tell by its length whether
 * it is the whole log.
 */
function sinceFor(
  context: PollContext,
  task: PollTask,
  window: number | undefined,
  widenings: number,
): Nanoseconds | undefined {
  if (task.from !== undefined) return task.from;
  if (context.sinceSemantics() === 'filter' || task.container.plainLog !== true) return undefined;
  if (task.cursor.anchor.length === 0) return undefined;
  if (widenings > 0 && window !== undefined) return undefined;
  let oldest = task.cursor.anchor[0]?.stamp ?? 0n;
  for (const { stamp } of [...task.cursor.anchor, ...task.cursor.open]) if (stamp < oldest) oldest = stamp;
  return oldest > context.poll.overlap ? oldest - context.poll.overlap : 0n;
}

/** Decides, durably, to end the lines that stayed open too long; the poll then delivers them. */
async function cutOldLines(context: PollContext, task: PollTask): Promise<Cursor> {
  const { cursor } = task;
  const oldest = context.clock.now() - BigInt(context.poll.openMaxAge) * NS_PER_MS;
  if (!cursor.open.some((line) => !line.cut && line.stamp < oldest)) return cursor;
  const open = cursor.open.map((line) => (line.stamp < oldest ? { ...line, cut: true } : line));
  const cut: Cursor = { ...cursor, open };
  await context.commit(cut);
  return cut;
}

/**
 * The whole log does not hold the anchor: perhaps a part of it (a log that lost its end), else there is a gap.
 * Unless the answer was not the whole: at a damaged line the Engine may end it early without a word. So the
 * log's last entry, which `tail=1` shows all the same, must be in it.
 */
async function readBehindGap(context: PollContext, task: PollTask, sum: Sum): Promise<void> {
  const end = await look(context.read, task.container, 1, 1, task.signal);
  sum.looked(end.entries, end.bytes);
  const last = end.last[0];
  const part = await transfer(context, {
    container: task.container,
    cursor: sum.cursor,
    acceptsPart: true,
    ...(last ? { watchFor: last.stamp } : {}),
    ended: task.ended,
    signal: task.signal,
  });
  sum.add(part);
  if (part.found) {
    // The part may end at a damaged place, and what stands behind that be hidden: the next poll, due at once, tells.
    if (part.fault === undefined && last !== undefined && !part.sawWatched) sum.suspect = true;
    return;
  }
  if (part.fault !== undefined && !isDaemonError(part.fault)) return;
  if (part.fault !== undefined || (last !== undefined && !part.sawWatched)) {
    await recover(context, task, sum);
    return;
  }
  // Without `since`: behind a clock step back, all that is left may be stamped before the anchor.
  const result = await transfer(context, {
    container: task.container,
    cursor: sum.cursor,
    behindGap: 'rotated',
    ended: task.ended,
    signal: task.signal,
  });
  sum.add(result);
  if (result.entries > 0 || result.fault !== undefined || !(await isEmpty(context, task, sum))) return;
  // Nothing is known to be missing, and whatever comes next is new.
  const empty: Cursor = { ...sum.cursor, anchor: [], open: [], committedAt: context.clock.now() };
  await context.commit(empty);
  sum.cursor = empty;
}

/**
 * Whether a log that answered with nothing is empty. An Engine that cannot read a file of it answers likewise when
 * its error gets lost: the error and the end of the answer wait in two channels, and a select takes either by chance
 * (moby: daemon/logs.go). So it is asked so often that the error would show.
 */
async function isEmpty(context: PollContext, task: PollTask, sum: Sum): Promise<boolean> {
  for (let looks = 0; looks < LOOKS_AT_NOTHING; looks++) {
    const end = await look(context.read, task.container, 1, 1, task.signal);
    sum.looked(end.entries, end.bytes);
    if (end.fault !== undefined) sum.fault = end.fault;
    // Written just now, then.
    else if (end.entries > 0) sum.suspect = true;
    else continue;
    return false;
  }
  return true;
}

/** An Engine may end an answer early without a word (a damaged line): the log's last entry tells. */
async function verifyEnd(context: PollContext, task: PollTask, sum: Sum): Promise<void> {
  const end = await look(context.read, task.container, 1, 1, task.signal);
  sum.looked(end.entries, end.bytes);
  const anchor = sum.cursor.anchor;
  if (end.fault !== undefined) {
    sum.fault = end.fault;
    return;
  }
  if (end.last.length === 0 || sameEntry(end.last[0], anchor[anchor.length - 1])) return;
  // Perhaps only written since: the next poll, due at once, will tell.
  if (task.suspect) await recover(context, task, sum);
  else sum.suspect = true;
}

async function recover(context: PollContext, task: PollTask, sum: Sum): Promise<void> {
  const result = await reachAround(context, {
    container: task.container,
    cursor: sum.cursor,
    ended: task.ended,
    signal: task.signal,
  });
  if (result) sum.add(result);
}

function isDaemonError(fault: Error): boolean {
  return (fault as { code?: unknown }).code === 'log_daemon_error';
}

/** Adds up the answers of one poll. */
class Sum {
  cursor: Cursor;
  fresh = 0;
  suspect = false;
  widenings = 0;
  fault: Error | undefined;
  #gap: Gap | undefined;
  #entries = 0;
  #reread = 0;
  #lines = 0;
  #lineBytes = 0;
  #rejected = 0;
  #bodyBytes = 0;
  #requests = 0;

  constructor(cursor: Cursor) {
    this.cursor = cursor;
  }

  add(result: TransferResult): void {
    this.cursor = result.cursor;
    this.fault = result.fault;
    this.#gap = result.gap ?? this.#gap;
    this.fresh += result.entries - result.reread;
    this.#reread += result.reread;
    this.#lines += result.lines;
    this.#lineBytes += result.lineBytes;
    this.#rejected += result.rejected;
    this.looked(result.entries, result.bodyBytes);
  }

  looked(entries: number, bytes: number): void {
    this.#entries += entries;
    this.#bodyBytes += bytes;
    this.#requests++;
  }

  report(window: number | undefined): PollReport {
    return {
      cursor: this.cursor,
      fresh: this.fresh,
      entries: this.#entries,
      reread: this.#reread,
      lines: this.#lines,
      lineBytes: this.#lineBytes,
      rejected: this.#rejected,
      bodyBytes: this.#bodyBytes,
      requests: this.#requests,
      widenings: this.widenings,
      window,
      gap: this.#gap,
      fault: this.fault,
      suspect: this.suspect,
    };
  }
}
