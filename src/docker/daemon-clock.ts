import { NS_PER_MS, NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';

/** How far behind the Engine's presumed time `now` stays, where both use the same clock. */
const SAFETY = 5n * NS_PER_MS;

/**
 * What the Engine's clock shows, judged by the `Date` of its answers. That has whole seconds, cut off: at some
 * time between question and answer the clock showed at least the date and less than a second more. Each answer
 * so gives an interval for the difference to our clock, and all together a narrower one.
 */
export class DaemonClock {
  #least: Nanoseconds | undefined;
  #most: Nanoseconds | undefined;

  /**
   * Takes the date of an answer.
   *
   * @param date the header `Date`; anything else is passed over
   * @param asked our wall clock before the question
   * @param answered our wall clock when the answer was there
   */
  observe(date: string | undefined, asked: Nanoseconds, answered: Nanoseconds): void {
    const ms = date === undefined ? NaN : Date.parse(date);
    // Our clock was set back meanwhile: this tells nothing.
    if (Number.isNaN(ms) || answered < asked) return;
    const at = BigInt(ms) * NS_PER_MS;
    const least = at - answered;
    const most = at + NS_PER_SECOND - asked;
    if (this.#least === undefined || this.#most === undefined || least > this.#most || most < this.#least) {
      // The first, or one of the clocks was set: what was known before does not hold any more.
      this.#least = least;
      this.#most = most;
      return;
    }
    if (least > this.#least) this.#least = least;
    if (most < this.#most) this.#most = most;
  }

  /** Engine's clock minus ours, at least and at most; undefined before the first answer. */
  get offset(): { readonly least: Nanoseconds; readonly most: Nanoseconds } | undefined {
    if (this.#least === undefined || this.#most === undefined) return undefined;
    return { least: this.#least, most: this.#most };
  }

  /**
   * A time that the Engine's clock has passed, as late as can be told. Where nothing speaks against it, both
   * clocks are taken for the same one, which they are on one machine.
   *
   * @param now our wall clock
   */
  past(now: Nanoseconds): Nanoseconds {
    return now + this.#leastAhead - SAFETY;
  }

  /**
   * What our clock showed at most when the Engine's showed this. Where nothing speaks against it, both are taken for
   * the same one.
   *
   * @param stamp of the Engine
   */
  oursAtMost(stamp: Nanoseconds): Nanoseconds {
    return stamp - this.#leastAhead;
  }

  get #leastAhead(): Nanoseconds {
    const least = this.#least;
    const most = this.#most;
    const same = least === undefined || most === undefined || (least <= 0n && most >= 0n);
    return same ? 0n : least;
  }
}
