import { NS_PER_MS, type Nanoseconds } from '../model/nanoseconds.js';
import type { EngineEvent } from './events.js';
import type { MalformedItem } from './malformed.js';
import { RecentKeys } from './recent-keys.js';

/** Both ends are inclusive. */
export interface EventRange {
  readonly since: Nanoseconds;
  readonly until: Nanoseconds;
}

export interface EventNews {
  /** Not told before, in the order in which they happened. */
  readonly events: readonly EngineEvent[];
  /** Lines that could not be understood, not seen before. */
  readonly malformed: readonly MalformedItem[];
  /**
   * That none is missing before these is not proven: everything must be listed again. So at the first look, when
   * the ring was empty before, after an overrun, when the Engine's clock was set back, and when a line could not be
   * understood: anything may have happened.
   */
  readonly relist: boolean;
  /** The proof is not there any more: the ring was overrun, the daemon restarted, or its clock set. */
  readonly overrun: boolean;
}

/** How many events the Engine remembers (moby: daemon/events/events.go, eventsLimit). */
const RING = 256;
/** All that the ring can hold at one time, and as much again. */
const REMEMBERED = 2 * RING;
/** An event is stamped before it enters the ring, by far less than this. */
const LATE = 500n * NS_PER_MS;
/** Setting back the Engine's clock by no more than this may go unnoticed. */
const UNNOTICED_STEP = 500n * NS_PER_MS;
const PROVEN = LATE + UNNOTICED_STEP;
/**
 * Podman takes `since` as exclusive (libpod/events/filters.go) and reads it as a 64-bit float (pkg/util, ParseInputTime),
 * which is up to 120 ns off. So each question begins this much before the proof.
 */
const IMPRECISION = 1000n;

/**
 * Asks the ring of events piece by piece, and knows when a piece is missing. Each question begins at an event that was
 * seen, the proof. When that event is in the answer, nothing after it has fallen out of the ring; when it is not, the
 * ring was overrun, the daemon was restarted, or its clock was set.
 *
 * The proof is not simply the last event seen. The Engine searches its ring backwards, stops at the first event
 * that is older than `since`, and passes over each that is later than `until` (moby: daemon/events/events.go,
 * loadBufferedEvents). So before the last event of an answer others may stand in the ring that it hides: those
 * would fall out unnoticed while the last one is still there. What lies so long before `until` that nothing
 * hidden can have entered the ring before it is a proof. Also so at a look that lists everything again, whose
 * last event is a proof because the list knows what is hidden.
 *
 * `since` is the time of the proof, so that a quiet Engine sends one event and not its last seconds again. That is safe
 * for these reasons:
 * - Both ends are inclusive to the nanosecond, so the proof and others of its nanosecond are in the answer. Podman is
 *   less exact, which IMPRECISION makes up for.
 * - The search ends at an event that is older than `since` and stands after the proof. Those that were seen there
 *   already lower `since` to their own time.
 * - What enters the ring later is not older than that, because the proof is older by PROVEN than what was asked for. As
 *   long as it is younger, which it may be after a look that lists everything, the question begins that much earlier.
 * - If one is later still, it hides the proof: that counts as an overrun, and everything is listed. So a wrong
 *   assumption costs a list, and no event.
 *
 * A filter of the types or names of events would not help: the Engine applies it to what the ring holds (in all versions
 * from 20.10 to 28.5), so events of exec crowd out the others all the same, and the answer would not show it.
 */
export class EventWindow {
  /** Nothing that is untold stands before it in the ring; undefined: the whole ring is asked for. */
  #proof: EngineEvent | undefined;
  /** What to ask from, so that the proof is in the answer. */
  #since: Nanoseconds = 0n;
  #until: Nanoseconds = 0n;
  /** `until` less the monotonic time, at its highest. */
  #ahead: Nanoseconds | undefined;
  #setBack = false;
  #started = false;
  /** Events reported already. */
  readonly #seen = new RecentKeys(REMEMBERED);
  readonly #seenMalformed = new RecentKeys(REMEMBERED);

  /**
   * What to ask for.
   *
   * @param until a time that the Engine's clock has passed (DaemonClock.past), so that the answer comes at once
   * @param monotonic ms of a clock that does not step: shows whether the Engine's was set back
   */
  next(until: Nanoseconds, monotonic: number): EventRange {
    const ahead = until - BigInt(Math.round(monotonic * 1000)) * 1000n;
    if (this.#ahead !== undefined && ahead < this.#ahead - UNNOTICED_STEP) {
      this.#setBack = true;
      this.#ahead = ahead;
    } else if (this.#ahead === undefined || ahead > this.#ahead) this.#ahead = ahead;
    this.#until = until;
    // Its clock was set back: what came since may be older than the proof. The Engine also refuses an end before the
    // beginning.
    const wholeRing = this.#proof === undefined || this.#setBack || this.#since > until || this.#since < 0n;
    return { since: wholeRing ? 0n : this.#since, until };
  }

  /** Takes the whole answer to that question. What stood in the ring at the first one is old and not told. */
  take(events: readonly EngineEvent[], unread: readonly MalformedItem[] = []): EventNews {
    const first = !this.#started;
    const fresh = events.filter((event) => this.#seen.add(keyOf(event)));
    const malformed = unread.filter(({ digest }) => this.#seenMalformed.add(digest));
    const at = this.#proof === undefined ? -1 : indexOf(events, this.#proof);
    const overrun = this.#proof !== undefined && at < 0;
    // Without a proof none is complete, however few there are: some of the ring may be later than `until`.
    const unproven = this.#proof === undefined && (first || events.length > 0);
    const relist = overrun || unproven || this.#setBack || malformed.length > 0;
    this.#started = true;
    this.#setBack = false;
    this.#begin(events, relist ? events.length - 1 : this.#laterProof(events, at));
    return { events: first ? [] : fresh, malformed, overrun, relist };
  }

  /**
   * The index of the last event after the proof, or of the proof itself, that entered the ring before anything now
   * hidden.
   *
   * @param at the index of the proof; -1 when there is none
   */
  #laterProof(events: readonly EngineEvent[], at: number): number {
    const last = events.findLastIndex(({ timeNano }) => timeNano <= this.#until - PROVEN);
    return Math.max(last, at);
  }

  /** The next question begins at this event. @param at its index; -1: at the beginning of the ring */
  #begin(events: readonly EngineEvent[], at: number): void {
    this.#proof = events[at];
    this.#since = this.#until - PROVEN;
    for (const { timeNano } of events.slice(Math.max(at, 0))) {
      if (timeNano < this.#since) this.#since = timeNano;
    }
    this.#since -= IMPRECISION;
  }
}

function indexOf(events: readonly EngineEvent[], wanted: EngineEvent): number {
  const key = keyOf(wanted);
  return events.findIndex((event) => keyOf(event) === key);
}

/** An event is the same in every answer. */
function keyOf({ timeNano, type, action, id }: EngineEvent): string {
  return `${timeNano} ${type} ${action} ${id}`;
}
