import type { MalformedItem } from '../docker/malformed.js';
import type { Clock } from '../model/clock.js';
import { PollardError } from '../model/errors.js';
import { joinedSignal } from '../model/joined-signal.js';
import { boundedSignal } from './bounded-signal.js';
import { ClockWatch } from './clock-watch.js';
import type { ContainerEvent, Engine } from './engine.js';
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
 * Whether everything is to be listed before its time: `now`, or `soon`, which is the case where events are missing. On a
 * busy Engine they are missing at each look, since execs alone overrun its ring; and most of what is missing then are
 * execs. So that list is asked for at most OVERRUN_LISTS times in the list's interval.
 */
type Doubt = 'none' | 'soon' | 'now';
const OVERRUN_LISTS = 6;

/** With nothing running and no event for so long, the events are asked for less often, ms. */
const QUIET_AFTER = 5 * 60_000;
/** Then they are asked for this often at the most, and so are list and events that are refused, ms. */
const SLOW_INTERVAL = 5000;

/**
 * Finds containers: a complete list now and then, and in between short, bounded queries of the events, so that
 * a container is polled as soon as it starts and once more when it dies. When events are missing, everything is
 * listed again; where they are refused (a proxy may pass only the list), containers are found by the list alone.
 * A list may take long where there are thousands of containers: the events are looked at all the same.
 */
