import type { ContainerRef } from '../model/container.js';
import type { Cursor } from '../model/cursor.js';
import { AnchorMatcher } from './anchor.js';
import { Repeats } from './fingerprint.js';
import { isWholeLog } from './hole.js';
import { hasLastWords } from './line-assembler.js';
import { look } from './look.js';
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

/**
 * Reads what lies behind a damaged place of a log. Depending on the version the Engine skips a damaged line,
 * ends the answer with an error, or drops the rest of the file without a word; but `tail` begins behind the
 * damage where the window is small enough. Looks for the widest window that the Engine answers in full, and
 * delivers it as what follows a gap.
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
  return { readable: tail, result: await transfer(context, { ...task, tail, ...behindGap }) };
}

async function widestReadable(context: TransferContext, task: RecoveryTask): Promise<number | undefined> {
  const readable = async (tail: number): Promise<boolean> => {
    const seen = await look(context.read, task.container, tail, 1, task.signal);
    return seen.fault === undefined && seen.entries === tail;
  };
  if (!(await readable(1))) return undefined;
  let good = 1;
  let bad = 2;
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
  if (task.cursor.anchor.length === 0)
    return await isWholeLog(context.read, task.container, tail, task.signal);
  const matcher = new AnchorMatcher(task.cursor.anchor);
  const repeats = new Repeats();
  await context.read(
    {
      containerId: task.container.id,
      containerName: task.container.name,
      tty: task.container.tty,
      lastWords: hasLastWords(task.container),
      tail,
      signal: task.signal,
    },
    {
      entry: (stream, seconds, nanos, source, start, end) => {
        const repeat = repeats.next(stream, seconds, nanos, source, start, end);
        matcher.place(stream, seconds, nanos, source, start, end, repeat);
      },
    },
  );
  return matcher.found;
}
