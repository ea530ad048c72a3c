import type { Cursor, OpenLine } from '../model/cursor.js';
import type { ContainerRef } from '../model/container.js';
import { NS_PER_MS, type Nanoseconds } from '../model/nanoseconds.js';
import { isDaemonError, isHang, isTailSearchError } from './answer-faults.js';
import { isEndToBeNamed, nameDamagedEnd } from './around-damage.js';
import { look, sameEntry } from './look.js';
import { readBehindGap, recover } from './lost-anchor.js';
import { mayPassOver } from './may-pass-over.js';
import { heldBackAtEnd } from './open-text.js';
import { lookForHole, type Answered } from './passed-over.js';
import { PollSum, type PollReport } from './poll-sum.js';
import type { PollContext, PollTask } from './poll-task.js';
import { transfer, type TransferResult } from './transfer.js';
import { firstWindow, inFrontOfDamage, widerWindow } from './window.js';

export type { PollContext, PollSettings, PollTask } from './poll-task.js';
export type { PollReport } from './poll-sum.js';

/** Polls with the same outcome after which it is taken to stay so. They come ever later: see nextInterval. */
const STALLS_OF_GOOD = 15;

/**
 * One poll of one container: a transaction that reads what is new, delivers it, and moves the cursor behind it.
 *
 * Asks for a window of the last entries; the anchor in the answer proves that the window was wide enough, else
 * it is widened, at last to the whole log. If the anchor is not even there, the log was rotated or truncated
 * past the cursor: all of it is new, behind a gap.
 */
export async function pollContainer(given: PollContext, task: PollTask): Promise<PollReport> {
  const context = { ...given, mayPassOver: (container: ContainerRef) => mayPassOver(given, container) };
  const sum = new PollSum(task.cursor);
  const window = await readNew(context, task, sum, task.cursor);
  if (isUnreadableForGood(task, sum)) {
    await nameDamagedEnd(context, task, sum);
    sum.unreadable = true;
  }
  if (sum.fault === undefined && !sum.suspect) sum.cursor = await cutOldLines(context, task, sum.cursor);
  return sum.report(window);
}

/**
 * Whether the log of an ended container cannot be read any further: the daemon's error stands at each of many polls, and
 * nothing new came with it. Also one that was settled before is polled so often first: its log may have changed since.
 */
function isUnreadableForGood({ ended, stalls = 0, signal }: PollTask, { fault, fresh }: PollSum): boolean {
  if (!ended || signal.aborted || fresh > 0 || fault === undefined || !isDaemonError(fault)) return false;
  return stalls >= STALLS_OF_GOOD;
}

/** @returns the window that showed all that is new, entries; undefined: the whole log was read */
async function readNew(
  context: PollContext,
  task: PollTask,
  sum: PollSum,
  before: Cursor,
): Promise<number | undefined> {
  let answered: number;

  let window = usesTail(task)
    ? firstWindow(context.poll.window, anchorLength(task), task.reach ?? 0, task.expected)
    : undefined;
  if (window !== undefined) window = inFrontOfDamage(window, task.readable);
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
    answered = result.entries;
    if (window !== undefined && hasFailedTail(task, result)) {
      sum.tail = 'fails';
      window = undefined;
      continue;
    }
    if (result.found) {
      if (window !== undefined) sum.tail = 'works';
      break;
    }
    if (result.fault !== undefined) {
      if (window !== undefined && isHang(result.fault, result.bodyBytes)) sum.tail = 'hangs';
      if (isDaemonError(result.fault) && !task.signal.aborted) await recover(context, task, sum);
      return window;
    }
    // Without `since`, an answer shorter than its window is the whole log.
    const whole = window === undefined || (since === undefined && result.entries < window);
    if (whole && window !== undefined && result.isUnclear) {
      // Of an answer without a window it is known that it does not begin inside a row of equal entries.
      window = undefined;
      sum.widenings++;
      continue;
    }
    if (whole) {
      await readBehindGap(context, task, sum);
      if (sum.fresh > 0 && sum.fault === undefined && !sum.hasRecovered) {
        await lookFurther(sum, () =>
          lookForHole(context, task, sum, { before, window: undefined, answered }),
        );
      }
      return undefined;
    }
    const tried = window as number;
    window = inFrontOfDamage(widerWindow(tried), task.readable, tried);
    sum.widenings++;
  }

  await lookFurther(sum, () => lookBehind(context, task, sum, { before, window, answered }));
  return window;
}

/** One whose requests with `tail` failed is tried with it now and then: a rotation heals that. */
function usesTail({ from, tailTrouble, verify }: PollTask): boolean {
  return from === undefined && (tailTrouble === undefined || (tailTrouble === 'fails' && verify));
}

