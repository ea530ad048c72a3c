import { validateHeaderName, validateHeaderValue } from 'node:http';
import { request, type Dispatcher } from 'undici';
import { ACCEPT_ENCODING, decodeBody, decodedText, shownEncoding } from '../model/content-encoding.js';
import { readAuthorization, type Authorization, type Credentials } from './authorization.js';
import { connectionError, lateError } from './connection-error.js';
import { createDispatcher } from './dispatcher.js';
import type { EncodedPush } from './encode.js';
import { readEndpoint, type LokiEndpoint } from './endpoint.js';
import { LokiRequestError, LokiSettingError } from './loki-error.js';
import { OpenSockets } from './open-sockets.js';
import type { LokiSettings } from './settings.js';
import { readTlsMaterial } from './tls-material.js';

/** An answer, as far as it is looked at. */
export interface LokiAnswer {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
  readonly retryAfter?: string;
  /** The header Date: the clock of Loki, or of a gateway. */
  readonly date?: string;
  /** Of a redirect. */
  readonly location?: string;
  /** What was sent and must not be shown, should the answer repeat it. */
  readonly secrets?: readonly string[];
}

/**
 * Requests to one Loki. Both throw LokiRequestError when there is no answer, and the signal's reason when it
 * aborts.
 */
export interface LokiTransport {
  push(push: EncodedPush, tenant: string | undefined, signal: AbortSignal): Promise<LokiAnswer>;
  /** GET of a path below the base, such as `/loki/api/v1/query_range`. */
  get(path: string, query: LokiQuery, signal: AbortSignal): Promise<LokiAnswer>;
  /** Ends what is under way; no socket is left. */
  close(): Promise<void>;
}

export interface LokiQuery {
  readonly parameters?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tenant?: string;
  /** Default: `timeoutMs` of the settings. */
  readonly timeoutMs?: number;
}

/** What is read of the answer to a push; more is cut off. */
const MAX_PUSH_ANSWER = 64 * 1024;
/** A Loki with default limits sends at most 4 MiB. */
const MAX_QUERY_ANSWER = 64 * 1024 * 1024;

type TransportSettings = Pick<
  LokiSettings,
  | 'url'
  | 'tenant'
  | 'basicAuth'
  | 'bearerTokenFile'
  | 'headers'
  | 'tls'
  | 'proxyUrl'
  | 'timeoutMs'
  | 'maxInFlight'
>;

/**
 * Prepares requests to Loki: connections kept alive and bounded, TLS, proxy, tenant, authorization. Connects
 * only when something is asked.
 *
 * @throws LokiSettingError for what cannot work: a bad URL, a file that cannot be read
 */
export async function createTransport(settings: TransportSettings): Promise<LokiTransport> {
  const endpoint = readEndpoint(settings.url);
  const headers = checkedHeaders(settings);
  const authorization = await readAuthorization(settings);
  const sockets = new OpenSockets();
  const dispatcher = createDispatcher(settings, await readTlsMaterial(settings.tls), sockets);
  return new UndiciTransport(endpoint, dispatcher, sockets, headers, authorization, settings);
}

function checkedHeaders(settings: TransportSettings): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { 'user-agent': 'pollard', 'accept-encoding': ACCEPT_ENCODING };
  for (const [name, value] of Object.entries(settings.headers)) {
    checkHeader(`loki.headers.${name}`, name, value);
    if (NOT_OURS.has(name.toLowerCase())) {
      throw new LokiSettingError(`loki.headers.${name}`, 'is not for the settings to choose', 'take it out');
    }
    headers[name.toLowerCase()] = value;
  }
  if (settings.tenant !== undefined) checkHeader('loki.tenant', 'X-Scope-OrgID', settings.tenant);
  return headers;
}

/** Those by which a message is framed, or that undici does not send. */
const NOT_OURS: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function checkHeader(setting: string, name: string, value: string): void {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    throw new LokiSettingError(
      setting,
      'cannot be sent as a header',
      'leave out line ends and control characters',
    );
  }
}

interface Ask {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly tenant: string | undefined;
  readonly timeoutMs: number;
  readonly maxAnswer: number;
  /** What to do with an answer that is larger. */
  readonly cut: boolean;
}

class UndiciTransport implements LokiTransport {
  readonly #endpoint: LokiEndpoint;
  readonly #dispatcher: Dispatcher;
  readonly #sockets: OpenSockets;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #authorization: Authorization;
  readonly #tenant: string | undefined;
  readonly #timeoutMs: number;

  constructor(
    endpoint: LokiEndpoint,
    dispatcher: Dispatcher,
    sockets: OpenSockets,
    headers: Readonly<Record<string, string>>,
    authorization: Authorization,
    settings: TransportSettings,
  ) {
    this.#endpoint = endpoint;
    this.#dispatcher = dispatcher;
    this.#sockets = sockets;
    this.#headers = headers;
    this.#authorization = authorization;
    this.#tenant = settings.tenant;
    this.#timeoutMs = settings.timeoutMs;
  }

