import { hostname } from 'node:os';
import type { BackfillOptions } from '../../backfill/backfill.js';
import { BackfillDelivery } from '../../backfill/backfill-delivery.js';
import { ProgressStore } from '../../backfill/progress-store.js';
import { RateLimit } from '../../backfill/rate-limit.js';
import type { Config } from '../../config/schema.js';
import type { LockOwner } from '../../cursors/lock.js';
import { nodeFs } from '../../cursors/node-fs.js';
import { AgeLimits } from '../../loki/age-limits.js';
import { EntryBatch } from '../../loki/batch.js';
import { BufferPool } from '../../loki/buffer-pool.js';
import type { PushObserver } from '../../loki/push-observer.js';
import { createPusher } from '../../loki/pusher.js';
import { streamTarget } from '../../loki/stream-target.js';
import { createTransport } from '../../loki/transport.js';
import type { ContainerSummary } from '../../model/container.js';
import type { AuditPartsOptions, Closable } from './audit-parts.js';
import { withBoundedRetries } from './bounded-retries.js';
import { COMPARISON_MEMORY, comparisonParts } from './comparison-parts.js';
import { engineParts } from './engine-parts.js';
import { rejectedPath } from './loki-parts.js';
import { lokiSettings } from './loki-settings.js';
import { pushObserver } from './push-observer.js';
import { streamParts } from './stream-parts.js';

/** What the flags of one run decide about how it sends. */
export interface SendingFlags {
  /** The value of the backfill label. */
  readonly name: string;
  readonly intoLive: boolean;
  /** Bytes a second. */
  readonly rate: number;
}

/** What a backfill works with, whatever it covers. */
export interface BackfillParts extends Omit<
  BackfillOptions,
  'listed' | 'chosen' | 'range' | 'delivery' | 'blind' | 'record' | 'patienceMs' | 'onWait' | 'onProgress'
> {
  /** The containers that are collected. */
  readonly selects: (container: ContainerSummary) => boolean;
  readonly store: ProgressStore;
  /** Who holds the lock of a run. */
  readonly owner: LockOwner;
  /** How old a line may be for Loki to accept it, ms, as far as the settings know it. */
  readonly maxAgeMs: number;
  /** Makes what sends. It must be closed. */
  readonly newDelivery: (flags: SendingFlags) => BackfillDelivery;
}

/** Bytes of a batch, at most: several of them are in memory, and the rate is kept in steps of this size. */
const MOST_BATCH = 1024 * 1024;
const NO_GATE = { open: () => undefined, close: () => undefined };

/**
 * Wires a backfill. It works beside a running service: it takes none of its locks and writes none of its files.
 *
 * @param concurrency containers at a time
 * @throws PollardError for settings that cannot work
 */
export async function backfillParts(
  config: Config,
  concurrency: number,
  options: AuditPartsOptions,
): Promise<Closable<BackfillParts>> {
  const { clock, random, observe } = options;
  const bounded = withBoundedRetries(config);
  const engine = await engineParts(bounded, clock, observe.limited);
  const settings = lokiSettings(bounded);
  const transport = await createTransport(settings);
  const pool = new BufferPool(bounded.memory.max_in_flight);
  const { labels, newBatch, bounds } = streamParts(bounded, pool, observe.limited);
  const observer = pushObserver({
    metrics: observe.metrics,
    health: observe.health,
    clock,
    logger: observe.limited,
    lossLogger: observe.logger,
    repeatInterval: bounded.log.repeat_interval,
    rejectedFile: rejectedPath(bounded),
    gate: NO_GATE,
    patience: bounded.loki.outage_grace,
  });
  // The report names what was refused, by container and kind.
  const events: PushObserver = { ...observer, onRejected: ignore, onNotKept: ignore, onTooOld: ignore };
  return {
    parts: {
      clock,
      random,
      transport,
      ...comparisonParts(bounded, engine, labels),
      newBatch,
      batchBytes: Math.min(bounded.loki.batch.max_bytes, MOST_BATCH),
      settings: {
        memoryBytes: COMPARISON_MEMORY,
        concurrency,
        settleMs: 2 * bounded.poll.max_interval,
        samples: 0,
      },
      maxAgeMs: settings.limits.maxAgeMs,
      store: new ProgressStore(nodeFs, bounded.collector.state_dir),
      owner: { pid: process.pid, host: hostname(), command: 'pollard backfill', since: clock.now() },
      newDelivery: ({ name, intoLive, rate }) =>
        new BackfillDelivery({
          makePusher: (refusals) =>
            createPusher({
              transport,
              settings,
              clock,
              random,
              rejected: refusals,
              tooOld: {
                limits: new AgeLimits(clock, settings.limits.maxAgeMs),
                count: (lines) => refusals.countTooOld(lines),
              },
              events,
            }),
          targetWith: (live, more) => streamTarget({ ...live, labels: { ...live.labels, ...more } }),
          newBatch: (target) => new EntryBatch(target, bounds, pool),
          label: { name: bounded.backfill.label, value: name },
          rate: new RateLimit(clock, rate),
          intoLive,
        }),
    },
    close: async () => {
      observer.close();
      await transport.close();
    },
  };
}

function ignore(): void {
  // The report has it.
}
