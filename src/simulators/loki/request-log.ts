import type { Nanoseconds } from '../../model/nanoseconds.js';
import type { Outage } from './faults.js';
import type { PushTally } from './tally.js';

/** One request to the simulator, once it is over. */
export interface LokiRequest {
  readonly at: Nanoseconds;
  readonly method: string;
  readonly path: string;
  /** As the header has it. */
  readonly tenant: string | undefined;
  /** Undefined: the client got none. */
  readonly status: number | undefined;
  /** The beginning of what a refused client was told. */
  readonly message: string;
  /** Of the body, as it came. */
  readonly bodyBytes: number;
  /** Of the body, decompressed; 0 where it was not read. */
  readonly plainBytes: number;
  /** What became of the entries of a push that could be read. */
  readonly push: Readonly<PushTally> | undefined;
  readonly outage: Outage | undefined;
}

/** The last requests, and counts of all. */
export class RequestLog {
  readonly #keep: number;
  #kept: LokiRequest[] = [];
  #total = 0;
  readonly #statuses = new Map<string, number>();

  constructor(keep: number) {
    this.#keep = keep;
  }

  /** The last ones, oldest first. */
  get kept(): readonly LokiRequest[] {
    return this.#kept.slice(-this.#keep);
  }

  get total(): number {
    return this.#total;
  }

  /** How many requests to push ended with which status; `none` where the client got no answer. */
  get pushStatuses(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#statuses);
  }

  add(request: LokiRequest, isPush: boolean): void {
    this.#total++;
    if (isPush) {
      const status = request.status === undefined ? 'none' : String(request.status);
      this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    }
    this.#kept.push(request);
    if (this.#kept.length >= 2 * this.#keep) this.#kept = this.#kept.slice(-this.#keep);
  }
}
