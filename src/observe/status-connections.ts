import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../model/clock.js';
import { StatusConnection, type ConnectionKeeper } from './status-connection.js';
import { Turnstile } from './turnstile.js';

export interface StatusConnectionsOptions {
  readonly clock: Clock;
  /** Begins to speak HTTP over a stream: for the HTTP server. */
  readonly serve: (stream: Duplex) => void;
}

const MOST_CONNECTIONS = 512;
/** Of all answers that were not read yet. */
const MOST_UNSENT_BYTES = 16 * 1024 * 1024;
/**
 * Requests of all clients together. Prometheus, a supervisor and an operator ask less than one a second. One costs up to
 * 0.9 ms with its connection: however many ask, all together take less than 5 % of one core.
 */
const RATE = { perSecond: 50, burst: 50 };
const TICK_MS = 100;

/**
 * The connections of the status page: bounded in number, in the bytes that are unsent, and in what they cost the
 * process. No client can keep another one from being answered: a new connection is always taken, if need be in place of
 * the one that has stood still for the longest time.
 */
export class StatusConnections implements ConnectionKeeper {
  readonly #clock: Clock;
  readonly #turnstile: Turnstile;
  /** In the order in which their state last changed; with their turn, while they wait for it. */
  readonly #open = new Map<StatusConnection, (() => void) | undefined>();
  readonly #serve: (stream: Duplex) => void;
  readonly #byStream = new WeakMap<Duplex, StatusConnection>();
  /** Bytes of the answers that are not sent yet, the oldest answer first. */
  readonly #unsent = new Map<StatusConnection, number>();
  readonly #life = new AbortController();
  #unsentBytes = 0;
  #watching: Promise<void> | undefined;
  #isClosing = false;
  #onEmpty: () => void = () => undefined;

  constructor({ clock, serve }: StatusConnectionsOptions) {
    this.#clock = clock;
    this.#turnstile = new Turnstile({ clock, ...RATE });
    this.#serve = serve;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** No request is taken any more: answers are to say that the connection ends with them. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Takes a new connection. */
  add(socket: Socket): void {
    if (this.#isClosing) {
      socket.destroy();
      return;
    }
    if (this.#open.size >= MOST_CONNECTIONS) this.#endFirst(this.#open.keys());
    this.#open.set(new StatusConnection(socket, this), undefined);
    this.#watching ??= this.#watch();
  }

  /** An answer of so many bytes is about to be sent. If too much is unsent then, the slowest readers are cut off. */
  sends(stream: Duplex, bytes: number): void {
    const connection = this.#byStream.get(stream);
    if (connection === undefined || !this.#open.has(connection)) return;
    while (this.#unsent.size > 0 && this.#unsentBytes + bytes > MOST_UNSENT_BYTES) {
      this.#endFirst(this.#unsent.keys());
    }
    this.#unsent.set(connection, bytes);
    this.#unsentBytes += bytes;
  }

  /** The answer was sent to its last byte: the connection may ask again. */
  sent(stream: Duplex): void {
    const connection = this.#byStream.get(stream);
    if (connection === undefined) return;
    this.#settle(connection);
    connection.answered();
  }

  /** Ends those at once that are not waiting for a page that is being made; these have so many ms left. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    for (const connection of [...this.#open.keys()]) {
      if (connection.state !== 'answer' || this.#unsent.has(connection)) this.#end(connection);
    }
    if (this.#open.size > 0) {
      const emptied = new AbortController();
      this.#onEmpty = () => emptied.abort();
      await this.#clock.sleep(graceMs, emptied.signal).catch(() => undefined);
    }
    for (const connection of [...this.#open.keys()]) this.#end(connection);
    this.#life.abort();
    await this.#watching;
  }

  /** Looks at deadlines and turns while any connection is open. */
  async #watch(): Promise<void> {
    while (this.#open.size > 0 && !this.#life.signal.aborted) {
      await this.#clock.sleep(TICK_MS, this.#life.signal).catch(() => undefined);
      const now = this.#clock.monotonic();
      for (const connection of [...this.#open.keys()]) connection.look(now);
      this.#turnstile.turn();
    }
    this.#watching = undefined;
  }

  now(): number {
    return this.#clock.monotonic();
  }

  begins(connection: StatusConnection, stream: Duplex): void {
    this.#byStream.set(stream, connection);
    this.#serve(stream);
  }

  waits(connection: StatusConnection, urgent: boolean): void {
    const pass = (): void => {
      if (this.#open.has(connection)) this.#open.set(connection, undefined);
      connection.admit();
    };
    this.#open.set(connection, pass);
    this.#turnstile.enter(pass, urgent);
  }

  moved(connection: StatusConnection): void {
    if (!this.#open.has(connection)) return;
    const pass = this.#open.get(connection);
    this.#open.delete(connection);
    this.#open.set(connection, pass);
  }

  closed(connection: StatusConnection): void {
    const pass = this.#open.get(connection);
    if (pass !== undefined) this.#turnstile.leave(pass);
    this.#settle(connection);
    if (this.#open.delete(connection) && this.#open.size === 0) this.#onEmpty();
  }

  #endFirst(connections: Iterable<StatusConnection>): void {
    for (const connection of connections) {
      this.#end(connection);
      return;
    }
  }

  #end(connection: StatusConnection): void {
    connection.destroy();
    this.closed(connection);
  }

  #settle(connection: StatusConnection): void {
    this.#unsentBytes -= this.#unsent.get(connection) ?? 0;
    this.#unsent.delete(connection);
  }
}
