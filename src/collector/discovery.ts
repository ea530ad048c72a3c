import type { Clock } from '../model/clock.js';
import { PollardError } from '../model/errors.js';
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
 * listed again; where they are refused (a proxy may pass only the list), containers are found by the list alone.
 */
export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #clockWatch: ClockWatch;
  #listedAt = -Infinity;
  /** Something may have happened since the last list that no event told of. */
  #unproven = true;

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
    const { fleet, observer, onChange } = this.#options;
    const bounded = boundedSignal([signal]);
    const stepped = this.#clockWatch.look();
    if (stepped !== 0) {
      observer.clockStepped(stepped);
      fleet.lookClosely();
    }
    try {
      const refused = await this.#lookAtEvents(bounded.signal);
      if (this.#isListDue(refused !== undefined)) await this.#list(bounded.signal);
      if (refused) observer.discoveryFailed(refused);
      else observer.discoverySucceeded();
      onChange();
    } catch (error) {
      // After a failure the list is asked for again: the Engine may have been restarted.
      this.#unproven = true;
      if (!signal.aborted) observer.discoveryFailed(error as Error);
    } finally {
      bounded.release();
    }
  }

  /** Resolves with why they could not be had, when the Engine is there and something else may be had of it. */
  async #lookAtEvents(signal: AbortSignal): Promise<Error | undefined> {
    const { engine, fleet, observer } = this.#options;
    try {
      const { events, overrun, relist } = await engine.events(signal);
      for (const event of events) fleet.event(event);
      if (overrun) observer.eventsOverrun();
      if (relist || events.some(({ action }) => action === 'rename')) this.#unproven = true;
      return undefined;
    } catch (error) {
      this.#unproven = true;
      if (signal.aborted || isAway(error)) throw error;
      return error as Error;
    }
  }

  /** Without events there is always something unproven: the list is then asked for at its own pace. */
  #isListDue(withoutEvents: boolean): boolean {
    const { clock, listInterval } = this.#options;
    return (this.#unproven && !withoutEvents) || clock.monotonic() - this.#listedAt >= listInterval;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { engine, fleet, clock } = this.#options;
    fleet.listed(await engine.list(signal));
    this.#listedAt = clock.monotonic();
    this.#unproven = false;
    await fleet.forgetOld();
  }
}

/** Codes of an Engine that does not answer at all; see docker/engine-error.ts. */
const AWAY: ReadonlySet<string> = new Set([
  'engine_unreachable',
  'engine_reset',
  'engine_timeout',
  'engine_tls',
]);

function isAway(error: unknown): boolean {
  return !(error instanceof PollardError) || AWAY.has(error.code);
}
