import { Fleet } from '../../collector/fleet.js';
import { LogAccess } from '../../collector/log-access.js';
import { MemoryBudget } from '../../collector/memory-budget.js';
import type { CollectorObserver } from '../../collector/observer.js';
import { PollRunner, type StartPolicy } from '../../collector/poll-runner.js';
import type { PollContext } from '../../collector/poll.js';
import type { Config } from '../../config/schema.js';
import type { CursorStore } from '../../cursors/store.js';
import type { StateLock } from '../../cursors/lock.js';
import { reopened, type Cursor } from '../../model/cursor.js';
import { entryBatch } from '../../loki/batch.js';
import type { Clock, Random } from '../../model/clock.js';
import type { Logger } from '../../model/logger.js';
import { NS_PER_MS } from '../../model/nanoseconds.js';
import { sharedController } from '../../model/shared-controller.js';
import { containerSelector } from '../../pipeline/selection.js';
import type { EngineParts } from './engine-parts.js';
import type { LokiParts } from './loki-parts.js';
import { hostNotice, selectionSettings } from './pipeline-settings.js';
import { settling } from './settling-doubts.js';
import { streamParts } from './stream-parts.js';
import type { StreamTargets } from './stream-targets.js';
import { watchedSince } from './watched-since.js';

/** What reads containers and delivers their lines. */
export interface CollectorParts {
  readonly fleet: Fleet;
  readonly runner: PollRunner;
  readonly access: LogAccess;
  readonly budget: MemoryBudget;
  readonly targets: StreamTargets;
  /** Whether all that was sent is covered by the cursors: when no poll is under way. */
  readonly isInOrder: () => boolean;
}

export interface CollectorPartsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly engine: EngineParts;
  readonly loki: LokiParts;
  readonly store: CursorStore;
  readonly lock: StateLock;
  readonly observer: CollectorObserver;
  /** Told of lines that were cut for their length. */
  readonly onCutLine: () => void;
}

/** Many pushes listen to it at once. */
const NEVER = sharedController().signal;
/** Batches of one poll that may wait for Loki before its reading pauses. */
const WAITING_BATCHES = 4;

/** Wires the collector of one process. */
export function collectorParts(config: Config, options: CollectorPartsOptions): CollectorParts {
  const { clock, random, logger, engine, loki, store } = options;
  const { doubts, tooNew } = loki;
  // All containers are discovered by the first list that were there before it.
  const wasThere = (id: string): boolean => !fleet.hasListed || store.get(id) !== undefined;
  const observer = settling(options.observer, { doubts, tooNew, startedAt: clock.now(), wasThere });
  const { poll, lines } = config;
  const { targets, newBatch, bounds } = streamParts(config, loki.pool, logger);
  const notice = hostNotice(config);
  if (notice !== undefined) {
    const { message, code, hint, setting } = notice;
    logger.warn(message, { code, hint, setting });
  }
  const budget = new MemoryBudget(config.memory.max_in_flight);
  const context: PollContext = {
    read: engine.readLogs,
    newBatch,
    push: async (batch, signal = NEVER) => await loki.pusher.push(entryBatch(batch), signal),
    commit: async (cursor) => await store.commit(cursor),
    budget,
    clock,
    onGap: (container, gap) => observer.gap(container, gap),
    onPossibleGap: (container, gap) => observer.possibleGap(container, gap),
    onCutLine: options.onCutLine,
    onUncommitted: ({ id }) => doubts.raise(id),
    refusedFrom: ({ id }) => tooNew.containerRefusedFrom(id),
    sinceSemantics: engine.sinceSemantics,
    passesOverFiles: engine.passesOverFiles,
    settings: {
      anchor: poll.anchor,
      batchBytes: config.loki.batch.max_bytes,
      batchAge: config.loki.batch.max_age,
      maxSpan: bounds.maxSpan,
      maxWaiting: WAITING_BATCHES,
      maxLineBytes: lines.max_bytes,
      sentAsText: config.loki.encoding === 'json',
      moveEqualStamps: lines.equal_stamps === 'shift',
      gapMarker: config.gaps.marker,
    },
    poll: {
      window: { enabled: poll.window, anchor: poll.anchor },
      overlap: BigInt(poll.overlap) * NS_PER_MS,
      openMaxAge: lines.open_max_age,
    },
  };

  const writeDown = (cursor: Cursor): void => {
    store.commit(cursor).catch((error: unknown) => {
      const id = cursor.containerId.slice(0, 12);
      logger.warn('it could not be written down whether a container is gone', { id, error });
    });
  };
  const fleet: Fleet = new Fleet({
    clock,
    selects: containerSelector(selectionSettings(config)),
    cursorOf: (id) => store.get(id),
    cursors: () => store.all(),
    forgetCursor: async (id) => await store.forget(id),
    completeCursor: (id) => {
      const cursor = store.get(id);
      if (cursor !== undefined && cursor.complete !== true) writeDown({ ...cursor, complete: true });
    },
    reopenCursor: (id) => {
      const cursor = store.get(id);
      if (cursor?.complete === true) writeDown(reopened(cursor));
    },
    observer,
    watchSince: watchedSince(options.lock.path, clock.now()),
    forgetAfter: config.discovery.forget_after,
  });
  const access = new LogAccess({
    clock,
    observer,
    states: () => fleet.states(),
    firstPause: poll.interval,
  });
  const runner = new PollRunner({
    engine: engine.engine,
    context,
    clock,
    random,
    observer,
    interval: {
      adaptive: poll.adaptive,
      interval: poll.interval,
      min: poll.min_interval,
      max: poll.max_interval,
      jitter: poll.jitter,
    },
    start: startPolicy(config),
    deadline: poll.deadline,
    verifyEvery: poll.verify_every,
    fleet,
    access,
    onRemoved: (state) => fleet.removed(state),
  });
  const isInOrder = (): boolean =>
    !doubts.any &&
    store.all().every(({ containerId, complete }) => complete === true || !doubts.has(containerId));
  return { fleet, runner, access, budget, targets, isInOrder };
}

function startPolicy({ start }: Config): StartPolicy {
  return typeof start === 'string' ? start : { backNs: BigInt(start.backMs) * NS_PER_MS };
}
