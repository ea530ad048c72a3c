import type { Clock } from '../model/clock.js';
import type { PollardError } from '../model/errors.js';
import type { LokiSettings } from './settings.js';

/** Why Loki is not asked. */
export interface NoAccess {
  readonly reason: string;
  readonly hint: string;
}

/** Reading that was refused is tried again after so long, ms. */
const REFUSED_FOR = 10 * 60_000;
/** Reading that is broken while Loki takes pushes is tried again after so long, ms. */
const BROKEN_FOR = 60_000;

const SWITCHED_OFF: NoAccess = {
  reason: 'loki.query is off',
  hint: 'set loki.query to auto where Loki may be read, so that no line is sent twice',
};

/** Whether Loki may be read, as far as is known. */
export class ReadAccess {
  readonly #query: LokiSettings['query'];
  readonly #clock: Pick<Clock, 'monotonic'>;
  #closed: NoAccess | undefined;
  /** Monotonic ms. */
  #closedUntil = 0;

  constructor(query: LokiSettings['query'], clock: Pick<Clock, 'monotonic'>) {
    this.#query = query;
    this.#clock = clock;
  }

  get isOpen(): boolean {
    if (this.#query === 'off') return false;
    return this.#closed === undefined || this.#clock.monotonic() >= this.#closedUntil;
  }

  /** Why it is not open. */
  get closed(): NoAccess {
    return this.#query === 'off' ? SWITCHED_OFF : (this.#closed ?? SWITCHED_OFF);
  }

  /** Loki answered a question. */
  worked(): void {
    this.#closed = undefined;
  }

  /** Loki, or a gateway, does not let this client read: 401, 403, 404 and the like. */
  refused(error: PollardError): void {
    this.#close(error, REFUSED_FOR);
  }

  /** Loki takes pushes, but does not answer questions. */
  broken(error: PollardError): void {
    this.#close(error, BROKEN_FOR);
  }

  #close({ message: reason, hint = '' }: PollardError, ms: number): void {
    this.#closed = { reason, hint };
    this.#closedUntil = this.#clock.monotonic() + ms;
  }
}
