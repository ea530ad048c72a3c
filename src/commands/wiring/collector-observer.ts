import { DeadlinePassed } from '../../collector/bounded-signal.js';
import { cutOffBy } from '../../collector/cut-off.js';
import type { CollectorObserver, MissedReason } from '../../collector/observer.js';
import type { PollReport } from '../../collector/poll.js';
import { shownLimit } from '../../collector/possible-gap.js';
import { LinesTooNew } from '../../loki/loki-error.js';
import { RecentKeys } from '../../docker/recent-keys.js';
import type { ContainerSummary } from '../../model/container.js';
import { PollardError } from '../../model/errors.js';
import type { Logger } from '../../model/logger.js';
import { formatStamp, type Nanoseconds } from '../../model/nanoseconds.js';
import type { Health } from '../../observe/health.js';
import type { Metrics } from '../../observe/metrics.js';

export interface CollectorObserverOptions {
  readonly metrics: Metrics;
  readonly health: Health;
  /** Rate-limited: an outage does not flood. */
  readonly logger: Logger;
  /** For what must never be held back: a loss. */
  readonly lossLogger: Logger;
  /** Told of a container whose cursor is no longer kept. */
  readonly onForgotten: (containerId: string) => void;
}

/** Of so many malformed items it is remembered that they were reported. */
const MOST_REPORTED = 1000;
/** How many failing containers the health's reason names. */
const NAMED = 5;

const MISSED: Record<MissedReason, string> = {
  never_polled: 'a container came and went before it could be polled: its lines were not collected',
  removed_early: 'a container was removed before its log was read to the end: its last lines may be missing',
  removed_unwatched: 'a container was removed while no collector ran: its last lines may be missing',
};

