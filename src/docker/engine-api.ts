import type { Clock } from '../model/clock.js';
import { DaemonClock } from './daemon-clock.js';
import type { EngineEndpoint } from './endpoint.js';
import { EngineError } from './engine-error.js';
import { engineGet, type EngineAnswer } from './request.js';
import type { SocketLedger } from './socket-ledger.js';
import { VersionNegotiation, type NegotiatedVersion } from './version.js';

export interface EngineApiOptions {
  readonly endpoint: EngineEndpoint;
  readonly ledger: SocketLedger;
  readonly clock: Clock;
  /** ms for one request. */
  readonly timeoutMs: number;
  /** Bytes that the body of one answer may have; logs have a bound of their own. */
  readonly maxBytes: number;
  /** Called once when a version must be spoken whose answers are not known to us. */
  readonly onUnknownVersion?: (agreed: NegotiatedVersion) => void;
}

/** A GET below the version. */
export interface VersionedRequest {
  /** `/containers/json` */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** The name of the container asked about, for the message. */
  readonly container?: string;
}

/**
 * An Engine as everything but logs asks it: one bounded GET after the other, each on a connection of its own,
 * in the version that was agreed upon.
 */
export class EngineApi {
  readonly endpoint: EngineEndpoint;
  readonly versions: VersionNegotiation;
  readonly daemonClock = new DaemonClock();
  readonly #options: EngineApiOptions;

  constructor(options: EngineApiOptions) {
    this.endpoint = options.endpoint;
    this.#options = options;
    const ping = (path: string, signal: AbortSignal) => this.#send({ path }, signal);
    this.versions = new VersionNegotiation(options.endpoint, ping, options);
  }

  /** @throws EngineError */
  async version(signal: AbortSignal): Promise<NegotiatedVersion> {
    return await this.versions.agree(signal);
  }

  /**
   * Sends a GET. When the Engine does not serve the agreed version (any more), it is agreed anew and the request
   * sent once more.
   *
   * @throws EngineError
   * @throws the reason of `signal` when it aborts first
   */
  async get(request: VersionedRequest, signal: AbortSignal): Promise<EngineAnswer> {
    try {
      return await this.#getVersioned(request, signal);
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'engine_version_refused') throw error;
      return await this.#getVersioned(request, signal);
    }
  }

  async #getVersioned(request: VersionedRequest, signal: AbortSignal): Promise<EngineAnswer> {
    const spoken = await this.versions.agree(signal);
    try {
      const answer = await this.#send({ ...request, path: `${spoken.versionPath}${request.path}` }, signal);
      this.versions.heard(answer.headers);
      return answer;
    } catch (error) {
      this.versions.failed(error, spoken);
      throw error;
    }
  }

  async #send(request: VersionedRequest, signal: AbortSignal): Promise<EngineAnswer> {
    const { endpoint, ledger, clock, timeoutMs, maxBytes } = this.#options;
    const asked = clock.now();
    const answer = await engineGet({ ...request, endpoint, ledger, signal, timeoutMs, maxBytes });
    const { date } = answer.headers;
    this.daemonClock.observe(typeof date === 'string' ? date : undefined, asked, clock.now());
    return answer;
  }
}
