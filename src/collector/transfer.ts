import type { ContainerRef, StreamName } from '../model/container.js';
import type { AnchorEntry, Cursor } from '../model/cursor.js';
import type { Clock } from '../model/clock.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import type { LineBatch } from './line-batch.js';
import { secondsOf, stampOf } from '../loki/read/stamp-range.js';
import type { EntrySink } from '../docker/entry-sink.js';
import { AnchorMatcher, StartMatcher } from './anchor.js';
import { AnchorRing, entryOf } from './anchor-ring.js';
import { AnswerReader, type NewEntries } from './answer-reader.js';
import { Delivery, type Delivered } from './delivery.js';
import { GapMarker, type Gap, type GapCause } from './gap.js';
import { hasLastWords, LineAssembler, lineRules, type LineSink } from './line-assembler.js';
import type { LogSource } from './log-source.js';
import type { MemoryBudget } from './memory-budget.js';
import { MovedStamps } from './moved-stamps.js';
import type { PossibleGap } from './possible-gap.js';
import { StartWatch } from './start-watch.js';
import type { PendingLines } from './undelivered.js';

/** What every poll of every container shares. */
export interface TransferContext {
  readonly read: LogSource;
  readonly newBatch: (container: ContainerRef, stream: StreamName) => LineBatch;
  /** See DeliveryOptions. Without a signal a push is given up only when the process ends. */
  readonly push: (batch: LineBatch, signal?: AbortSignal) => Promise<Delivered>;
  readonly commit: (cursor: Cursor) => Promise<void>;
  readonly budget: MemoryBudget;
  readonly clock: Clock;
  readonly settings: TransferSettings;
  /** Told of a gap at once: the cursor is behind it as soon as the first batch is settled. */
  readonly onGap: (container: ContainerRef, gap: Gap) => void;
  /** Called when the beginning of a log may be missing, likewise. */
  readonly onPossibleGap?: (container: ContainerRef, gap: PossibleGap) => void;
  readonly onCutLine?: () => void;
  /** From this timestamp on, lines of the container were refused as too new. Left out, or undefined: none was. */
  readonly refusedFrom?: (container: ContainerRef) => Nanoseconds | undefined;
  /** Called when the lines of an answer begin to be delivered. */
  readonly onDelivering?: (lines: PendingLines) => void;
  /** Called when lines that follow, or that were sent, may be in Loki although the container's cursor does not cover them. */
  readonly onUncommitted?: (container: ContainerRef) => void;
  /** Whether the Engine may pass over entries of the container's log without a word. Left out: it does not. */
  readonly mayPassOver?: (container: ContainerRef) => boolean;
}

export interface TransferSettings {
  /** Entries of an anchor, at most 32. */
  readonly anchor: number;
  readonly batchBytes: number;
  /** ms */
  readonly batchAge: number;
  readonly maxSpan: Nanoseconds;
  readonly maxWaiting: number;
  /** Of a piece, as it is sent. */
  readonly maxLineBytes: number;
  /** Lines are sent as text: bytes that are not UTF-8 become U+FFFD, of three bytes. */
  readonly sentAsText?: boolean;
  readonly moveEqualStamps: boolean;
  readonly gapMarker: boolean;
}

/** Which part of the log to read, and what it is to be held against. */
export interface TransferRequest {
  readonly container: ContainerRef;
  /** Where the container's log was left. */
  readonly cursor: Cursor;
  readonly tail?: number;
  readonly since?: Nanoseconds;
  /** Set: all of the answer is new, behind a gap; the anchor is not looked for. */
  readonly behindGap?: GapCause;
  /** Set: this entry and what follows it is new, at most so many entries; the anchor is not looked for. */
  readonly startsAt?: { readonly first: AnchorEntry; readonly most?: number };
  /** Set: the stamp after which lines are missing, ns; left out: that of the cursor's last entry. */
  readonly lastDelivered?: Nanoseconds;
  /** Set: what stands behind the gap was shown already, and lines that were open went on in it. */
  readonly readPast?: boolean;
  /** Set: the log is known to be empty, so that an answer without entries is what stands behind the gap. */
  readonly emptied?: boolean;
  /** Set: the answer is known to begin at the anchor, also if it has a `tail`. */
  readonly beginsAtAnchor?: boolean;
  /** Set: a part of the anchor is enough, because the log is known not to hold all of it. */
  readonly acceptsPart?: boolean;
  /** Only notice whether an entry of this stamp is in the answer. */
  readonly watchFor?: Nanoseconds;
  /** The container has ended: what is open at the end of its log is a whole line. */
  readonly ended: boolean;
  readonly signal: AbortSignal;
}

