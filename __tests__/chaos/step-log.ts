import { formatStamp, NS_PER_MS, type Nanoseconds } from '../../src/model/nanoseconds.js';
import type { Clock } from '../../src/model/clock.js';

interface Entry {
  readonly step: number;
  readonly seconds: number;
  /** The Engine's clock. */
  readonly at: Nanoseconds;
  readonly what: string;
}

/** What was done, step by step, and when by the Engine's clock, which stamps the lines. */
export class StepLog {
  readonly #entries: Entry[] = [];
  readonly #clock: Clock;
  readonly #begun: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#begun = clock.monotonic();
  }

  note(step: number, what: string): void {
    const seconds = (this.#clock.monotonic() - this.#begun) / 1000;
    this.#entries.push({ step, seconds, at: this.#clock.now(), what });
  }

  /** All of it, a line each. */
  get lines(): string[] {
    return this.#entries.map(shown);
  }

  /**
   * What was done around a time of the Engine's clock, so many ms before and after, as often as it showed that; and
   * whatever names a container.
   */
  around(stamp: Nanoseconds, ms: number, container: string): string[] {
    const from = stamp - BigInt(ms) * NS_PER_MS;
    const to = stamp + BigInt(ms) * NS_PER_MS;
    return this.#entries
      .filter(({ at, what }) => (from <= at && at <= to) || what.includes(container))
      .map(shown);
  }
}

function shown({ step, seconds, at, what }: Entry): string {
  return `step ${step}, ${seconds.toFixed(1)} s, ${formatStamp(at).slice(11, 23)}: ${what}`;
}
