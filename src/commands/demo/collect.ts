import { boundedSignal } from '../../collector/bounded-signal.js';
import { runTogether } from '../../collector/run-together.js';
import type { Clock } from '../../model/clock.js';
import { sharedController } from '../../model/shared-controller.js';
import type { Service } from '../wiring/service.js';
import type { ContainerStatus } from '../wiring/status-parts.js';
import { drained } from './drain.js';
import type { EngineSide } from './engine-side.js';
import type { LiveTally } from './live-tally.js';
import type { NewestLines } from './newest-lines.js';
import type { DemoOptions } from './options.js';
import type { Show } from './show.js';

export interface CollectContext {
  readonly options: DemoOptions;
  readonly service: Service;
  readonly side: EngineSide;
  readonly show: Show;
  readonly newest: NewestLines;
  readonly tally: LiveTally;
  readonly clock: Clock;
  /** Aborts when someone asks for the end. */
  readonly asked: AbortSignal;
}

/**
 * Runs the collector, shown live, for as long as is asked for; then until it has caught up.
 *
 * @returns the containers that it could not read to their end
 */
export async function collect(context: CollectContext, broken: AbortSignal): Promise<ContainerStatus[]> {
  const { options, service, side, show, newest, tally, clock, asked } = context;
  const end = sharedController();
  const failed = sharedController();
  const collecting = service.run(end.signal);
  collecting.catch((error: unknown) => failed.abort(error));
  const trouble = boundedSignal([broken, failed.signal]);
  const seen = sharedController();
  const shown = runTogether(seen.signal, (ending) => [show.run(ending), newest.run(ending)]);
  shown.catch((error: unknown) => failed.abort(error));
  try {
    show.phase =
      options.seconds === undefined ? 'collecting until Ctrl-C' : `collecting for ${options.seconds} s`;
    await wait(options.seconds, asked, trouble.signal, clock);
    show.phase = side.ending;
    await side.finish();
    const { containers } = service;
    const isDone = (container: ContainerStatus) => side.isDone(container);
    return await drained({ clock, containers, isDone, lines: () => tally.lines }, trouble.signal);
  } finally {
    trouble.release();
    seen.abort();
    try {
      await shown;
    } finally {
      end.abort();
      await collecting;
    }
  }
}

const LONGEST_SLEEP = 3_600_000;

/** For so many seconds, or until someone asks for the end. @throws the reason of `trouble` when it aborts */
async function wait(
  seconds: number | undefined,
  asked: AbortSignal,
  trouble: AbortSignal,
  clock: Clock,
): Promise<void> {
  const ended = boundedSignal([asked, trouble]);
  const until = clock.monotonic() + (seconds ?? Infinity) * 1000;
  try {
    while (clock.monotonic() < until && !ended.signal.aborted) {
      // A timer of Node.js ends at 2^31 ms.
      const ms = Math.min(until - clock.monotonic(), LONGEST_SLEEP);
      await clock.sleep(ms, ended.signal).catch(() => undefined);
    }
  } finally {
    ended.release();
  }
  trouble.throwIfAborted();
}