export interface TransferResult {
  /** The answer was continuous with the cursor. If not, nothing was delivered. */
  readonly found: boolean;
  /** Not found, and entries of the answer may be the anchor's: a wider window may prove it. */
  readonly isUnclear: boolean;
  /** How many of the log's last entries prove the place reached; see Repeats. Undefined: there were none. */
  readonly reach: number | undefined;
  /** The place reached, committed. */
  readonly cursor: Cursor;
  readonly entries: number;
  /** The answer held an entry with the stamp watched for. */
  readonly sawWatched: boolean;
  readonly reread: number;
  /** New entries, delivered. */
  readonly fresh: number;
  /** Lines that Loki has now, and their bytes. */
  readonly lines: number;
  readonly lineBytes: number;
  /** Lines that it refused, and their bytes. */
  readonly rejected: number;
  readonly rejectedBytes: number;
  readonly bodyBytes: number;
  readonly gap: Gap | undefined;
  readonly possibleGap: PossibleGap | undefined;
  /** Why the body did not end as it should, or why some of it is not delivered (LinesTooNew). */
  readonly fault: Error | undefined;
}

/**
 * One answer of the Engine, carried to Loki: reads, skips what was delivered, puts lines together, batches,
 * pushes, and commits. Resolves when all of it is acknowledged and durable.
 */
export async function transfer(context: TransferContext, request: TransferRequest): Promise<TransferResult> {
  const { settings } = context;
  const { container, cursor } = request;
  const ring = new AnchorRing(settings.anchor, request.behindGap ? [] : cursor.anchor);
  let committed = cursor;
  let soundUpTo = cursor.soundUpTo;

  const refusedFrom = context.refusedFrom?.(container);
  const delivery: Delivery<Cursor> = new Delivery<Cursor>({
    newBatch: (stream) => context.newBatch(container, stream),
    push: context.push,
    snapshot: (): Cursor => ({
      containerId: container.id,
      containerName: container.name,
      anchor: ring.anchor(),
      open: assembler.openLines(),
      moved: lines.moved(),
      ...(soundUpTo === undefined ? {} : { soundUpTo }),
      ...(startWatch?.counted === undefined ? {} : { start: startWatch.counted }),
      committedAt: context.clock.now(),
    }),
    commit: async (place) => {
      await context.commit(place);
      committed = place;
    },
    budget: context.budget,
    clock: context.clock,
    batchBytes: settings.batchBytes,
    batchAge: settings.batchAge,
    maxSpan: settings.maxSpan,
    maxWaiting: settings.maxWaiting,
    ...(refusedFrom === undefined ? {} : { refusedFrom: secondsOf(refusedFrom) }),
    onUncommitted: () => context.onUncommitted?.(container),
  });
  context.onDelivering?.(delivery);
  const equalStamps = settings.moveEqualStamps ? 'shift' : 'keep';
  const lines: MovedStamps = new MovedStamps(delivery, cursor.moved, equalStamps);
  const assembler: LineAssembler = new LineAssembler(lines, {
    maxLineBytes: settings.maxLineBytes,
    sentAsText: settings.sentAsText === true,
    ...lineRules(container),
    ...(context.onCutLine ? { onCut: context.onCutLine } : {}),
  });
  const marker = request.behindGap
    ? new GapMarker(
        assembler,
        settings.gapMarker ? lines : undefined,
        container.name,
        request.behindGap,
        request.lastDelivered ?? lastBefore(cursor),
        container.created,
        cursor.anchor.at(-1)?.stamp,
        (gap) => context.onGap(container, gap),
      )
    : undefined;
  const startWatch = watchOfStart(context, request, assembler, delivery);
  const entries: EntrySink = marker ?? startWatch ?? assembler;
  const matcher = new AnchorMatcher(request.behindGap ? [] : cursor.anchor, {
    acceptsPart: request.acceptsPart,
    window: request.tail === undefined || request.beginsAtAnchor === true ? undefined : cursor,
  });
  const { startsAt } = request;
  const alignment = startsAt === undefined ? matcher : new StartMatcher(startsAt.first);
  let isFirst = true;
  const fresh: NewEntries = {
    begin: () => {
      assembler.resume(cursor.open);
      // Behind a gap the rest of an open line is gone.
      if (request.behindGap && request.readPast !== true) assembler.closeAll(false);
      if (cursor.open.length > 0) delivery.after();
    },
    before: (seconds) => delivery.before(seconds),
    entry: (stream, seconds, nanos, source, start, end, terminated) => {
      if (isFirst) {
        isFirst = false;
        // All before the first entry behind a gap is named.
        if (request.behindGap) soundUpTo = undefined;
        // An entry that is not newer than the last one delivered may have been delivered before it.
        if (request.behindGap && stampOf(seconds, nanos) <= lastStamp(cursor.anchor)) {
          context.onUncommitted?.(container);
        }
        if (context.mayPassOver?.(container) === true) {
          const { anchor, open, moved } = cursor;
          soundUpTo ??= request.behindGap
            ? { anchor: [entryOf(stream, seconds, nanos, source, start, end, 0)], open: [], moved }
            : { anchor, open, moved };
        }
      }
      entries.entry(stream, seconds, nanos, source, start, end, terminated);
    },
    after: () => delivery.after(),
  };
  const reader = new AnswerReader(alignment, ring, fresh, request.watchFor, startsAt?.most);

  const logs = {
    containerId: container.id,
    containerName: container.name,
    tty: container.tty,
    lastWords: hasLastWords(container),
    ...(request.tail === undefined ? {} : { tail: request.tail }),
    ...(request.since === undefined ? {} : { since: request.since }),
    signal: request.signal,
    flow: delivery,
  };
  const answer = await context.read(logs, reader).catch(async (error: unknown) => {
    // What was sent before must be settled before anyone reads this container again.
    await delivery.settled();
    if (error !== delivery.heldBack) throw error;
    return { fault: delivery.heldBack, bytes: 0 };
  });
  try {
    const inFull = answer.fault === undefined && request.tail !== undefined && reader.entries >= request.tail;
    // What is passed over counts for `tail`.
    if (inFull && cursor.soundUpTo === undefined) soundUpTo = undefined;
    // Behind a gap, an answer without entries says nothing: the place before the gap is still the one that counts.
    if (request.behindGap === undefined || reader.entries > 0 || request.emptied === true) {
      const isShort = request.tail !== undefined && reader.entries < request.tail;
      reader.finish(isShort && answer.fault === undefined);
    }
    if (request.acceptsPart && answer.fault === undefined && matcher.found && reader.fresh === 0) {
      // The log lost the end of the anchor, and nothing was written since: what is left is the anchor now.
      committed = { ...cursor, anchor: cursor.anchor.slice(0, matcher.part) };
      await context.commit(committed);
    }
    if (reader.found && answer.fault === undefined) {
      startWatch?.end();
      if (request.ended) assembler.closeAll();
    }
    await delivery.finish();
  } catch (error) {
    await delivery.giveUp(error as Error);
    throw error;
  }

  return {
    found: reader.found,
    isUnclear: !reader.found && matcher.isUnclear,
    reach: reader.reach(settings.anchor, assembler.openLines()),
    cursor: committed,
    entries: reader.entries,
    sawWatched: reader.sawWatched,
    reread: reader.reread,
    fresh: reader.fresh,
    lines: delivery.lines,
    lineBytes: delivery.bytes,
    rejected: delivery.rejected,
    rejectedBytes: delivery.rejectedBytes,
    bodyBytes: answer.bytes,
    gap: marker?.gap,
    possibleGap: startWatch?.gap,
    fault: delivery.heldBack ?? answer.fault,
  };
}

