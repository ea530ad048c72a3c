import type { Clock } from '../model/clock.js';
import type { LogFields, Logger } from '../model/logger.js';
import { formatStamp } from '../model/nanoseconds.js';
import { MessageTally, type Tally } from './message-tally.js';

export interface RateLimitOptions {
  /** Where what is said goes. Messages that must never be held back (a gap, a loss) are given to it directly. */
  readonly logger: Logger;
  readonly clock: Clock;
  /** ms between two lines about the same message. */
  readonly repeatInterval: number;
  /** Different messages that are told apart; more of them share one count. */
  readonly maxMessages?: number;
  /** Containers that are told apart for one message; more of them share one count. */
  readonly maxContainers?: number;
}

/**
 * Says equal errors and warnings (same text, container and error code) once, then counts them, and says the
 * count once each repeat interval, and a last time when an interval went by without any. So an outage of hours
 * costs a line a minute and not one a poll. `info` and `debug` pass.
 *
 * Memory is bounded by `maxMessages * maxContainers` counts; what goes beyond is still counted, together.
 */
export class RateLimitedLogger implements Logger {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #tally: MessageTally;

  constructor(options: RateLimitOptions) {
    this.#logger = options.logger;
    this.#clock = options.clock;
    this.#interval = options.repeatInterval;
    this.#tally = new MessageTally(options.maxMessages ?? 200, options.maxContainers ?? 50);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#offer('error', message, fields);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#offer('warn', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#logger.info(message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#logger.debug(message, fields);
  }

  /** Sweeps now and then until the signal aborts; then says what was counted and not yet said. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(this.#interval / 4, signal).catch(() => undefined);
      this.sweep();
    }
    this.flush();
  }

  /** Says the counts whose interval is over, and which messages have ended. */
  sweep(): void {
    const now = this.#clock.monotonic();
    for (const tally of this.#tally.all()) {
      if (now - tally.saidAt < this.#interval) continue;
      if (tally.heldBack > 0) this.#sayCount(tally, now);
      else {
        if (tally.total > 1) this.#sayEnd(tally);
        this.#tally.forget(tally);
      }
    }
  }

  /** Says all counts at once, as before an exit. */
  flush(): void {
    const now = this.#clock.monotonic();
    for (const tally of this.#tally.all()) if (tally.heldBack > 0) this.#sayCount(tally, now);
  }

  /** How many counts are kept. */
  get size(): number {
    return this.#tally.size;
  }

  #offer(level: 'error' | 'warn', message: string, fields: LogFields): void {
    const now = this.#clock.monotonic();
    const known = this.#tally.find(level, message, fields);
    if (known === undefined) {
      this.#tally.begin(level, message, fields, now, this.#clock.now());
      this.#logger[level](message, fields);
      return;
    }
    this.#tally.count(known, message, fields);
    // Whoever sweeps may be late.
    if (now - known.saidAt >= this.#interval) this.#sayCount(known, now);
  }

  #sayCount(tally: Tally, now: number): void {
    const seconds = Math.round((now - tally.saidAt) / 1000);
    const sharing =
      tally.shared === 'messages'
        ? ', this one and others'
        : tally.shared === 'containers'
          ? `, of containers ${[...tally.someContainers].join(', ')} and perhaps others`
          : '';
    this.#logger[tally.level](`${tally.message} (${tally.heldBack} more in ${seconds} s${sharing})`, {
      ...tally.fields,
      repeated: tally.heldBack,
    });
    tally.heldBack = 0;
    tally.someContainers.clear();
    tally.saidAt = now;
  }

  #sayEnd(tally: Tally): void {
    const seconds = Math.round(this.#interval / 1000);
    const container = tally.shared === undefined ? tally.container : undefined;
    this.#logger.info(`${tally.message} (not again for ${seconds} s)`, {
      ...(container === undefined ? {} : { container }),
      times: tally.total,
      since: formatStamp(tally.since),
    });
  }
}
