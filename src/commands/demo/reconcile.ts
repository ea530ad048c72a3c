import { readLokiFacts } from '../../audit/loki-facts.js';
import { nanosOf, secondsOf } from '../../loki/read/stamp-range.js';
import { readRejectedLines } from '../../loki/rejected-reader.js';
import { readPiece } from '../../model/line-piece.js';
import { NS_PER_SECOND, type Nanoseconds } from '../../model/nanoseconds.js';
import { Account, type AccountLine, type Tally, type WrittenLines } from './account.js';
import { PieceJoiner } from './piece-joiner.js';
import { readBack, type ReadBackOptions } from './read-back.js';

export interface ReconcileOptions extends Omit<ReadBackOptions, 'facts' | 'range'> {
  readonly written: WrittenLines;
  readonly canBeChecked?: (line: AccountLine) => boolean;
  /** When the demo began, ns. */
  readonly begunAt: Nanoseconds;
  /** The rejected-lines file. */
  readonly rejectedFile: string;
  /** Some ways to a real Loki show what was acknowledged a little later: what seems to be lost is looked for again. */
  readonly patient: boolean;
}

export interface Reconciliation extends Tally {
  /** Stamps of which Loki does not give all lines at once. */
  readonly crowded: number;
}

const TRIES = 5;
const AGAIN_MS = 2000;
/** Clocks of Engine and Loki may be off by so much, ns. */
const MARGIN = 3600n * NS_PER_SECOND;

/**
 * Every line that was written against every line in Loki.
 *
 * @throws LokiRequestError, PollardError when Loki cannot be asked; the signal's reason when it aborts
 */
export async function reconcile(options: ReconcileOptions, signal: AbortSignal): Promise<Reconciliation> {
  for (let tries = 1; ; tries++) {
    const found = await reconcileOnce(options, signal);
    if (found.lost === 0 || !options.patient || tries >= TRIES) return found;
    await options.clock.sleep(AGAIN_MS, signal);
  }
}

async function reconcileOnce(options: ReconcileOptions, signal: AbortSignal): Promise<Reconciliation> {
  const { written, canBeChecked, transport, clock, begunAt, rejectedFile } = options;
  let lines = 0;
  await written(() => {
    lines++;
  });
  const account = new Account(lines, canBeChecked);
  await written((line) => account.wrote(line));

  const facts = await readLokiFacts(transport, signal);
  const { oldest = begunAt, newest = begunAt } = account.range ?? {};
  const now = clock.now();
  const range = {
    from: (oldest < begunAt ? oldest : begunAt) - MARGIN,
    until: (newest > now ? newest : now) + MARGIN,
  };
  const crowded = await readBack({ ...options, facts, range }, (line) => account.found(line), signal);
  await readRefusals(rejectedFile, account);
  return { ...(await account.close(written)), crowded };
}

async function readRefusals(path: string, account: Account): Promise<void> {
  const joiner = new PieceJoiner<RefusedLine>((line) => account.refused(line, line.reason));
  for await (const { labels, structuredMetadata, stamp, line, reason } of readRejectedLines(path)) {
    const refused: RefusedLine = {
      containerId: structuredMetadata['container_id'] ?? '',
      stream: labels['stream'] === 'stderr' ? 2 : 1,
      seconds: secondsOf(stamp),
      nanos: nanosOf(stamp),
      text: line.toString('utf8'),
      reason,
    };
    joiner.add(refused, readPiece(structuredMetadata));
  }
  joiner.end();
}

interface RefusedLine extends AccountLine {
  readonly reason: string;
}
