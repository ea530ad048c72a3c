import type { Config } from '../../config/schema.js';
import { BufferPool } from '../../loki/buffer-pool.js';
import { EntryBatch, entryBatch } from '../../loki/batch.js';
import { createPusher, type Pusher } from '../../loki/pusher.js';
import { RejectedStore } from '../../loki/rejected-store.js';
import type { RejectedSink } from '../../loki/rejected.js';
import { createTransport } from '../../loki/transport.js';
import type { Clock, Random } from '../../model/clock.js';
import type { TextSink } from '../print-error.js';
import type { ResendParts } from '../resend.js';
import type { VerifyParts } from '../verify.js';
import { withBoundedRetries } from './bounded-retries.js';
import { COMPARISON_MEMORY, comparisonParts } from './comparison-parts.js';
import { engineParts } from './engine-parts.js';
import { lokiSettings } from './loki-settings.js';
import { orClose, rejectedPath, rejectedSettings } from './loki-parts.js';
import type { ObserveParts } from './observe-parts.js';
import { pushObserver } from './push-observer.js';
import { streamParts } from './stream-parts.js';

export interface AuditPartsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: ObserveParts;
  readonly out: TextSink;
  readonly signal: AbortSignal;
}

/** Parts of a command, and the duty to close them. */
export interface Closable<Parts> {
  readonly parts: Parts;
  close(): Promise<void>;
}

const MOST_AT_A_TIME = 4;
const NO_GATE = { open: () => undefined, close: () => undefined };

/**
 * Wires an audit. It reads beside a running service, and changes no cursor.
 *
 * @param repair send what is missing; undefined: do not
 * @throws PollardError for settings that cannot work
 */
export async function verifyParts(
  config: Config,
  repair: { readonly force: boolean } | undefined,
  options: AuditPartsOptions,
): Promise<Closable<Omit<VerifyParts, 'onProgress'>>> {
  const { clock, random, observe, out, signal } = options;
  const bounded = withBoundedRetries(config);
  const engine = await engineParts(bounded, clock, observe.limited);
  const transport = await createTransport(lokiSettings(bounded));
  const pool = new BufferPool(bounded.memory.max_in_flight);
  const { labels, newBatch } = streamParts(bounded, pool, observe.limited);
  const rejected = repair
    ? await orClose(transport, () =>
        // A service may be running, whose file it is.
        RejectedStore.open({ ...rejectedSettings(bounded), clock, isGuest: true }),
      )
    : undefined;
  const pusher = rejected && pusherTo(bounded, transport, rejected, options);
  return {
    parts: {
      out,
      clock,
      random,
      transport,
      ...comparisonParts(bounded, engine, labels),
      rejectedFile: rejectedPath(bounded),
      settings: {
        memoryBytes: COMPARISON_MEMORY,
        concurrency: Math.min(bounded.poll.concurrency, MOST_AT_A_TIME),
        settleMs: 2 * bounded.poll.max_interval,
      },
      ...(pusher === undefined
        ? {}
        : {
            repair: {
              newBatch,
              push: async (batch) => await pusher.push(entryBatch(batch), signal),
              batchBytes: bounded.loki.batch.max_bytes,
              force: repair?.force === true,
            },
          }),
    },
    close: async () => {
      await pusher?.close();
      try {
        await transport.close();
      } finally {
        await rejected?.close();
      }
    },
  };
}

/** Wires the sending of refused lines. */
export async function resendParts(
  config: Config,
  options: AuditPartsOptions,
): Promise<Closable<Omit<ResendParts, 'onProgress'>>> {
  const bounded = withBoundedRetries(config);
  const transport = await createTransport(lokiSettings(bounded));
  const pool = new BufferPool(bounded.memory.max_in_flight);
  const { bounds } = streamParts(bounded, pool, options.observe.limited);
  return {
    parts: {
      out: options.out,
      clock: options.clock,
      newBatch: (target) => new EntryBatch(target, bounds, pool),
      newPusher: (rejected) => pusherTo(bounded, transport, rejected, options),
      batchBytes: bounded.loki.batch.max_bytes,
      memoryBytes: bounded.memory.max_in_flight,
    },
    close: async () => await transport.close(),
  };
}

function pusherTo(
  config: Config,
  transport: Awaited<ReturnType<typeof createTransport>>,
  rejected: RejectedSink,
  { clock, random, observe, signal }: AuditPartsOptions,
): Pusher {
  const { metrics, health, logger, limited } = observe;
  const pusher = createPusher({
    transport,
    settings: lokiSettings(config),
    clock,
    random,
    rejected,
    events: pushObserver({
      metrics,
      health,
      clock,
      logger: limited,
      lossLogger: logger,
      repeatInterval: config.log.repeat_interval,
      rejectedFile: rejectedPath(config),
      gate: NO_GATE,
      patience: config.loki.outage_grace,
    }),
  });
  // The command ends with it.
  signal.addEventListener('abort', () => pusher.stop(), { once: true });
  return pusher;
}
