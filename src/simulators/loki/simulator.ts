import { randomInt } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Clock, Random } from '../../model/clock.js';
import { systemClock } from '../../model/system-clock.js';
import { control, CONTROL } from './control.js';
import { ClientGone, Exchange } from './exchange.js';
import { OutageBoard, type Outage, type OutageExtent } from './faults.js';
import type { GatewayOptions } from './gateway.js';
import type { LokiLimits, LokiVersion } from './limits.js';
import type { LokiRequest } from './request-log.js';
import { Router, type OversizedAnswer } from './router.js';
import {
  LokiState,
  type LokiCounts,
  type LostEntries,
  type StoredEntry,
  type StreamSummary,
} from './state.js';

export interface TlsOptions {
  /** PEM, as `cert` and `clientCa`. */
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  /** Only clients with a certificate of this authority. */
  readonly clientCa?: string | Buffer;
}

export interface LokiSimulatorOptions {
  /** Default 0: a free one. Always on 127.0.0.1. */
  readonly port?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Default 3.5. */
  readonly version?: LokiVersion;
  /** What is other than Loki's defaults. */
  readonly limits?: Partial<LokiLimits>;
  /** What is other again for a tenant. */
  readonly tenantLimits?: Readonly<Record<string, Partial<LokiLimits>>>;
  /** Asks for X-Scope-OrgID (`auth_enabled`). Default false: one tenant, `fake`. */
  readonly authEnabled?: boolean;
  /** Authorization, body limit, Retry-After: the work of what stands before Loki. */
  readonly gateway?: GatewayOptions;
  readonly tls?: TlsOptions;
  /** Default: nothing for 60 s, then 504. */
  readonly oversizedAnswer?: OversizedAnswer;
  /**
   * Entries and their bytes are counted and not kept; no limit is looked at, nothing is folded. For benches of
   * the client: it takes a small part of the time.
   */
  readonly countOnly?: boolean;
  /** How many requests are remembered; default 10000, of a simulator that only counts 100. */
  readonly keepRequests?: number;
}

/**
 * Starts a Loki that is as strict as a real one with default limits: what it refuses, what it folds, and what it
 * does not tell (see Ingester.push). In memory; on 127.0.0.1.
 *
 * @throws Error of node:net when the port cannot be had
 */
export async function startLokiSimulator(options: LokiSimulatorOptions = {}): Promise<LokiSimulator> {
  const simulator = new LokiSimulator(options);
  await simulator.listen();
  return simulator;
}

/**
 * Ports below those that the kernel gives out by itself (ip_local_port_range, from 32768 on): while this Loki does not
 * listen, no other program of the machine gets its port by chance and answers in its place.
 */
const LOWEST_PORT = 10_240;
const HIGHEST_PORT = 32_768;
const RANDOM_TRIES = 20;

export class LokiSimulator {
  readonly #server: Server;
  readonly #scheme: string;
  readonly #clock: Clock;
  readonly #outages: OutageBoard;
  readonly #state: LokiState;
  readonly #router: Router;
  #port: number;
  #underWay = 0;
  #failure: unknown;

