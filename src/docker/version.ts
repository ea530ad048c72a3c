import {
  chooseApiVersion,
  isApiVersion,
  OLDEST_USABLE,
  sinceSemantics,
  type SinceSemantics,
} from './api-version.js';
import type { EngineEndpoint } from './endpoint.js';
import { badAnswerError, engineError, EngineError, type EngineQuestion } from './engine-error.js';
import type { EngineAnswer } from './request.js';

/** What was agreed with an Engine. */
export interface NegotiatedVersion {
  /** The one to speak: `1.41`. */
  readonly apiVersion: string;
  /** The Engine's newest. */
  readonly engineApiVersion: string;
  /** `20.10.24`, as its `Server` header says; undefined when it does not (other engines, proxies). */
  readonly engineVersion: string | undefined;
  /** What every path begins with: `/v1.41`. */
  readonly versionPath: string;
  readonly since: SinceSemantics;
}

/** Sends one GET to the Engine, without a version in the path. */
export type Ping = (path: string, signal: AbortSignal) => Promise<EngineAnswer>;

/**
 * Agrees on the API version: the newest that both know, told by an unversioned `GET /_ping` in the header
 * `Api-Version` (Engine API, SystemPing). No fixed version fits all: Engine 20.10 speaks up to 1.41, Engine 29.0
 * from 1.44.
 */
export class VersionNegotiation {
  readonly #endpoint: EngineEndpoint;
  readonly #ping: Ping;
  #agreed: NegotiatedVersion | undefined;

  constructor(endpoint: EngineEndpoint, ping: Ping) {
    this.#endpoint = endpoint;
    this.#ping = ping;
  }

  /** What was agreed last; undefined before, and while it must be agreed anew. */
  get agreed(): NegotiatedVersion | undefined {
    return this.#agreed;
  }

  /**
   * What was agreed, or is agreed now.
   *
   * @throws EngineError `engine_too_old`, `engine_bad_answer`, or why the ping failed
   */
  async agree(signal: AbortSignal): Promise<NegotiatedVersion> {
    this.#agreed ??= this.#read(await this.#ping('/_ping', signal));
    return this.#agreed;
  }

  /** To be agreed anew: the Engine was away, or refused the version. */
  forget(): void {
    this.#agreed = undefined;
  }

  /**
   * Takes notice of what the headers of any answer say: behind the same address there may be another Engine
   * now (moby: api/server/middleware/version.go sets them on every answer).
   */
  heard(headers: EngineAnswer['headers']): void {
    const version = headers['api-version'];
    if (typeof version === 'string' && version !== this.#agreed?.engineApiVersion) this.forget();
  }

  #read({ headers }: EngineAnswer): NegotiatedVersion {
    const question: EngineQuestion = { endpoint: this.#endpoint, path: '/_ping' };
    const newest = headers['api-version'];
    if (typeof newest !== 'string' || !isApiVersion(newest)) {
      throw badAnswerError(question, 'no Api-Version');
    }
    const apiVersion = chooseApiVersion(newest);
    const engineVersion = serverVersion(headers['server']);
    if (apiVersion === undefined) {
      const name = engineVersion === undefined ? '' : ` (Engine ${engineVersion})`;
      const problem = `speaks the API only up to ${newest}${name}; ${OLDEST_USABLE} is needed`;
      throw engineError('engine_too_old', question, problem, {
        hint: 'upgrade the Engine to 20.10 or later',
      });
    }
    return {
      apiVersion,
      engineApiVersion: newest,
      engineVersion,
      versionPath: `/v${apiVersion}`,
      since: sinceSemantics(newest),
    };
  }
}

/** `Docker/20.10.24+dfsg1 (linux)` */
function serverVersion(server: string | string[] | undefined): string | undefined {
  return typeof server === 'string' ? /^Docker\/(\S{1,100})/.exec(server)?.[1] : undefined;
}

/** Whether what was agreed may not hold any more after this failure. */
export function endsAgreement(error: unknown): boolean {
  if (!(error instanceof EngineError)) return false;
  switch (error.code) {
    case 'engine_unreachable':
    case 'engine_reset':
    case 'engine_tls':
    case 'engine_version_refused':
      return true;
    default:
      return false;
  }
}
