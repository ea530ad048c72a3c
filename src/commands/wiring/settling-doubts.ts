import type { CollectorObserver } from '../../collector/observer.js';
import type { StreamDoubts } from '../../loki/stream-doubts.js';
import type { Nanoseconds } from '../../model/nanoseconds.js';

/**
 * An observer that also settles which containers are in doubt. After a complete poll, the cursor covers all that was in
 * the log when it began, and so all that may have been sent before. A container born since the start was never sent.
 *
 * @param startedAt when this process began, wall clock
 * @param wasThere whether a container may have been there when this process began, whatever the clock shows: it may have
 *   been set back since the container was created
 */
export function settlingDoubts(
  observer: CollectorObserver,
  doubts: StreamDoubts,
  startedAt: Nanoseconds,
  wasThere: (containerId: string) => boolean,
): CollectorObserver {
  return {
    ...observer,
    polled: (container, report, seconds) => {
      if (report.fault === undefined && !report.suspect) doubts.settle(container.id);
      observer.polled(container, report, seconds);
    },
    discovered: (container) => {
      if (container.created >= startedAt && !wasThere(container.id)) doubts.settle(container.id);
      observer.discovered(container);
    },
    forgotten: (id) => {
      doubts.forget(id);
      observer.forgotten(id);
    },
  };
}
