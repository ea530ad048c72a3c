import type { PushObserver } from '../../loki/push-observer.js';
import type { PushState } from '../../loki/push-state.js';
import type { RejectedTrouble } from '../../loki/rejected-store.js';
import type { TooNewWait } from '../../loki/too-new-waits.js';
import type { Clock } from '../../model/clock.js';
import type { Logger } from '../../model/logger.js';
import { formatStamp } from '../../model/nanoseconds.js';
import type { Health } from '../../observe/health.js';
import type { Metrics } from '../../observe/metrics.js';
import { SkippedLog } from './skipped-log.js';

export interface PushObserverOptions {
  readonly metrics: Metrics;
  readonly health: Health;
  readonly clock: Clock;
  /** Rate-limited. */
  readonly logger: Logger;
  /** For what is said once for each container. */
  readonly lossLogger: Logger;
  /** ms between two messages about the same. */
  readonly repeatInterval: number;
  /** Where refused lines went. */
  readonly rejectedFile: string;
  /** Opens and closes the way of the readers. */
  readonly gate: { open(): void; close(): void };
  /** ms for which what may heal by itself is not yet spoken of: a rate limit passes in a second or two. */
  readonly patience: number;
}

/** A push observer with what the rejected-lines file tells beside it. */
export interface ClosablePushObserver extends PushObserver {
  /** Copies of refused lines can no longer be kept, or can be again. */
  readonly onRejectedTrouble: (trouble: RejectedTrouble | undefined) => void;
  /** These streams have lines that are too new for Loki, and wait. */
  readonly onTooNew: (waiting: readonly TooNewWait[]) => void;
  /** Says what was not said yet, and takes its timers back. Call it once no push is under way. */
  close(): void;
}

/** Turns what happens on the way to Loki into figures, health, log lines, and the gate of the readers. */
export function pushObserver(options: PushObserverOptions): ClosablePushObserver {
  const { metrics, health, clock, logger, lossLogger, repeatInterval, rejectedFile, gate, patience } =
    options;
  const skipped = new SkippedLog({ logger: lossLogger, clock, repeatInterval });
  let waiting: readonly TooNewWait[] = [];
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
    if (state === undefined || state.kind === 'ok') tellWaiting(waiting, health);
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
    onRejected: ({ kind, entries, notKept, reason, target }) => {
      metrics.linesRejected(kind, entries);
      if (notKept === entries) return;
      logger.warn('Loki refuses lines: they are kept in the rejected-lines file', {
        container: target.containerName,
        kind,
        lines: entries - notKept,
        reason,
        file: rejectedFile,
      });
    },
    onNotKept: ({ kind, lines, reason, target, from, until }, why) => {
      metrics.rejectedNotKept(kind, lines);
      // The kind is in the text, so that each kind of a container is said.
      logger.warn(`Loki refuses lines (${kind}), and no copy of them is kept`, {
        container: target.containerName,
        lines,
        from: formatStamp(from),
        until: formatStamp(until),
        reason,
        why,
      });
    },
    onTooOld: (lines) => {
      metrics.linesRejected(lines.kind, lines.lines);
      metrics.linesTooOld(lines.lines);
      skipped.add(lines);
    },
    onRejectedTrouble: (trouble) => {
      if (trouble === undefined) health.set('rejected', 'healthy');
      else health.set('rejected', 'degraded', `${trouble.reason}; ${trouble.hint}`);
    },
    onTooNew: (now) => {
      const [first] = now;
      if (first !== undefined && waiting.length === 0) {
        logger.warn(
          "lines are too new for Loki: they wait in Docker's log, for up to loki.too_new_patience",
          {
            container: first.target.containerName,
            reason: first.skew.text,
            hint: SET_CLOCKS,
          },
        );
      }
      waiting = now;
      if (state === undefined || state.kind === 'ok') tellWaiting(waiting, health);
    },
    close: () => {
      stopWaiting();
      skipped.close();
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

const SET_CLOCKS = 'set the clocks right (NTP)';
/** How many containers the health's reason names. */
const NAMED = 5;

function tellWaiting(waiting: readonly TooNewWait[], health: Health): void {
  const [first] = waiting;
  if (first === undefined) return health.set('loki', 'healthy');
  const names = [...new Set(waiting.map(({ target }) => target.containerName))].sort();
  const others = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  const whose = `${names.slice(0, NAMED).join(', ')}${others}`;
  health.set(
    'loki',
    'degraded',
    `lines of ${whose} are too new for Loki and wait in Docker's logs: ${first.skew.text}; ${SET_CLOCKS}`,
  );
}

function tellState(state: PushState, health: Health, logger: Logger): void {
  const { kind, reason, hint, setting } = state;
  switch (kind) {
    case 'ok':
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
