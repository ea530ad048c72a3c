import { NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import type { EngineEvent } from './events.js';

/** Both ends are inclusive. */
export interface EventRange {
  readonly since: Nanoseconds;
  readonly until: Nanoseconds;
}

export interface EventNews {
  /** Not told before, in the order in which they happened. */
  readonly events: readonly EngineEvent[];
  /**
   * That none is missing before these is not proven: everything must be listed again. So at the first look, when
   * the ring was empty before, and after an overrun.
   */
  readonly relist: boolean;
  /** The last event seen is not there any more: the ring was overrun, the daemon restarted, or its clock set. */
  readonly overrun: boolean;
}

/** How many events the Engine remembers (moby: daemon/events/events.go, eventsLimit). */
const RING = 256;
/** All that the ring can hold at one time, and as much again. */
const REMEMBERED = 2 * RING;
/** An event is stamped before it enters the ring, so a later one may be ahead of it. */
const OVERLAP = 2n * NS_PER_SECOND;

/**
 * Asks the ring of events piece by piece, and knows when a piece is missing. Each question begins a little before
 * the last event seen. When that event is in the answer, nothing behind it can have fallen out of the ring; when
 * it is not, the ring was overrun, the daemon was restarted, or its clock was set.
 *
 * The Engine searches its ring backwards and stops at the first event that is older than `since`, even when
 * younger stamps stand before it (moby: daemon/events/events.go, loadBufferedEvents).
 */
export class EventWindow {
  /** The last event seen; undefined: the whole ring is asked for. */
  #last: EngineEvent | undefined;
  #started = false;
  /** Events told already, the latest ones last. */
  readonly #seen = new Set<string>();

  /**
   * What to ask for.
   *
   * @param until a time that the Engine's clock has passed (DaemonClock.past), so that the answer comes at once
   */
  next(until: Nanoseconds): EventRange {
    const since = this.#last === undefined ? 0n : this.#last.timeNano - OVERLAP;
    // The Engine refuses an end before the beginning: its clock was set back, and the whole ring is looked at.
    return { since: since > until || since < 0n ? 0n : since, until };
  }

  /** Takes the whole answer to that question. What stood in the ring at the first one is old and not told. */
  take(events: readonly EngineEvent[]): EventNews {
    const first = !this.#started;
    const fresh = events.filter((event) => this.#remember(event));
    const overrun = this.#last !== undefined && !contains(events, this.#last);
    // Without a last event there is no proof, however few there are: some of the ring may be later than `until`.
    const unproven = this.#last === undefined && (first || events.length > 0);
    this.#started = true;
    this.#last = events.at(-1);
    return { events: first ? [] : fresh, overrun, relist: overrun || unproven };
  }

  /** False when it was told before. */
  #remember(event: EngineEvent): boolean {
    const key = keyOf(event);
    const known = this.#seen.delete(key);
    this.#seen.add(key);
    for (const oldest of this.#seen) {
      if (this.#seen.size <= REMEMBERED) break;
      this.#seen.delete(oldest);
    }
    return !known;
  }
}

function contains(events: readonly EngineEvent[], wanted: EngineEvent): boolean {
  const key = keyOf(wanted);
  return events.some((event) => keyOf(event) === key);
}

/** An event is the same in every answer. */
function keyOf({ timeNano, type, action, id }: EngineEvent): string {
  return `${timeNano} ${type} ${action} ${id}`;
}