/** Whether the Engine could not find the window, so that the log must be read without. */
function hasFailedTail({ tailTrouble }: PollTask, { entries, fault }: TransferResult): boolean {
  if (entries > 0) return false;
  // Known to fail, and the error was lost, or never shown.
  return isTailSearchError(fault) || (tailTrouble === 'fails' && fault === undefined);
}

/** What was delivered is so, whatever a look behind it meets with. */
async function lookFurther(sum: PollSum, look: () => Promise<void>): Promise<void> {
  try {
    await look();
  } catch (error) {
    if (sum.fresh === 0) throw error;
    sum.fault = error as Error;
  }
}

/** Whether the answer that held the anchor can be all that there is. */
async function lookBehind(
  context: PollContext,
  task: PollTask,
  sum: PollSum,
  answer: Answered,
): Promise<void> {
  if (sum.fresh === 0 && sum.fault !== undefined && isDaemonError(sum.fault) && !task.signal.aborted) {
    await recover(context, task, sum);
    return;
  }
  if (sum.fault === undefined) await lookForHole(context, task, sum, answer);
  // What is older than a look back is not wanted.
  const verify = task.verify && task.tailTrouble !== 'hangs' && task.from === undefined;
  // While a container runs, the next poll without news looks at the end; one that has ended is left alone after this.
  if (verify && sum.fault === undefined && (sum.fresh === 0 || task.ended)) {
    await verifyEnd(context, task, sum);
  }
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
 * it is the whole log; nor where something may be passed over: of an answer that comes in full, nothing was.
 */
function sinceFor(
  context: PollContext,
  task: PollTask,
  window: number | undefined,
  widenings: number,
): Nanoseconds | undefined {
  if (task.from !== undefined) return task.from;
  if (context.sinceSemantics() === 'filter' || task.container.plainLog !== true) return undefined;
  if (window !== undefined && mayPassOver(context, task.container)) return undefined;
  if (task.cursor.anchor.length === 0) return undefined;
  if (widenings > 0 && window !== undefined) return undefined;
  let oldest = task.cursor.anchor[0]?.stamp ?? 0n;
  for (const { stamp } of [...task.cursor.anchor, ...task.cursor.open]) if (stamp < oldest) oldest = stamp;
  return oldest > context.poll.overlap ? oldest - context.poll.overlap : 0n;
}

/**
 * Decides, durably, to cut the lines that stayed open too long; the next poll delivers what there is of them. Only when
 * all that follows was read: what a process before this one delivered, and did not commit, is then committed, so that no
 * line is cut now of which more was delivered.
 */
async function cutOldLines(context: PollContext, { container }: PollTask, cursor: Cursor): Promise<Cursor> {
  const oldest = context.clock.now() - BigInt(context.poll.openMaxAge) * NS_PER_MS;
  const isDue = ({ stamp, text }: OpenLine): boolean =>
    stamp < oldest && text.length > heldBackAtEnd(text, container.tty);
  if (!cursor.open.some((line) => !line.cut && isDue(line))) return cursor;
  const open = cursor.open.map((line) => (isDue(line) ? { ...line, cut: true } : line));
  const cut: Cursor = { ...cursor, open };
  await context.commit(cut);
  return cut;
}

/** Whether the next poll delivers what there is of a line that stayed open too long. */
export function isCutDue({ open }: Cursor): boolean {
  return open.some(({ cut }) => cut);
}

/** An Engine may end an answer early without a word (a damaged line): the log's last entry tells. */
async function verifyEnd(context: PollContext, task: PollTask, sum: PollSum): Promise<void> {
  const end = await look(context.read, task.container, 1, 1, task.signal);
  sum.looked(end.entries, end.bytes);
  const anchor = sum.cursor.anchor;
  const hasNoTail = isTailSearchError(end.fault);
  if (hasNoTail) {
    sum.tail = 'fails';
  } else if (end.fault !== undefined) {
    sum.fault = end.fault;
    if (isHang(end.fault, end.bytes)) sum.tail = 'hangs';
    return;
  }
  // A log that is not empty, and does not show its last record: that is damaged, and no more will come after it.
  const isDamaged = end.last.length === 0 && anchor.length > 0 && isEndToBeNamed(task, sum);
  if (!isDamaged && (end.last.length === 0 || sameEntry(end.last[0], anchor.at(-1)))) return;
  // Perhaps only written since: the next poll, due at once, will tell. A log that grows at each poll is not damaged.
  if (task.suspect && sum.fresh === 0) await recover(context, task, sum);
  else sum.suspect = true;
}