  /** Use startLokiSimulator. */
  constructor(options: LokiSimulatorOptions) {
    const { version = '3.5', countOnly = false, tls } = options;
    this.#clock = options.clock ?? systemClock;
    this.#port = options.port ?? 0;
    this.#outages = new OutageBoard(options.random ?? Math.random);
    this.#state = new LokiState({
      clock: this.#clock,
      version,
      limits: options.limits ?? {},
      tenantLimits: options.tenantLimits ?? {},
      keepRequests: options.keepRequests ?? (countOnly ? 100 : 10_000),
    });
    this.#router = new Router({
      clock: this.#clock,
      version,
      countOnly,
      authEnabled: options.authEnabled ?? false,
      gateway: options.gateway ?? {},
      oversizedAnswer: options.oversizedAnswer ?? { afterMs: 60_000, end: '504' },
      outages: this.#outages,
      state: this.#state,
    });
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#server = tls === undefined ? createServer() : createTlsServer(serverTls(tls));
    // As Loki's server: idle connections are kept for two minutes.
    this.#server.keepAliveTimeout = 120_000;
    this.#server.on('request', (request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        if (!(error instanceof ClientGone)) this.#failure ??= error;
        response.destroy();
      });
    });
  }

  /** Without a path: `http://127.0.0.1:34567`. */
  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** The last requests, oldest first. */
  get requests(): readonly LokiRequest[] {
    return this.#state.requests.kept;
  }

  /** Requests that arrived and are not over, also those whose client is gone. */
  get underWay(): number {
    return this.#underWay;
  }

  /** How often an outage struck. */
  get outagesStruck(): number {
    return this.#outages.struck;
  }

  counts(): LokiCounts {
    return this.#state.counts();
  }

  /**
   * Everything stored, after folding, stream by stream, in the order of the stamps.
   *
   * @throws SelectorError
   */
  entries(selector?: string, tenant?: string): StoredEntry[] {
    return [...this.#state.entries(selector, tenant)];
  }

  /**
   * Entries that were accepted and that no query shows: it shows one with the same timestamp and line, but other
   * structured metadata, in their place (before 3.7). One that was sent several times may be returned several times.
   */
  hiddenEntries(): StoredEntry[] {
    return this.#state.hidden();
  }

  /**
   * Takes out everything stored, stream by stream, for a run so long that not all of it can be kept: queries no
   * longer show it, the counts do. An entry that comes again behind the head block is then stored again.
   */
  take(): StoredEntry[] {
    return this.#state.take();
  }

  /**
   * Loses entries that were accepted, at most so many; returns how many. They are stored when they come again.
   *
   * @param which only entries for which it holds
   * @throws SelectorError
   */
  lose(count: number, selector?: string, which?: LostEntries): number {
    return this.#state.lose(count, selector, which);
  }

  streams(): StreamSummary[] {
    return this.#state.streams();
  }

  /** Entries by stream, of a simulator that only counts; the labels as the client wrote them. */
  countedStreams(): Readonly<Record<string, number>> {
    return this.#state.countedStreams();
  }

  /** Active streams of a tenant, shards counted each. */
  activeStreams(tenant = 'fake'): number {
    return this.#state.tenants.get(tenant).distributor.activeStreams;
  }

  /** Lays an outage on requests to come. Returns how to lift it. */
  outage(outage: Outage, extent: OutageExtent = {}): () => void {
    return this.#outages.lay(outage, extent);
  }

  clearOutages(): void {
    this.#outages.clear();
  }

  /** Forgets all entries, counts and requests; outages stay. */
  reset(): void {
    this.#state.reset();
  }

  /** Listens, also again after `stopListening`, then on the same port. */
  async listen(): Promise<void> {
    // A port that is wanted has one try; a random one may be taken.
    for (let tries = this.#port === 0 ? RANDOM_TRIES : 0; ; tries--) {
      try {
        await this.#listenAt(
          this.#port === 0 && tries > 0 ? randomInt(LOWEST_PORT, HIGHEST_PORT) : this.#port,
        );
        break;
      } catch (error) {
        if (tries <= 0) throw error;
      }
    }
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async #listenAt(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /** Connections are refused (ECONNREFUSED), those there are closed; what is stored stays. */
  async stopListening(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#outages.dropWaiting();
    this.#server.closeAllConnections();
    await closed;
  }

  /** @throws what went wrong inside of the simulator while it ran: a fault of its own, not of a client */
  async close(): Promise<void> {
    await this.stopListening();
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#underWay++;
    try {
      const exchange = new Exchange(request, response, this.#clock);
      if (exchange.url.pathname.startsWith(CONTROL)) {
        await control(exchange, this.#state, this.#outages);
      } else {
        await this.#router.handle(exchange);
      }
    } finally {
      this.#underWay--;
    }
  }
}

function serverTls({ key, cert, clientCa }: TlsOptions): {
  key: string | Buffer;
  cert: string | Buffer;
  ca?: string | Buffer;
  requestCert?: boolean;
} {
  return clientCa === undefined ? { key, cert } : { key, cert, ca: clientCa, requestCert: true };
}
