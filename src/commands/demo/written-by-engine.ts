import pLimit from 'p-limit';
import { EngineLog, type EngineLogContext } from '../../audit/engine-log.js';
import { runTogether } from '../../collector/run-together.js';
import { stampOf } from '../../loki/read/stamp-range.js';
import type { Engine } from '../../collector/engine.js';
import type { StreamNumber } from '../../docker/entry-sink.js';
import type { ContainerRef, ContainerSummary } from '../../model/container.js';
import type { Cursor } from '../../model/cursor.js';
import { PollardError } from '../../model/errors.js';
import type { Nanoseconds } from '../../model/nanoseconds.js';
import type { AccountLine, WrittenLines } from './account.js';
import { PieceJoiner } from './piece-joiner.js';
import { recordedAnswer } from './recorded-answer.js';

export interface WrittenByEngineOptions {
  readonly engine: Pick<Engine, 'list' | 'inspect'>;
  readonly logs: EngineLogContext;
  readonly selects: (container: ContainerSummary) => boolean;
  readonly concurrency: number;
  /** Where the demo began; a container without one was born later, or could not be read then. */
  readonly begin: ReadonlyMap<string, Cursor>;
  /** Where the collector stopped. */
  readonly end: ReadonlyMap<string, Cursor>;
  /** How many lines of a container were collected, by its id. */
  readonly collected: (containerId: string) => number;
}

/** What the Engine's logs have of the demo. */
export interface EngineAccount {
  readonly written: WrittenLines;
  /** Of a line that only Loki has: whether it would be in what was read here, if it was ever written. */
  readonly canBeChecked: (line: AccountLine) => boolean;
  readonly containers: number;
  /** Containers whose log could not be read again to its end, with the reason. */
  readonly unread: readonly { readonly container: string; readonly reason: string }[];
}

/** Entries asked for beyond those that were collected: other lines come meanwhile, and long lines are several. */
const MORE_ENTRIES = 1000;
const WIDER = 8;
const TRIES_WITH_TAIL = 3;

/**
 * Reads each container's log once more, from where the demo began to where the collector stopped: by these places,
 * whatever the stamps say. That is what must be in Loki.
 *
 * @throws PollardError when the Engine cannot be asked for its containers; the signal's reason when it aborts
 */
export async function writtenByEngine(
  options: WrittenByEngineOptions,
  signal: AbortSignal,
): Promise<EngineAccount> {
  const { engine, selects, concurrency } = options;
  const listed = (await engine.list(signal)).filter(selects);
  const logs = new Map<string, ContainerAccount>();
  const unread: { container: string; reason: string }[] = [];
  const limit = pLimit(concurrency);
  const read = async (container: ContainerSummary, ending: AbortSignal): Promise<void> => {
    try {
      const account = await readContainer(options, container, ending, signal);
      if (account === undefined) return;
      logs.set(container.id, account);
      if (account.fault !== undefined) {
        unread.push({ container: container.name, reason: account.fault.message });
      }
    } catch (error) {
      ending.throwIfAborted();
      if (!(error instanceof PollardError)) throw error;
      // What was removed meanwhile cannot be checked; of a driver that cannot be read nothing was collected.
      if (error.code === 'engine_not_found' || error.code === 'engine_not_implemented') return;
      unread.push({ container: container.name, reason: error.message });
    }
  };
  await runTogether(signal, (ending) => listed.map((container) => limit(() => read(container, ending))));
  return {
    written: async (visit) => {
      for (const { visitLines } of logs.values()) await visitLines(visit);
    },
    canBeChecked: ({ containerId, seconds, nanos }) => {
      const log = logs.get(containerId);
      if (log === undefined) return false;
      return log.rotatedBefore === undefined || stampOf(seconds, nanos) >= log.rotatedBefore;
    },
    containers: logs.size,
    unread,
  };
}

interface ContainerAccount {
  readonly visitLines: WrittenLines;
  /** Set: the place where the demo began was rotated away, and so was what is older than this. */
  readonly rotatedBefore: Nanoseconds | undefined;
  readonly fault: Error | undefined;
}

/** @param lasting aborts what is read later, when the lines are visited */
async function readContainer(
  options: WrittenByEngineOptions,
  summary: ContainerSummary,
  signal: AbortSignal,
  lasting: AbortSignal,
): Promise<ContainerAccount | undefined> {
  const details = await options.engine.inspect(summary.id, signal);
  if (!details.running && details.startedAt <= 0n) return undefined;
  const container = { ...summary, ...details };
  const begin = options.begin.get(container.id) ?? beginningOf(container);
  const end = options.end.get(container.id) ?? begin;

  // As many entries as the demo can have brought, and more until the place where it began is among them.
  let tail: number | undefined = options.collected(container.id) * 2 + MORE_ENTRIES;
  if (begin.anchor.length === 0) tail = undefined;
  for (let tries = 1; ; tries++) {
    const read = recordedAnswer(options.logs.read, tail);
    const context: EngineLogContext = { ...options.logs, read };
    const log = new EngineLog(context, container, begin);
    const first: { stamp?: Nanoseconds } = {};
    const { fault } = await log.read(
      0n,
      { line: (_stream, seconds, nanos) => void (first.stamp ??= stampOf(seconds, nanos)) },
      signal,
    );
    if (!log.behindCursor || tail === undefined) {
      return {
        visitLines: (visit) => visitBetween(context, container, begin, end, visit, lasting),
        rotatedBefore: log.behindCursor ? (first.stamp ?? NEVER) : undefined,
        fault,
      };
    }
    tail = tries < TRIES_WITH_TAIL ? tail * WIDER : undefined;
  }
}

/** Behind all stamps: there is nothing left of the log. */
const NEVER: Nanoseconds = 2n ** 63n;

function beginningOf({ id, name }: ContainerSummary): Cursor {
  return { containerId: id, containerName: name, anchor: [], open: [], moved: {}, committedAt: 0n };
}

/** The lines behind the one place; they are due when they stand before the other. */
async function visitBetween(
  context: EngineLogContext,
  container: ContainerRef,
  begin: Cursor,
  end: Cursor,
  visit: Parameters<WrittenLines>[0],
  signal: AbortSignal,
): Promise<void> {
  const before = await countLines(context, container, begin, signal);
  const delivered = await countLines(context, container, end, signal);
  const numbers: Record<StreamNumber, number> = { 1: 0, 2: 0 };
  const joiner = new PieceJoiner(visit);
  const anyCursor = new EngineLog(context, container, undefined);
  await anyCursor.read(
    0n,
    {
      line: (stream, seconds, nanos, source, start, stop, _settled, piece) => {
        const number = numbers[stream]++;
        if (number < before[stream]) return;
        const text = source.toString('utf8', start, stop);
        const due = number < delivered[stream];
        joiner.add({ containerId: container.id, stream, seconds, nanos, text, due }, piece);
      },
    },
    signal,
  );
  joiner.end();
}

/** How many lines and pieces of each stream stand before a place. */
async function countLines(
  context: EngineLogContext,
  container: ContainerRef,
  place: Cursor,
  signal: AbortSignal,
): Promise<Record<StreamNumber, number>> {
  const counts: Record<StreamNumber, number> = { 1: 0, 2: 0 };
  const log = new EngineLog(context, container, place);
  await log.read(
    0n,
    {
      line: (stream, _seconds, _nanos, _source, _start, _end, settled) => {
        if (settled) counts[stream]++;
      },
    },
    signal,
  );
  return log.behindCursor ? { 1: 0, 2: 0 } : counts;
}
