import type { Endpoint } from './faults.js';

/** A request as it came, and what became of it. */
export interface RecordedRequest {
  readonly method: string;
  /** With the version prefix. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly endpoint: Endpoint | undefined;
  /** The container's id, where one was named and found. */
  containerId: string | undefined;
  /** 0 while nothing was answered, and for ever when nothing is. */
  status: number;
  /** Whether the answer came to its end. */
  finished: boolean;
  /** Of the answer, its head with them, handed to the kernel; undefined while it is under way. */
  bytes: number | undefined;
}

/** The last requests are kept, all are counted. */
const KEPT = 10_000;

export class RequestLog {
  readonly #violations: string[] = [];
  readonly #counts = new Map<Endpoint | 'other', number>();
  #requests: RecordedRequest[] = [];
  #total = 0;

  /** The last ones, oldest first. */
  get all(): readonly RecordedRequest[] {
    return this.#requests;
  }

  get total(): number {
    return this.#total;
  }

  /** What Pollard must never ask for: a stream, or anything that changes the Engine. */
  get violations(): readonly string[] {
    return this.#violations;
  }

  count(endpoint: Endpoint | 'other'): number {
    return this.#counts.get(endpoint) ?? 0;
  }

  of(endpoint: Endpoint): RecordedRequest[] {
    return this.#requests.filter((request) => request.endpoint === endpoint);
  }

  add(request: RecordedRequest): void {
    this.#total++;
    const endpoint = request.endpoint ?? 'other';
    this.#counts.set(endpoint, this.count(endpoint) + 1);
    this.#requests.push(request);
    if (this.#requests.length > 2 * KEPT) this.#requests = this.#requests.slice(-KEPT);
  }

  violation(what: string): void {
    if (this.#violations.length < KEPT) this.#violations.push(what);
  }

  clear(): void {
    this.#requests = [];
    this.#violations.length = 0;
    this.#counts.clear();
    this.#total = 0;
  }
}
