import type { Clock } from '../model/clock.js';
import {
  chooseApiVersion,
  isApiVersion,
  isNewerThanKnown,
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

export interface NegotiationOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Called once when a version must be spoken whose answers are not known to us. */
  readonly onUnknownVersion?: (agreed: NegotiatedVersion) => void;
}

/** How long an Engine that cannot be agreed with is left alone after the second refusal, ms; doubled with each. */
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

/**
 * Agrees on the API version: the newest that both know, which the Engine names in the header `Api-Version` of an
 * unversioned `GET /_ping` (Engine API, SystemPing). No fixed version fits all: Engine 20.10 speaks up to 1.41, Engine
 * 29.0 from 1.44. The Engine's oldest is in no header; it is known once a version was refused as too old.
 */
export class VersionNegotiation {
  readonly #endpoint: EngineEndpoint;
  readonly #ping: Ping;
  readonly #options: NegotiationOptions;
  #agreed: NegotiatedVersion | undefined;
  /** What a refusal said; it holds for an Engine of this newest version. */
  #oldest: { readonly version: string; readonly engineNewest: string } | undefined;
  /** Refusals since an answer was good. */
  #refusals = 0;
  /** The Engine is not asked before this time of the monotonic clock, ms. */
  #waiting: { readonly until: number; readonly refusal: EngineError } | undefined;
  #isUnknownReported = false;

  constructor(endpoint: EngineEndpoint, ping: Ping, options: NegotiationOptions) {
    this.#endpoint = endpoint;
    this.#ping = ping;
    this.#options = options;
  }

  /** What was agreed last; undefined before, and while it must be agreed anew. */
  get agreed(): NegotiatedVersion | undefined {
    return this.#agreed;
  }

  /**
   * What was agreed, or is agreed now. An Engine that refused repeatedly is left alone for a while.
   *
   * @throws EngineError `engine_too_old`, `engine_bad_answer`, or why the ping failed; while the Engine is left
   *   alone, its last refusal
   */
  async agree(signal: AbortSignal): Promise<NegotiatedVersion> {
    if (this.#agreed !== undefined) return this.#agreed;
    if (this.#waiting !== undefined && this.#options.clock.monotonic() < this.#waiting.until) {
      throw this.#waiting.refusal;
    }
    try {
      this.#agreed = this.#read(await this.#ping('/_ping', signal));
    } catch (error) {
      if (error instanceof EngineError && error.code === 'engine_too_old') this.#refused(error);
      throw error;
    }
    this.#report(this.#agreed);
    return this.#agreed;
  }

  /**
   * Takes notice of the failure of a request: what was agreed may not hold any more.
   *
   * @param spoken what was agreed when the request was sent
   */
  failed(error: unknown, spoken: NegotiatedVersion): void {
    if (!(error instanceof EngineError)) return;
    switch (error.code) {
      case 'engine_unreachable':
      case 'engine_reset':
      case 'engine_tls':
        // It may come back as another one.
        this.#agreed = undefined;
        this.#refusals = 0;
        this.#waiting = undefined;
        break;
      case 'engine_version_refused':
        // Of several requests that are refused at once, the first one says it all.
        if (this.#agreed === undefined || this.#agreed.apiVersion !== spoken.apiVersion) return;
        this.#agreed = undefined;
        this.#oldest = oldestOf(error, spoken) ?? this.#oldest;
        this.#refused(error);
    }
  }

  /**
   * Takes notice of what the headers of a good answer say: behind the same address there may be another Engine
   * now (moby: api/server/middleware/version.go sets them on every answer).
   */
  heard(headers: EngineAnswer['headers']): void {
    this.#refusals = 0;
    this.#waiting = undefined;
    const version = headers['api-version'];
    if (typeof version === 'string' && version !== this.#agreed?.engineApiVersion) this.#agreed = undefined;
  }

  /** The first refusal is answered at once, by another version. */
  #refused(refusal: EngineError): void {
    this.#refusals++;
    if (this.#refusals === 1) return;
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** (this.#refusals - 2), LONGEST_WAIT_MS);
    this.#waiting = { until: this.#options.clock.monotonic() + waitMs, refusal };
  }

  #report(agreed: NegotiatedVersion): void {
    if (this.#isUnknownReported || !isNewerThanKnown(agreed.apiVersion)) return;
    this.#isUnknownReported = true;
    this.#options.onUnknownVersion?.(agreed);
  }

  #read({ headers }: EngineAnswer): NegotiatedVersion {
    const question: EngineQuestion = { endpoint: this.#endpoint, path: '/_ping' };
    const newest = headers['api-version'];
    if (typeof newest !== 'string' || !isApiVersion(newest)) {
      throw badAnswerError(question, 'no Api-Version');
    }
    const oldest = this.#oldest?.engineNewest === newest ? this.#oldest.version : undefined;
    const apiVersion = chooseApiVersion(newest, oldest);
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

/** The oldest version that the Engine serves; its newest, where it says only that ours is too old. */
function oldestOf(refusal: EngineError, { engineApiVersion }: NegotiatedVersion) {
  const isTooOld = /client version \S+ is too old/i.test(refusal.message);
  const version = refusal.oldestApiVersion ?? (isTooOld ? engineApiVersion : undefined);
  return version === undefined ? undefined : { version, engineNewest: engineApiVersion };
}
