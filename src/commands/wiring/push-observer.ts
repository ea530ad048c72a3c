import type { PushObserver } from '../../loki/push-observer.js';
import type { PushState } from '../../loki/push-state.js';
import type { Logger } from '../../model/logger.js';
import type { Health } from '../../observe/health.js';
import type { Metrics } from '../../observe/metrics.js';

export interface PushObserverOptions {
  readonly metrics: Metrics;
  readonly health: Health;
  /** Rate-limited. */
  readonly logger: Logger;
  /** Where refused lines went. */
  readonly rejectedFile: string;
  /** Opens and closes the way of the readers. */
  readonly gate: { open(): void; close(): void };
  /** ms for which what may heal by itself is not yet spoken of: a rate limit passes in a second or two. */
  readonly patience: number;
}

/** Turns what happens on the way to Loki into figures, health, log lines, and the gate of the readers. */
export function pushObserver(options: PushObserverOptions): PushObserver {
  const { metrics, health, logger, rejectedFile, gate, patience } = options;
  let state: PushState | undefined;
  let patient: NodeJS.Timeout | undefined;
  let warned = false;
  const stopWaiting = (): void => {
    clearTimeout(patient);
    patient = undefined;
  };
  const tell = (): void => {
    stopWaiting();
    if (state) tellState(state, health, logger);
  };
  return {
    onAttempt: ({ status, seconds, repeated }) => {
      metrics.pushed(status, seconds);
      if (repeated) metrics.pushRetried();
    },
    onRetry: ({ delayMs, reason, hint, ofStream, target: { containerName: container } }) => {
      if (ofStream) {
        logger.warn("Loki does not take a container's lines: they wait in Docker's log", {
          container,
          reason,
          hint,
        });
      }
      logger.debug('a push is repeated', { container, reason, delay_ms: Math.round(delayMs) });
    },
    onAsked: ({ lines, held, target }) => {
      logger.debug('Loki was asked which lines it holds before they are sent again', {
        container: target.containerName,
        lines,
        held,
      });
    },
    onReplayed: ({ lines, reason, hint, target }) => {
      metrics.linesReplayed(lines);
      if (warned) return;
      warned = true;
      logger.warn(
        'lines are sent again that Loki may hold already: it cannot be asked, and may store them twice',
        {
          container: target.containerName,
          reason,
          hint,
        },
      );
    },
    onRejected: ({ kind, entries, reason, target }) => {
      metrics.linesRejected(kind, entries);
      logger.warn('Loki refuses lines: they are kept in the rejected-lines file', {
        container: target.containerName,
        kind,
        lines: entries,
        reason,
        file: rejectedFile,
      });
    },
    onState: (now) => {
      const known = health.report().parts.loki.state !== 'healthy';
      state = now;
      // After a push that has given up only another one can show whether Loki is back.
      if (now.kind === 'ok' || now.kind === 'failed') gate.open();
      else gate.close();
      // What is healed, hopeless, or spoken of already is told at once.
      if (now.kind !== 'retrying' || known) tell();
      else if (patient === undefined) patient = setTimeout(tell, patience).unref();
    },
    onClosed: stopWaiting,
  };
}

function tellState(state: PushState, health: Health, logger: Logger): void {
  const { kind, reason, hint, setting } = state;
  switch (kind) {
    case 'ok':
      health.set('loki', 'healthy');
      return;
    case 'retrying':
    case 'failed':
      health.set('loki', 'degraded', `${reason}; the lines wait in Docker's logs`);
      break;
    case 'halted':
      health.set('loki', 'unhealthy', `${reason}; ${hint}`);
      break;
  }
  logger.warn('Loki does not take what is sent: nothing is read until it does', {
    reason,
    hint,
    ...(setting === undefined ? {} : { setting }),
  });
}