/** Of an answer that begins with the log, or that goes on where one was broken off; undefined for any other. */
function watchOfStart(
  { settings, onPossibleGap }: TransferContext,
  { container, cursor, behindGap, tail, since }: TransferRequest,
  next: EntrySink,
  delivery: LineSink,
): StartWatch | undefined {
  const { logLimit } = container;
  if (logLimit === undefined || behindGap !== undefined) return undefined;
  const isBeginning = cursor.anchor.length === 0 && tail === undefined && since === undefined;
  if (!isBeginning && cursor.start === undefined) return undefined;
  return new StartWatch({
    container: { ...container, logLimit },
    cursor,
    next,
    // Not by way of the lines that are moved apart: it has a stamp of its own, and they have theirs.
    lines: settings.gapMarker ? delivery : undefined,
    maxSpan: settings.maxSpan,
    report: (gap) => onPossibleGap?.(container, gap),
  });
}

/**
 * Where a gap behind a cursor begins, ns. What was passed over before the log was rotated is inside of it, and so is the
 * rest of a line that is open.
 */
export function lastBefore(cursor: Pick<Cursor, 'anchor' | 'open' | 'soundUpTo'>): Nanoseconds | undefined {
  const { anchor, open } = cursor.soundUpTo ?? cursor;
  let last = anchor.at(-1)?.stamp;
  for (const { stamp } of open) if (last !== undefined && stamp < last) last = stamp;
  return last;
}

/** The stamp of the last entry delivered; 0n at the beginning of a log. */
export function lastStamp(anchor: readonly AnchorEntry[]): Nanoseconds {
  return anchor[anchor.length - 1]?.stamp ?? 0n;
}
