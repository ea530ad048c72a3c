import type { Clock } from '../model/clock.js';
import { NS_PER_MS, NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';

/** A line that is older than the limit by less than this is still sent, and Loki decides. */
const MARGIN = 60n * NS_PER_SECOND;
/** After this time one old line is sent to see whether Loki accepts it by now. */
const PROBE_AFTER_MS = 10 * 60_000;
/**
 * No Loki is set to a smaller age: one that names it has a wrong clock, or Pollard has, and lines must not be skipped
 * for that.
 */
const SMALLEST_AGE = 10n * 60n * NS_PER_SECOND;

interface Limit {
  /** The oldest timestamp that Loki accepted when it refused a line, ns. */
  readonly oldest: Nanoseconds;
  /** Monotonic ms of that answer. */
  readonly at: number;
  /** What the setting of Loki seems to be, ns. */
  readonly age: Nanoseconds;
  /** Monotonic ms from which on an old line is sent again. */
  readonly probeAt: number;
}

/**
 * How old a line may be for Loki to accept it (`reject_old_samples_max_age`, a limit of each tenant), as far as Loki's
 * refusals have shown it. Nothing is known before the first refusal, and never from a setting alone: so no line is
 * skipped that this Loki would accept.
 *
 * The limit is kept as the oldest acceptable timestamp of Loki's own clock, and moves on with our monotonic clock: a
 * step of our wall clock does not change it, nor does a difference between the two clocks.
 */
export class AgeLimits {
  readonly #clock: Clock;
  readonly #assumedAge: Nanoseconds;
  readonly #limits = new Map<string, Limit>();

  /** @param maxAgeMs the limit to assume once a line is refused without the oldest acceptable timestamp */
  constructor(clock: Clock, maxAgeMs: number) {
    this.#clock = clock;
    this.#assumedAge = BigInt(maxAgeMs) * NS_PER_MS;
  }

  /** Lines with an older timestamp are certain to be refused; undefined: no limit is known. */
  skipBefore(tenant: string | undefined): Nanoseconds | undefined {
    const limit = this.#limits.get(tenant ?? '');
    if (limit === undefined) return undefined;
    const passed = BigInt(Math.floor(this.#clock.monotonic() - limit.at)) * NS_PER_MS;
    return limit.oldest + passed - MARGIN;
  }

  /** The age that Loki accepts, for people: `7 days`. Empty while it is not known. */
  ageText(tenant: string | undefined): string {
    const limit = this.#limits.get(tenant ?? '');
    return limit === undefined ? '' : formatAge(limit.age);
  }

  /** Whether it is time to send one old line, to see whether Loki accepts it by now. */
  isProbeDue(tenant: string | undefined): boolean {
    const limit = this.#limits.get(tenant ?? '');
    return limit !== undefined && this.#clock.monotonic() >= limit.probeAt;
  }

  /** The same, for the one that then sends it: the others go on skipping. */
  takeProbe(tenant: string | undefined): boolean {
    const limit = this.#limits.get(tenant ?? '');
    if (limit === undefined || !this.isProbeDue(tenant)) return false;
    this.#limits.set(tenant ?? '', { ...limit, probeAt: this.#clock.monotonic() + PROBE_AFTER_MS });
    return true;
  }

  /** Loki accepted a line that would have been skipped: the limit is no longer known. */
  forget(tenant: string | undefined): void {
    this.#limits.delete(tenant ?? '');
  }

  /**
   * Loki refused a line for its age. Called after the answer, be it late: the limit is then taken for larger than it
   * is, which only lets more lines be sent.
   *
   * @param stamp of the refused line
   * @param oldestAcceptable as Loki names it, in whole seconds; undefined: it does not
   */
  refused(tenant: string | undefined, stamp: Nanoseconds, oldestAcceptable: Nanoseconds | undefined): void {
    const now = this.#clock.now();
    const oldest = oldestAcceptable ?? now - this.#assumedAge;
    const age = now - oldest;
    // A text that does not fit the refusal says nothing. Loki cuts the fraction of a second off.
    if (stamp >= oldest + NS_PER_SECOND || age < SMALLEST_AGE) return;
    const at = this.#clock.monotonic();
    this.#limits.set(tenant ?? '', { oldest, at, age, probeAt: at + PROBE_AFTER_MS });
  }
}

const MINUTE = 60n * NS_PER_SECOND;
const HOUR = 60n * MINUTE;
const DAY = 24n * HOUR;
/** Clocks differ, and answers take time: what is so near to a whole hour is meant to be one. */
const NEAR = 15n * MINUTE;

/** A length of time for people, in the largest unit that divides it: `7 days`, `36 hours`. */
export function formatAge(age: Nanoseconds): string {
  const hours = (age + HOUR / 2n) / HOUR;
  const off = age - hours * HOUR;
  const near = hours > 0n && off <= NEAR && off >= -NEAR;
  const rounded = near ? hours * HOUR : ((age + MINUTE / 2n) / MINUTE) * MINUTE;
  for (const [unit, name] of [
    [DAY, 'day'],
    [HOUR, 'hour'],
  ] as const) {
    if (rounded % unit === 0n) return counted(rounded / unit, name);
  }
  return counted(rounded / MINUTE, 'minute');
}

function counted(count: bigint, noun: string): string {
  return `${count} ${noun}${count === 1n ? '' : 's'}`;
}
