import type { Config } from '../../config/schema.js';
import type { Clock, Random } from '../../model/clock.js';
import { Closers } from './closers.js';
import { collectorObserver } from './collector-observer.js';
import { collectorParts, type CollectorParts } from './collector-parts.js';
import { engineParts, type EngineParts } from './engine-parts.js';
import { lokiParts, rejectedPath, type LokiParts } from './loki-parts.js';
import type { ObserveParts } from './observe-parts.js';
import { pushObserver } from './push-observer.js';
import { openState } from './state.js';
import { withBoundedRetries } from './bounded-retries.js';

/** The collector for a command that ends by itself. */
export interface OneShot extends CollectorParts {
  readonly engine: EngineParts;
  readonly loki: LokiParts;
  /** Loki is what the work waits for: it fails, or it has not yet answered any push of this run. */
  readonly waitsForLoki: () => boolean;
  close(): Promise<void>;
}

export interface OneShotOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: ObserveParts;
  readonly command: string;
  /** Gives up the pushes under way: what they carry is read again the next time. */
  readonly stopPushes: AbortSignal;
}

const NO_GATE = { open: () => undefined, close: () => undefined };

/**
 * Wires the collector for one run, with the state directory of the service.
 *
 * @throws PollardError, StateLocked when a service holds it
 */
export async function createOneShot(config: Config, options: OneShotOptions): Promise<OneShot> {
  const { clock, random, observe, command, stopPushes } = options;
  const { logger, limited, metrics, health } = observe;
  const bounded = withBoundedRetries(config);
  const engine = await engineParts(bounded, clock, logger);
  const state = await openState(bounded, command, clock, logger);
  const held = new Closers();
  // Until something is sent, it is as it was.
  let isInOrder = () => state.endedInOrder;
  held.add(() => state.release(isInOrder()));
  try {
    const pushes = pushObserver({
      metrics,
      health,
      clock,
      logger: limited,
      lossLogger: logger,
      repeatInterval: bounded.log.repeat_interval,
      rejectedFile: rejectedPath(bounded),
      gate: NO_GATE,
      patience: bounded.loki.outage_grace,
    });
    held.add(() => pushes.close());
    const loki = await lokiParts(bounded, {
      endedInOrder: state.endedInOrder,
      clock,
      random,
      observer: pushes,
      onRejectedTrouble: pushes.onRejectedTrouble,
      onTooNew: pushes.onTooNew,
    });
    held.add(() => loki.close());
    const stop = (): void => loki.pusher.stop();
    if (stopPushes.aborted) stop();
    stopPushes.addEventListener('abort', stop, { once: true });
    held.add(() => stopPushes.removeEventListener('abort', stop));
    const observer = collectorObserver({
      metrics,
      health,
      logger: limited,
      lossLogger: logger,
      onForgotten: () => undefined,
    });
    const parts = collectorParts(bounded, {
      clock,
      random,
      logger: limited,
      engine,
      loki,
      store: state.store,
      lock: state.lock,
      // The summary names these, and what goes to standard error is mailed by cron.
      observer: { ...observer, unlogged: () => undefined },
      onCutLine: () => metrics.linesCut(1),
    });
    isInOrder = parts.isInOrder;
    return {
      ...parts,
      engine,
      loki,
      waitsForLoki: () => {
        const { tried, failed } = metrics.pushTotals();
        return loki.pusher.state().kind !== 'ok' || (loki.pusher.underWay > 0 && tried === failed);
      },
      close: () => held.close(),
    };
  } catch (error) {
    await held.abandon();
    throw error;
  }
}