export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #clockWatch: ClockWatch;
  #listedAt = -Infinity;
  /** Something may have happened since the last list that no event told of. */
  #doubt: Doubt = 'now';
  /** Monotonic ms: when the last list came that was asked for because events were missing. */
  #caughtUpAt = -Infinity;
  /** The list that is under way; never rejects. */
  #listing: Promise<void> | undefined;
  #isAway = false;
  /** The list was refused (401, 403) when it was last asked for. */
  #isListRefused = false;
  /** Monotonic ms: when an event came last, or a container was active. */
  #busyAt: number;
  /** Why the events could not be had at the last look, although something else may be had of the Engine. */
  #refused: Error | undefined;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#clockWatch = new ClockWatch(options.clock);
    this.#busyAt = options.clock.monotonic();
  }

  /** The containers were listed once at least. */
  get listed(): boolean {
    return this.#listedAt !== -Infinity;
  }

  /** The Engine did not answer at all when it was last asked, or refused its list. */
  get isAway(): boolean {
    return this.#isAway || this.#isListRefused;
  }

  /** Runs until the signal aborts. Failures are told and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const ending = joinedSignal([signal]);
    try {
      while (!signal.aborted) {
        await this.step(ending.signal);
        if (this.#listing === undefined) await clock.sleep(this.#pause(), signal).catch(() => undefined);
      }
    } finally {
      // Also after a fault of ours: the list must not outlive this.
      ending.abort(new Error('the discovery has ended'));
      ending.release();
      await this.#listing;
    }
  }

  /**
   * One look: events, and a list when it is time or when events are missing. It waits for the list, but no longer
   * than until the next look.
   */
  async step(signal: AbortSignal): Promise<void> {
    const { fleet, observer, onChange } = this.#options;
    const stepped = this.#clockWatch.look();
    if (stepped !== 0) {
      observer.clockStepped(stepped);
      fleet.clockStepped();
    }
    const bounded = boundedSignal([signal]);
    try {
      const anyEvents = await this.#lookAtEvents(bounded.signal);
      if (this.#listing === undefined && this.#isListDue()) this.#listing = this.#list(signal);
      if (this.#listing === undefined) this.#tell();
      if (this.#listing === undefined || anyEvents) onChange();
    } catch (error) {
      // After a failure the list is asked for again: the Engine may have been restarted.
      this.#doubt = 'now';
      if (!signal.aborted) this.#failed(error as Error);
    } finally {
      bounded.release();
    }
    await this.#listingForAWhile(signal);
  }

  /**
   * ms until the next look. A container that starts on a quiet Engine is found by its event all the same; one that is
   * also removed before the next look is reported as missed.
   */
  #pause(): number {
    const { clock, fleet, eventsInterval } = this.#options;
    const now = clock.monotonic();
    if (fleet.isAnyActive) this.#busyAt = now;
    const isQuiet = now - this.#busyAt >= QUIET_AFTER;
    const isRefused = this.#refused !== undefined || this.#isListRefused;
    return isQuiet || isRefused ? Math.max(eventsInterval, SLOW_INTERVAL) : eventsInterval;
  }

  /** @returns whether there were any */
  async #lookAtEvents(signal: AbortSignal): Promise<boolean> {
    const { engine, fleet, observer } = this.#options;
    try {
      const { events, overrun, relist, skipped = [] } = await engine.events(signal);
      this.#refused = undefined;
      this.#isAway = false;
      for (const item of skipped) observer.malformed(item);
      for (const event of events) fleet.event(event);
      if (overrun) observer.eventsOverrun();
      if (relist && this.#doubt === 'none') this.#doubt = 'soon';
      if (relist || events.length > 0) this.#busyAt = this.#options.clock.monotonic();
      const isAnyRenamed = events.some(({ action }) => action === 'rename');
      if (isAnyRenamed || (this.#doubt === 'soon' && this.#tellOfUnknown(events))) this.#doubt = 'now';
      return events.length > 0;
    } catch (error) {
      this.#doubt = 'now';
      if (signal.aborted || isAway(error)) throw error;
      this.#refused = error as Error;
      return false;
    }
  }

  /** Of a container that is removed by now, the list does not show anything. */
  #tellOfUnknown(events: readonly ContainerEvent[]): boolean {
    const { fleet } = this.#options;
    return events.some(({ action, containerId }) => action !== 'destroy' && fleet.isUnknown(containerId));
  }

  /** Without events there is always a doubt: the list is then asked for at its own pace. */
  #isListDue(): boolean {
    const { clock, listInterval } = this.#options;
    const now = clock.monotonic();
    if (now - this.#listedAt >= listInterval) return true;
    if (this.#refused !== undefined || this.#doubt === 'none') return false;
    return this.#doubt === 'now' || now - this.#caughtUpAt >= listInterval / OVERRUN_LISTS;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { engine, fleet, clock, observer, onChange } = this.#options;
    const bounded = boundedSignal([signal]);
    const askedAt = clock.monotonic();
    const turn = fleet.asks();
    const skipped: MalformedItem[] = [];
    // What turns out to be missing from now on may be missing in this list as well.
    const wereEventsMissing = this.#doubt === 'soon';
    this.#doubt = 'none';
    try {
      const containers = await engine.list(bounded.signal, (item) => skipped.push(item));
      for (const item of skipped) observer.malformed(item);
      fleet.listed(containers, askedAt, turn, skipped);
      this.#listedAt = clock.monotonic();
      this.#isAway = false;
      this.#isListRefused = false;
      await fleet.forgetOld();
      this.#tell();
      onChange();
    } catch (error) {
      this.#doubt = 'now';
      if (!signal.aborted) {
        this.#isListRefused = isRefusal(error);
        this.#failed(error as Error);
      }
    } finally {
      if (wereEventsMissing) this.#caughtUpAt = clock.monotonic();
      bounded.release();
      this.#listing = undefined;
    }
  }

  async #listingForAWhile(signal: AbortSignal): Promise<void> {
    if (this.#listing === undefined || signal.aborted) return;
    const { clock, eventsInterval } = this.#options;
    const over = new AbortController();
    const bounded = boundedSignal([signal, over.signal]);
    const listed = this.#listing.then(() => over.abort());
    // Whichever comes first; the list itself is waited for by run().
    await Promise.race([clock.sleep(eventsInterval, bounded.signal).catch(() => undefined), listed]);
    bounded.release();
  }

  #failed(error: Error): void {
    this.#isAway = isAway(error);
    this.#options.observer.discoveryFailed(error);
  }

  #tell(): void {
    const { observer } = this.#options;
    if (this.#refused === undefined) observer.discoverySucceeded();
    else observer.discoveryFailed(this.#refused);
  }
}

/** Codes of an Engine that does not answer at all; see docker/engine-error.ts. */
const AWAY: ReadonlySet<string> = new Set([
  'engine_unreachable',
  'engine_reset',
  'engine_timeout',
  'engine_tls',
]);

function isRefusal(error: unknown): boolean {
  return error instanceof PollardError && error.code === 'engine_permission';
}

function isAway(error: unknown): boolean {
  return !(error instanceof PollardError) || AWAY.has(error.code);
}
