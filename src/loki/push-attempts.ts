import type { Clock } from '../model/clock.js';
import { NS_PER_MS } from '../model/nanoseconds.js';
import { classifyAnswer, classifyFailure } from './classify.js';
import { encodeEmptyPush, encodePush, type EncodedPush } from './encode.js';
import type { EntrySet } from './entry-set.js';
import { LokiRequestError } from './loki-error.js';
import type { PushObserver } from './push-observer.js';
import type { Semaphore } from './semaphore.js';
import type { LokiSettings } from './settings.js';
import type { StreamTarget } from './stream-target.js';
import type { LokiTransport } from './transport.js';
import type { Verdict } from './verdict.js';

/** A push request that may have to be sent several times, each time with the same bytes. */
export class PushRequest {
  readonly target: StreamTarget;
  readonly entries: number;
  readonly #encode: () => Promise<EncodedPush>;
  #encoded: EncodedPush | undefined;
  /** Its entries were sent before. */
  repeated: boolean;

  private constructor(
    target: StreamTarget,
    entries: number,
    repeated: boolean,
    encode: () => Promise<EncodedPush>,
  ) {
    this.target = target;
    this.entries = entries;
    this.repeated = repeated;
    this.#encode = encode;
  }

  static of(entries: EntrySet, encoding: LokiSettings['encoding'], repeated: boolean): PushRequest {
    return new PushRequest(entries.target, entries.size, repeated, () => encodePush(entries, encoding));
  }

  /** Without entries: only to see whether the endpoint takes what Pollard sends. */
  static empty(target: StreamTarget, encoding: LokiSettings['encoding']): PushRequest {
    return new PushRequest(target, 0, true, () => encodeEmptyPush(target, encoding));
  }

  async encoded(): Promise<EncodedPush> {
    this.#encoded ??= await this.#encode();
    return this.#encoded;
  }
}

export interface Outcome {
  readonly verdict: Verdict;
  /** 0: no answer. */
  readonly status: number;
}

/** Sends requests, a bounded number at a time, and says what the answers mean. */
export class PushAttempts {
  readonly #transport: LokiTransport;
  readonly #clock: Clock;
  readonly #observer: PushObserver;
  readonly #slots: Semaphore;

  /** @param slots bounds the requests under way */
  constructor(transport: LokiTransport, slots: Semaphore, clock: Clock, observer: PushObserver) {
    this.#transport = transport;
    this.#clock = clock;
    this.#observer = observer;
    this.#slots = slots;
  }

  /** Throws the signal's reason when it aborts. */
  async make(request: PushRequest, signal: AbortSignal): Promise<Outcome> {
    const release = await this.#slots.acquire(signal);
    try {
      // Encoded only now: what waits for its turn takes no memory for a body.
      const encoded = await request.encoded();
      const begun = this.#clock.monotonic();
      const tell = (status: number | 'timeout' | 'connection') => {
        this.#observer.onAttempt({
          status,
          seconds: (this.#clock.monotonic() - begun) / 1000,
          entries: request.entries,
          bytes: encoded.body.length,
          repeated: request.repeated,
        });
        request.repeated = true;
      };
      try {
        const answer = await this.#transport.push(encoded, request.target.tenant, signal);
        tell(answer.status);
        const nowMs = Number(this.#clock.now() / NS_PER_MS);
        return { verdict: classifyAnswer(answer, nowMs, request.entries), status: answer.status };
      } catch (error) {
        if (!(error instanceof LokiRequestError)) throw error;
        tell(error.code === 'loki_timeout' ? 'timeout' : 'connection');
        return { verdict: classifyFailure(error), status: 0 };
      }
    } finally {
      release();
    }
  }
}
