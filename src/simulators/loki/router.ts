import type { Clock } from '../../model/clock.js';
import { errorText, gatewayPage, NO_CONTENT, plain, queryError, type Answer } from './answer.js';
import { ClientGone, type Exchange } from './exchange.js';
import type { EndpointKind, OutageBoard, StatusOutage, StruckOutage } from './faults.js';
import { admit, passOn, type GatewayOptions } from './gateway.js';
import type { LokiVersion } from './limits.js';
import { BodyError, count, decode, unwrap } from './push-body.js';
import { labelNames, labelValues, queryCount, queryRange, series, TOO_LARGE } from './read-endpoints.js';
import { buildInfo, config, ready } from './state-endpoints.js';
import type { LokiState } from './state.js';
import { emptyTally, type PushTally } from './tally.js';
import { SINGLE_TENANT, tenantOf } from './tenant-header.js';

/** An answer to a query that is over the size of a message: it does not come. */
export interface OversizedAnswer {
  readonly afterMs: number;
  /** What then happens. */
  readonly end: '504' | 'close';
}

export interface RouterOptions {
  readonly clock: Clock;
  readonly version: LokiVersion;
  readonly authEnabled: boolean;
  readonly countOnly: boolean;
  readonly gateway: GatewayOptions;
  readonly oversizedAnswer: OversizedAnswer;
  readonly outages: OutageBoard;
  readonly state: LokiState;
}

const PUSH = '/loki/api/v1/push';
const LABEL_VALUES = /^\/loki\/api\/v1\/label\/([^/]+)\/values$/;

const DEADLINE_EXCEEDED =
  'Request timed out, decrease the duration of the request or add more label matchers (prefer exact match over regex match) to reduce the amount of data processed.';

/** What is known of a request when it is over. */
interface Record {
  bodyBytes: number;
  plainBytes: number;
  push: PushTally | undefined;
}