/** Turns what happens to containers into figures, health and log lines. */
export function collectorObserver(options: CollectorObserverOptions): CollectorObserver {
  const { metrics, health, logger, lossLogger, onForgotten } = options;
  /** Containers whose last poll failed, by id. */
  const failing = new Map<string, string>();
  const reported = new RecentKeys(MOST_REPORTED);
  let cursorsFail = false;
  let areAllRefused = false;

  const judgeContainers = (): void => {
    if (areAllRefused) return;
    const names = [...failing.values()];
    if (names.length === 0) return health.set('containers', 'healthy');
    const others = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
    const noun = names.length === 1 ? 'container' : 'containers';
    health.set(
      'containers',
      'degraded',
      `${names.length} ${noun} cannot be read: ${names.slice(0, NAMED).join(', ')}${others}`,
    );
  };
  const recovered = (container: ContainerSummary): void => {
    if (failing.delete(container.id)) judgeContainers();
  };
  const failed = (container: ContainerSummary): void => {
    if (failing.has(container.id)) return;
    failing.set(container.id, container.name);
    judgeContainers();
  };

  const countCutOff = (error: Error | undefined): void => {
    const setting = cutOffBy(error);
    if (setting !== undefined) metrics.answerCutOff(setting);
  };

  return {
    polled: (container, report, seconds) => {
      metrics.polled(figures(report, seconds));
      countCutOff(report.fault);
      if (cursorsFail && report.fresh > 0 && !(report.fault instanceof LinesTooNew)) {
        cursorsFail = false;
        health.set('cursors', 'healthy');
      }
      // Cut short by us (a deadline, a stop) says nothing of the container.
      const fault = faultOf(report);
      if (fault === undefined) return recovered(container);
      metrics.engineError(fault.code);
      failed(container);
      logger.warn('the log of a container could not be read to its end', {
        container: container.name,
        error: fault,
      });
    },
    pollFailed: (container, error, seconds) => {
      const code = codeOf(error);
      metrics.pollFailed(code, seconds);
      if (code === 'engine_bad_answer') metrics.malformedItem('inspect');
      countCutOff(error);
      if (code === 'cursor_write_failed') {
        cursorsFail = true;
        health.set('cursors', 'unhealthy', error.message);
        logger.error('a cursor cannot be written: nothing is lost, but positions do not move on', {
          error,
        });
        return;
      }
      if (code === 'push_failed' || code === 'push_aborted') return;
      // An Engine that is away is told once, by discovery, and not for each container.
      if (code === 'engine_unreachable' || code === 'engine_reset') return;
      // Whether it is refused alone, or all are, is reported when it is known.
      if (code === 'engine_permission') return;
      failed(container);
      logger.warn('a container could not be polled', { container: container.name, error });
    },
    logRefused: (container, error) => {
      failed(container);
      logger.warn('the log of a container is refused', { container: container.name, error });
    },
    allLogsRefused: (error) => {
      areAllRefused = true;
      const hint = error instanceof PollardError && error.hint !== undefined ? `; ${error.hint}` : '';
      health.set(
        'containers',
        'unhealthy',
        `the logs of all containers are refused: ${error.message}${hint}`,
      );
      logger.warn('the logs of all containers are refused: nothing is collected', {
        error: ofAllContainers(error),
      });
    },
    logsGranted: () => {
      areAllRefused = false;
      judgeContainers();
      logger.info('the logs of containers are let through again');
    },
    gap: (container, gap) => {
      metrics.gap();
      lossLogger.warn('lines were lost before they could be read', {
        container: container.name,
        cause: gap.cause,
        last_delivered: formatStamp(gap.lastDelivered),
        first_available: formatStamp(gap.firstAvailable),
      });
    },
    possibleGap: (container, gap) => {
      metrics.possibleGap();
      const seconds = Math.max(0, Math.ceil(gap.span) / 1000);
      const limit = shownLimit(gap.limit);
      lossLogger.warn(
        `up to ${seconds} s from the start may have been lost: the log holds at most ${limit}`,
        {
          container: container.name,
          created: formatStamp(gap.from),
          first_available: formatStamp(gap.firstAvailable),
          hint: "raise the container's max-size or max-file",
        },
      );
    },
    missed: (container, reason, since) => {
      metrics.missedContainer();
      failing.delete(container.id);
      judgeContainers();
      lossLogger.warn(MISSED[reason], {
        container: container.name,
        id: container.id.slice(0, 12),
        image: container.image,
        reason,
        ...lastDelivered(since),
      });
    },
    unreadable: (container, error) => {
      recovered(container);
      logger.warn(
        'the logging driver of a container cannot be read: it is left alone until it starts again',
        {
          container: container.name,
          error,
        },
      );
    },
    unlogged: (container) => {
      recovered(container);
      // Each of its starts shows it again.
      if (!reported.add(`unlogged ${container.id}`)) return;
      logger.info('a container is not collected: its driver keeps no logs', { container: container.name });
    },
    discovered: (container) =>
      logger.debug('found a container', { container: container.name, id: container.id.slice(0, 12) }),
    forgotten: (containerId) => {
      failing.delete(containerId);
      judgeContainers();
      onForgotten(containerId);
    },
    discoveryFailed: (error) => {
      metrics.engineError(codeOf(error));
      countCutOff(error);
      health.set('engine', 'unhealthy', error.message);
      logger.error('the Engine cannot be asked for its containers', { error });
    },
    discoverySucceeded: () => health.set('engine', 'healthy'),
    malformed: (item) => {
      metrics.malformedItem(item.kind);
      // A container that is listed again and again is reported once.
      if (!reported.add(`${item.kind} ${item.containerId ?? item.digest} ${item.problem}`)) return;
      logger.warn(
        item.kind === 'container'
          ? 'a container in the list of the Engine cannot be understood and is skipped'
          : 'an event of the Engine cannot be understood and is skipped',
        { problem: item.problem, item: item.excerpt },
      );
    },
    eventsOverrun: () => {
      metrics.eventsOverrun();
      logger.warn(
        'events of the Engine are missing (too many at once, or it was restarted): all containers are listed anew',
      );
    },
    clockStepped: (ms) => {
      metrics.clockStepped();
      logger.warn('the clock of this machine was set', { ms: Math.round(ms) });
    },
  };
}

/** What the Engine did wrong; that the poll was cut short by us, or that Loki does not take lines yet, is no fault. */
function faultOf({ fault }: PollReport): PollardError | undefined {
  if (fault instanceof DeadlinePassed || fault instanceof LinesTooNew) return undefined;
  return fault instanceof PollardError ? fault : undefined;
}

/** The error of one of them without its name, so that each probe's counts as the same. */
function ofAllContainers(error: Error): Error {
  if (!(error instanceof PollardError)) return error;
  const { code, message, hint, setting, exit } = error;
  return new PollardError(code, message, {
    exit,
    ...(hint === undefined ? {} : { hint }),
    ...(setting === undefined ? {} : { setting }),
  });
}

function figures(report: PollReport, seconds: number) {
  return {
    result:
      faultOf(report) !== undefined
        ? ('fault' as const)
        : report.fresh > 0
          ? ('lines' as const)
          : ('nothing' as const),
    seconds,
    lines: report.lines,
    bytes: report.lineBytes,
    duplicates: report.reread,
    entriesRead: report.entries,
    entriesReread: report.reread,
    window: report.window,
    widenings: report.widenings,
  };
}

function lastDelivered(since: Nanoseconds): Record<string, string> {
  return since === 0n ? {} : { last_delivered: formatStamp(since) };
}

function codeOf(error: Error): string {
  return error instanceof PollardError ? error.code : 'other';
}
