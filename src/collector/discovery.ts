import type { Clock } from '../model/clock.js';
import { boundedSignal } from './bounded-signal.js';
import { ClockWatch } from './clock-watch.js';
import type { Engine } from './engine.js';
import type { Fleet } from './fleet.js';
import type { CollectorObserver } from './observer.js';

export interface DiscoveryOptions {
  readonly engine: Engine;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly observer: CollectorObserver;
  /** ms between complete lists. */
  readonly listInterval: number;
  /** ms between looks at the events. */
  readonly eventsInterval: number;
  /** Told when something may have become due. */
  readonly onChange: () => void;
}

/**
 * Finds containers: a complete list now and then, and in between short, bounded queries of the events, so that
 * a container is polled as soon as it starts and once more when it dies. When events are missing, everything is
 * listed again.
 */
export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #clockWatch: ClockWatch;
  #listedAt = -Infinity;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#clockWatch = new ClockWatch(options.clock);
  }

  /** The containers were listed once at least. */
  get listed(): boolean {
    return this.#listedAt !== -Infinity;
  }

  /** Runs until the signal aborts. Failures are told and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, eventsInterval } = this.#options;
    while (!signal.aborted) {
      await this.step(signal);
      await clock.sleep(eventsInterval, signal).catch(() => undefined);
    }
  }

  /** One look: events, and a list when it is time or when events are missing. */
  async step(signal: AbortSignal): Promise<void> {
    const { engine, fleet, clock, observer, listInterval, onChange } = this.#options;
    const bounded = boundedSignal([signal]);
    const stepped = this.#clockWatch.look();
    if (stepped !== 0) {
      observer.clockStepped(stepped);
      fleet.lookClosely();
    }
    try {
      const { events, overrun, relist } = await engine.events(bounded.signal);
      for (const event of events) fleet.event(event);
      if (overrun) observer.eventsOverrun();
      const renamed = events.some((event) => event.action === 'rename');
      if (relist || renamed || clock.monotonic() - this.#listedAt >= listInterval) {
        fleet.listed(await engine.list(bounded.signal));
        this.#listedAt = clock.monotonic();
        await fleet.forgetOld();
      }
      observer.discoverySucceeded();
      onChange();
    } catch (error) {
      // After a failure the list is asked for again: the Engine may have been restarted.
      if (this.listed) this.#listedAt = Math.min(this.#listedAt, clock.monotonic() - listInterval);
      if (!signal.aborted) observer.discoveryFailed(error as Error);
    } finally {
      bounded.release();
    }
  }
}
