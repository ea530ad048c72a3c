import type { CollectorObserver } from '../../collector/observer.js';
import type { StreamDoubts } from '../../loki/stream-doubts.js';
import type { TooNewWaits } from '../../loki/too-new-waits.js';
import type { Nanoseconds } from '../../model/nanoseconds.js';

export interface SettlingOptions {
  readonly doubts: StreamDoubts;
  readonly tooNew: TooNewWaits;
  /** When this process began, wall clock. */
  readonly startedAt: Nanoseconds;
  /**
   * Whether a container may have been there when this process began, whatever the clock shows: it may have been set
   * back since the container was created.
   */
  readonly wasThere: (containerId: string) => boolean;
}

/**
 * An observer that also settles which containers are in doubt, and which have lines that wait. After a complete poll,
 * the cursor covers all that was in the log when it began, and so all that may have been sent before. A container born
 * since the start was never sent.
 */
export function settling(
  observer: CollectorObserver,
  { doubts, tooNew, startedAt, wasThere }: SettlingOptions,
): CollectorObserver {
  return {
    ...observer,
    polled: (container, report, seconds) => {
      if (report.fault === undefined && !report.suspect) {
        doubts.settle(container.id);
        tooNew.forget(container.id);
      }
      observer.polled(container, report, seconds);
    },
    discovered: (container) => {
      if (container.created >= startedAt && !wasThere(container.id)) doubts.settle(container.id);
      observer.discovered(container);
    },
    missed: (container, reason, since) => {
      tooNew.forget(container.id);
      observer.missed(container, reason, since);
    },
    forgotten: (id) => {
      doubts.forget(id);
      tooNew.forget(id);
      observer.forgotten(id);
    },
  };
}
