import { join } from 'node:path';
import type { Config } from '../../config/schema.js';
import { AgeLimits } from '../../loki/age-limits.js';
import { BufferPool } from '../../loki/buffer-pool.js';
import { createPusher, type Pusher } from '../../loki/pusher.js';
import type { PushObserver } from '../../loki/push-observer.js';
import { RejectedStore, type RejectedStoreOptions } from '../../loki/rejected-store.js';
import { StreamDoubts } from '../../loki/stream-doubts.js';
import { TooNewWaits, type TooNewWaitsOptions } from '../../loki/too-new-waits.js';
import { createTransport, type LokiTransport } from '../../loki/transport.js';
import type { Clock, Random } from '../../model/clock.js';
import { lokiSettings } from './loki-settings.js';

/** All that speaks with Loki. */
export interface LokiParts {
  readonly transport: LokiTransport;
  readonly pusher: Pusher;
  readonly pool: BufferPool;
  /** Of which containers lines may have been sent before. */
  readonly doubts: StreamDoubts;
  /** Which streams have lines that are too new for Loki. */
  readonly tooNew: TooNewWaits;
  /** Gives up the pushes under way, and closes the connections and the file when they have ended. */
  close(): Promise<void>;
}

export interface LokiPartsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: PushObserver;
  /** All that earlier processes sent is covered by the cursors. */
  readonly endedInOrder: boolean;
  /** Told when copies of refused lines can no longer be kept, and when they can be again. */
  readonly onRejectedTrouble: NonNullable<RejectedStoreOptions['onTrouble']>;
  /** Called with the streams whose lines are too new for Loki and wait, when they change. */
  readonly onTooNew: NonNullable<TooNewWaitsOptions['onChange']>;
}

/** Where refused lines go. */
export function rejectedPath(config: Config): string {
  return config.rejected.file ?? join(config.collector.state_dir, 'rejected.jsonl');
}

/** The same with its bound. */
export function rejectedSettings(config: Config): Pick<RejectedStoreOptions, 'path' | 'maxBytes'> {
  return { path: rejectedPath(config), maxBytes: config.rejected.max_bytes };
}

/**
 * Prepares the way to Loki. Call it with the state directory locked: the rejected-lines file has one owner.
 *
 * @throws LokiSettingError for what cannot work
 * @throws PollardError `rejected_file_unusable`
 */
export async function lokiParts(config: Config, options: LokiPartsOptions): Promise<LokiParts> {
  const { clock, random, observer, endedInOrder, onRejectedTrouble: onTrouble, onTooNew: onChange } = options;
  const settings = lokiSettings(config);
  const doubts = new StreamDoubts(!endedInOrder);
  const transport = await createTransport(settings);
  const rejected = await orClose(transport, () =>
    RejectedStore.open({ ...rejectedSettings(config), clock, onTrouble }),
  );
  const tooNew = new TooNewWaits({ clock, patienceMs: config.loki.too_new_patience, onChange });
  const pusher = createPusher({
    transport,
    settings,
    clock,
    random,
    rejected,
    tooOld: {
      limits: new AgeLimits(clock, settings.limits.maxAgeMs),
      count: async (lines) => await rejected.count(lines),
    },
    tooNew,
    events: observer,
    doubts,
  });
  return {
    tooNew,
    transport,
    pusher,
    doubts,
    pool: new BufferPool(config.memory.max_in_flight),
    close: async () => {
      await pusher.close();
      try {
        await transport.close();
      } finally {
        await rejected.close();
      }
    },
  };
}

/** Opens what is needed beside a transport, which is closed when that cannot be had. */
export async function orClose<T>(transport: LokiTransport, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    await transport.close();
    throw error;
  }
}
