import { connectionFailure, type ConnectionFailure } from '../model/connection-failure.js';
import { LokiRequestError, type LokiRequestErrorCode } from './loki-error.js';

interface Meaning {
  readonly code: LokiRequestErrorCode;
  readonly problem: string;
  readonly hint: string;
  readonly setting?: string;
}

const UNREACHABLE: Meaning = {
  code: 'loki_unreachable',
  problem: 'cannot be reached',
  hint: 'check host and port of loki.url, and the network; Pollard goes on trying',
};
const BROKEN: Meaning = {
  code: 'loki_unreachable',
  problem: 'broke off the connection',
  hint: 'Loki, or what stands before it, was probably restarted; Pollard goes on trying',
};
const LATE: Meaning = {
  code: 'loki_timeout',
  problem: 'gave no answer in time',
  hint: 'look at the load of Loki, or raise loki.timeout',
  setting: 'loki.timeout',
};
const NOT_HTTP: Meaning = {
  code: 'loki_not_http',
  problem: 'does not speak HTTP',
  hint: 'check scheme and port of loki.url: 3100 is HTTP, 9095 is gRPC',
  setting: 'loki.url',
};
const WRONG_SCHEME: Meaning = {
  code: 'loki_tls',
  problem: 'does not speak TLS',
  hint: 'write loki.url with http://, or check the port',
  setting: 'loki.url',
};

/** By the `code` of the error: of the system (errno(3)), of Node, of undici. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: { ...UNREACHABLE, problem: 'does not listen' },
  ENOTFOUND: { ...UNREACHABLE, problem: 'has a host name that is not known', setting: 'loki.url' },
  EAI_AGAIN: { ...UNREACHABLE, problem: 'has a host name that cannot be looked up at the moment' },
  EMFILE: {
    ...UNREACHABLE,
    problem: 'cannot be asked: this process has no file descriptor left',
    hint: 'raise the limit of open files (LimitNOFILE)',
  },
  ECONNRESET: BROKEN,
  EPIPE: BROKEN,
  ECONNABORTED: BROKEN,
  UND_ERR_SOCKET: BROKEN,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: BROKEN,
  ETIMEDOUT: LATE,
  UND_ERR_CONNECT_TIMEOUT: LATE,
  UND_ERR_HEADERS_TIMEOUT: LATE,
  UND_ERR_BODY_TIMEOUT: LATE,
  UND_ERR_HEADERS_OVERFLOW: NOT_HTTP,
  EPROTO: WRONG_SCHEME,
  ERR_SSL_WRONG_VERSION_NUMBER: WRONG_SCHEME,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: WRONG_SCHEME,
};

/** Makes an error of our own of what a socket or the HTTP client threw. `where` is shown: without secrets. */
export function connectionError(where: string, cause: Error): LokiRequestError {
  const failure = connectionFailure(cause);
  const { code: ours, problem, hint, setting } = meaningOf(failure, cause);
  return new LokiRequestError(ours, `${where} ${problem}: ${failure.said}`, {
    hint,
    cause,
    ...(setting === undefined ? {} : { setting }),
  });
}

/** Failures before there was a connection to send anything over. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EMFILE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether nothing of the request can have reached Loki. False when it is not known. */
export function isNeverSent({ cause }: LokiRequestError): boolean {
  return cause !== undefined && NEVER_SENT.has(connectionFailure(cause as Error).code);
}

/** The whole request took too long. */
export function lateError(where: string, timeoutMs: number): LokiRequestError {
  const { code, problem, hint } = LATE;
  return new LokiRequestError(code, `${where} ${problem} (${timeoutMs} ms)`, {
    hint,
    setting: 'loki.timeout',
  });
}

function meaningOf({ code, isCertificate }: ConnectionFailure, cause: Error): Meaning {
  // undici gives most of its parser's errors no code.
  if (cause.name === 'HTTPParserError') return NOT_HTTP;
  // What a proxy answered, to CONNECT or to a request for http://, is only in the text.
  const proxy = /Proxy (?:response|Authentication Required) \((\d{3})\)/.exec(cause.message)?.[1];
  if (proxy !== undefined) return refusedByProxy(Number(proxy));
  const known = Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : undefined;
  if (known) return known;
  if (!isCertificate) return UNREACHABLE;
  return {
    code: 'loki_tls',
    problem:
      code === 'CERT_HAS_EXPIRED'
        ? 'has a certificate that has expired'
        : 'has a certificate that is not trusted, or does not accept ours',
    hint:
      code === 'CERT_HAS_EXPIRED'
        ? 'renew the certificate of Loki'
        : 'set loki.tls.ca_file to the authority that signed it, and loki.tls.cert_file and .key_file to what Loki knows',
    setting: 'loki.tls',
  };
}

function refusedByProxy(status: number): Meaning {
  if (status >= 500) return { ...UNREACHABLE, problem: 'cannot be reached by the proxy' };
  return {
    code: 'loki_proxy',
    problem: 'cannot be reached: the proxy refuses',
    hint: 'check loki.proxy_url, its user and password, and what the proxy allows',
    setting: 'loki.proxy_url',
  };
}
