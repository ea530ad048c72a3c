import type { Config } from '../config/schema.js';
import { errnoOf } from '../cursors/state-error.js';
import { EngineError } from '../docker/engine-error.js';
import type { Clock } from '../model/clock.js';
import { PollardError } from '../model/errors.js';
import { ExitCode } from '../model/exit-codes.js';
import type { Logger } from '../model/logger.js';
import { systemClock } from '../model/system-clock.js';
import type { Output } from './output.js';
import { stopSignals } from './stop-signals.js';
import { engineParts } from './wiring/engine-parts.js';
import { observeParts, standardLogger } from './wiring/observe-parts.js';
import { createService, type Service } from './wiring/service.js';

/** What no waiting heals: the group of a process does not change, and an Engine does not get younger by itself. */
const HOPELESS: ReadonlySet<string> = new Set(['engine_permission', 'engine_too_old', 'engine_tls']);

/**
 * `pollard run`: the service. Ends with a signal.
 *
 * @returns the exit code
 * @throws PollardError for what cannot heal; the caller prints it
 */
export async function run(config: Config, command: string, output: Output): Promise<number> {
  const clock = systemClock;
  const observe = observeParts(config, clock, standardLogger(config, clock, output.err));
  const stop = stopSignals(observe.logger);
  try {
    await refuseTheHopeless(config, stop.signal);
    const options = { config, clock, random: Math.random, observe, command };
    const service = await onceThereIsRoom(() => createService(options), observe.limited, clock, stop.signal);
    await service?.run(stop.signal);
    return ExitCode.ok;
  } finally {
    stop.release();
    await observe.logger.close();
  }
}

/** Between two tries to begin, ms. */
const AGAIN_MS = 5000;
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/**
 * A machine whose disk is full when it starts needs its logs all the more once there is room: that is waited for, as
 * it is while the service runs. Undefined: the signal came first.
 */
async function onceThereIsRoom(
  make: () => Promise<Service>,
  logger: Logger,
  clock: Clock,
  signal: AbortSignal,
): Promise<Service | undefined> {
  while (!signal.aborted) {
    try {
      return await make();
    } catch (error) {
      if (!(error instanceof PollardError) || !FULL.has(errnoOf(error.cause))) throw error;
      logger.error('nothing can be collected before there is room on the disk: Pollard tries again', {
        error,
      });
    }
    await clock.sleep(AGAIN_MS, signal).catch(() => undefined);
  }
  return undefined;
}

/** An Engine that is away may come back and is waited for; one that will never do is told at once. */
async function refuseTheHopeless(config: Config, signal: AbortSignal): Promise<void> {
  if (!config.collector.enabled) return;
  const { api } = await engineParts(config, systemClock);
  try {
    await api.version(signal);
  } catch (error) {
    if (error instanceof EngineError && HOPELESS.has(error.code)) throw error;
  }
}