  push(push: EncodedPush, tenant: string | undefined, signal: AbortSignal): Promise<LokiAnswer> {
    const ask: Ask = {
      method: 'POST',
      url: this.#endpoint.pushUrl,
      headers: push.headers,
      body: push.body,
      tenant,
      timeoutMs: this.#timeoutMs,
      maxAnswer: MAX_PUSH_ANSWER,
      cut: true,
    };
    return this.#ask(ask, signal);
  }

  get(path: string, query: LokiQuery, signal: AbortSignal): Promise<LokiAnswer> {
    const { parameters = {}, headers = {}, tenant, timeoutMs = this.#timeoutMs } = query;
    const search = new URLSearchParams(parameters).toString();
    const ask: Ask = {
      method: 'GET',
      url: `${this.#endpoint.base}${path}${search === '' ? '' : `?${search}`}`,
      headers,
      tenant,
      timeoutMs,
      maxAnswer: MAX_QUERY_ANSWER,
      cut: false,
    };
    return this.#ask(ask, signal);
  }

  async close(): Promise<void> {
    const destroyed = this.#dispatcher.destroy();
    this.#sockets.destroy();
    await destroyed;
  }

  /** A secret that was renewed since is tried at once; what is still a 401 then is one. */
  async #ask(ask: Ask, signal: AbortSignal): Promise<LokiAnswer> {
    const sent = await this.#authorization.current();
    const answer = await this.#bounded(ask, sent, signal);
    if (answer.status !== 401 || !(await this.#authorization.renew(sent))) return answer;
    return this.#bounded(ask, await this.#authorization.current(), signal);
  }

  async #bounded(ask: Ask, sent: Credentials | undefined, signal: AbortSignal): Promise<LokiAnswer> {
    signal.throwIfAborted();
    // Not AbortSignal.any: in Node 20 it keeps something on the outer signal, which lives as long as the process.
    const ending = new AbortController();
    const stop = () => ending.abort();
    const timer = setTimeout(stop, ask.timeoutMs);
    signal.addEventListener('abort', stop, { once: true });
    try {
      const exchange = this.#exchange(ask, sent, ending.signal);
      // undici lets go of a request only when it has a connection, which may never come.
      return await Promise.race([exchange, aborted(ending.signal)]);
    } catch (error) {
      signal.throwIfAborted();
      const where = `Loki at ${this.#endpoint.base}`;
      if (ending.signal.aborted) throw lateError(where, ask.timeoutMs);
      if (error instanceof LokiRequestError) throw error;
      throw connectionError(where, error as Error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  async #exchange(ask: Ask, sent: Credentials | undefined, signal: AbortSignal): Promise<LokiAnswer> {
    const tenant = ask.tenant ?? this.#tenant;
    const { statusCode, headers, body } = await request(ask.url, {
      dispatcher: this.#dispatcher,
      method: ask.method,
      headers: {
        ...this.#headers,
        ...ask.headers,
        ...(tenant === undefined ? {} : { 'x-scope-orgid': tenant }),
        ...(sent === undefined ? {} : { authorization: sent.header }),
      },
      body: ask.body ?? null,
      signal,
    });
    const encoded = await readBody(body, ask);
    const text = await decode(encoded, statusCode, first(headers['content-encoding']), ask);
    return {
      status: statusCode,
      body: text,
      contentType: first(headers['content-type']) ?? '',
      ...present('date', first(headers.date)),
      ...present('retryAfter', first(headers['retry-after'])),
      ...present('location', first(headers.location)),
      ...(sent === undefined ? {} : { secrets: sent.secrets }),
    };
  }
}

/** Rejects when the signal aborts; what it is raced against may then fail unheard. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
  });
}

async function readBody(body: AsyncIterable<Buffer>, { maxAnswer, cut }: Ask): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes <= maxAnswer) continue;
    if (cut) break;
    throw tooLarge(maxAnswer);
  }
  return Buffer.concat(pieces, Math.min(bytes, maxAnswer));
}

/** A push and an error need only the words that can be read; what a question asked for must be whole. */
async function decode(
  encoded: Buffer,
  status: number,
  encoding: string | undefined,
  { maxAnswer, cut }: Ask,
): Promise<string> {
  const asked = !cut && status >= 200 && status < 300;
  if (!asked) return await decodedText(encoded, encoding, maxAnswer);
  const { body, end } = await decodeBody(encoded, encoding, maxAnswer);
  if (end === 'whole') return body.toString('utf8');
  if (end === 'too_large') throw tooLarge(maxAnswer);
  const what = `a body in the encoding ${shownEncoding(encoding)} that cannot be decoded`;
  throw new LokiRequestError('loki_not_http', `Loki, or what stands before it, sent ${what}`, {
    hint: 'check what stands before Loki: nothing but `identity` was asked for',
    setting: 'loki.url',
  });
}

function tooLarge(maxAnswer: number): LokiRequestError {
  return new LokiRequestError('loki_answer_too_large', `Loki sent more than ${maxAnswer} bytes`, {
    hint: 'ask for less at once',
  });
}

function first(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function present<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, string>);
}
