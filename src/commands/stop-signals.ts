import { sharedController } from '../model/shared-controller.js';
import { ExitCode } from '../model/exit-codes.js';
import type { Logger } from '../model/logger.js';

export interface StopSignals {
  /** Aborts with the first SIGTERM or SIGINT. */
  readonly signal: AbortSignal;
  /** Stops listening. */
  release(): void;
}

/**
 * The first SIGTERM or SIGINT asks for an orderly end; the second ends the process at once, by which nothing is
 * lost: what was not committed is read again at the next start.
 */
export function stopSignals(logger: Logger): StopSignals {
  const controller = sharedController();
  const listener = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(ExitCode.interrupted);
    logger.info('asked to stop: flushing and committing', { signal: name });
    controller.abort(new Error(`${name} was received`));
  };
  process.on('SIGTERM', listener);
  process.on('SIGINT', listener);
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGTERM', listener);
      process.off('SIGINT', listener);
    },
  };
}