/** Answers the requests to a Loki, and to what stands before it. */
export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  async handle(exchange: Exchange): Promise<void> {
    const { clock, outages, state } = this.#options;
    const at = clock.now();
    const path = exchange.url.pathname;
    const tenant = exchange.header('x-scope-orgid');
    const struck = outages.take(kindOf(path), tenant);
    const outage = struck?.outage;
    const record: Record = { bodyBytes: 0, plainBytes: 0, push: undefined };
    let answer: Answer | undefined;
    try {
      answer = await this.#answer(exchange, struck, record);
    } catch (error) {
      if (!(error instanceof ClientGone)) throw error;
    } finally {
      const { bodyBytes, plainBytes, push } = record;
      const message = answer === undefined || answer.status < 300 ? '' : answer.body.slice(0, 4096);
      const status = answer?.status;
      const { method } = exchange;
      state.requests.add(
        { at, method, path, tenant, status, message, bodyBytes, plainBytes, push, outage },
        path === PUSH,
      );
    }
    if (answer !== undefined && !exchange.signal.aborted) exchange.send(answer);
  }

  /** Undefined: the connection was ended instead. @throws ClientGone */
  async #answer(
    exchange: Exchange,
    struck: StruckOutage | undefined,
    record: Record,
  ): Promise<Answer | undefined> {
    const outage = struck?.outage;
    if (outage === 'refuse') {
      exchange.reset();
      return undefined;
    }
    if (outage === 'hang') return exchange.hang();
    if (outage === 'freeze') {
      // The socket holds it, whatever becomes of the client.
      await exchange.body();
      if (!(await struck?.lifted)) throw new ClientGone();
    }
    if (outage === 'reset') {
      record.bodyBytes = (await exchange.body()).length;
      exchange.reset();
      return undefined;
    }
    const status = typeof outage === 'object' && 'status' in outage ? outage : undefined;
    if (status !== undefined && status.afterAccept !== true) return outageAnswer(status);
    if (typeof outage === 'object' && 'delayMs' in outage) await exchange.wait(outage.delayMs);

    const { gateway } = this.#options;
    const turnedAway = admit(gateway, exchange.request.headers);
    if (turnedAway !== undefined) return turnedAway;
    const answer = await this.#loki(exchange, record);

    // What comes now hides what became of the request.
    if (outage === 'hang-after-accept') return exchange.hang();
    if (outage === 'reset-after-accept') {
      exchange.reset();
      return undefined;
    }
    if (status !== undefined) return outageAnswer(status);
    return answer === undefined ? undefined : passOn(gateway, answer);
  }

  async #loki(exchange: Exchange, record: Record): Promise<Answer | undefined> {
    const { state, version, authEnabled } = this.#options;
    const { method } = exchange;
    const path = exchange.url.pathname;
    switch (path) {
      case '/ready':
        return only(method, ['GET'], ready);
      case '/config':
        return only(method, ['GET'], () => config(state.tenants.limitsOf(SINGLE_TENANT), authEnabled));
      case '/loki/api/v1/status/buildinfo':
        return only(method, ['GET'], () => buildInfo(version));
      case PUSH:
        if (method !== 'POST') return { status: 405, body: '', headers: {} };
        return await this.#push(exchange, record);
    }
    return await this.#read(exchange, path);
  }

  async #push(exchange: Exchange, record: Record): Promise<Answer> {
    const { state, version, authEnabled, countOnly, gateway } = this.#options;
    const body = await exchange.body();
    record.bodyBytes = body.length;
    if (gateway.maxBodyBytes !== undefined && body.length > gateway.maxBodyBytes) return gatewayPage(413);
    const name = tenantOf(authEnabled, exchange.header('x-scope-orgid'));
    if (typeof name !== 'string') return name;
    const tenant = state.tenants.get(name);
    try {
      // From 3.7 on (pkg/distributor/http.go); before there is no limit of its own.
      const { maxRequestBytes } = tenant.limits;
      if (version === '3.7' && maxRequestBytes > 0 && body.length > maxRequestBytes) {
        const figures = `(${body.length} vs. ${maxRequestBytes})`;
        throw new BodyError(`request body too large: received message larger than max ${figures}`, 413);
      }
      const plainBody = await unwrap(body, {
        contentType: exchange.header('content-type'),
        contentEncoding: exchange.header('content-encoding'),
      });
      record.plainBytes = plainBody.bytes.length;
      if (countOnly) {
        record.push = state.addCounted(count(plainBody));
        return NO_CONTENT;
      }
      const streams = decode(plainBody);
      record.push = emptyTally();
      const refusal = tenant.distributor.push(streams, record.push);
      state.add(record.push);
      return refusal === undefined ? NO_CONTENT : errorText(refusal.status, refusal.message);
    } catch (error) {
      if (error instanceof BodyError) return errorText(error.status, error.message);
      throw error;
    }
  }

  async #read(exchange: Exchange, path: string): Promise<Answer | undefined> {
    const { state, clock, authEnabled, countOnly } = this.#options;
    const values = LABEL_VALUES.exec(path);
    if (values === null && !READ_PATHS.has(path)) return errorText(404, '404 page not found');
    const name = tenantOf(authEnabled, exchange.header('x-scope-orgid'));
    if (typeof name !== 'string') return name;
    const tenant = state.tenants.get(name);
    const parameters = await exchange.parameters();
    if (values !== null) return labelValues(tenant, decodeURIComponent(values[1] ?? ''), parameters);
    switch (path) {
      case '/loki/api/v1/labels':
        return labelNames(tenant, parameters);
      case '/loki/api/v1/series':
        return series(tenant, parameters, clock.now());
      case '/loki/api/v1/query':
        return queryCount(tenant, parameters, clock.now(), countOnly ? state.countedStreams() : undefined);
      default: {
        const flags = exchange.header('x-loki-response-encoding-flags');
        const answer = queryRange(tenant, parameters, flags, clock.now());
        return answer === TOO_LARGE ? await this.#oversized(exchange) : answer;
      }
    }
  }

  /** Measured on a real 3.5.0: no error comes, but nothing for a minute, and then a 504 or the end. */
  async #oversized(exchange: Exchange): Promise<Answer | undefined> {
    const { afterMs, end } = this.#options.oversizedAnswer;
    await exchange.wait(afterMs);
    if (end === '504') return queryError(504, DEADLINE_EXCEEDED);
    exchange.close();
    return undefined;
  }
}

const READ_PATHS = new Set([
  '/loki/api/v1/labels',
  '/loki/api/v1/series',
  '/loki/api/v1/query',
  '/loki/api/v1/query_range',
]);
const STATE_PATHS = new Set(['/ready', '/config', '/loki/api/v1/status/buildinfo']);

function kindOf(path: string): EndpointKind {
  if (path === PUSH) return 'push';
  return STATE_PATHS.has(path) ? 'state' : 'read';
}

function only(method: string, methods: readonly string[], answer: () => Answer): Answer {
  return methods.includes(method) ? answer() : { status: 405, body: '', headers: {} };
}

function outageAnswer({ status, body, contentType, retryAfter }: StatusOutage): Answer {
  const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
  if (status === 204) return { ...NO_CONTENT, headers };
  if (body === undefined) return gatewayPage(status, headers);
  const answer = plain(body);
  return {
    status,
    body,
    headers: {
      ...answer.headers,
      ...(contentType !== undefined && { 'content-type': contentType }),
      ...headers,
    },
  };
}
