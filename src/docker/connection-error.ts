import { connectionFailure, type ConnectionFailure } from '../model/connection-failure.js';
import { engineError, type EngineError, type EngineErrorCode, type EngineQuestion } from './engine-error.js';
import { runsInContainer } from './in-container.js';

interface Meaning {
  readonly code: EngineErrorCode;
  readonly problem: string;
  readonly hint: string;
  /** Default: docker.host. */
  readonly setting?: string;
}

const NOT_HTTP: Meaning = {
  code: 'engine_bad_answer',
  problem: 'does not speak HTTP',
  hint: 'check the port; an Engine with TLS needs https:// or docker.tls',
};
const GONE: Meaning = {
  code: 'engine_reset',
  problem: 'broke off the connection',
  hint: 'the Engine was probably restarted; Pollard tries again',
};
const NO_ANSWER: Meaning = {
  code: 'engine_timeout',
  problem: 'gave no answer in time',
  hint: 'look at the load and the log of the Engine',
};
const NO_TLS: Meaning = {
  code: 'engine_tls',
  problem: 'does not speak TLS',
  hint: 'write tcp:// without docker.tls, or check the port',
};
const NO_ROUTE: Meaning = {
  code: 'engine_unreachable',
  problem: 'cannot be reached',
  hint: 'check host and port of docker.host, and the network',
};

/** By the `code` of the error: of the system (errno(3)), of Node, of undici, of logs-request.ts. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOENT: {
    code: 'engine_unreachable',
    problem: 'has no socket there',
    hint: 'start the Engine, or set docker.host; in a container, mount /var/run/docker.sock',
  },
  ECONNREFUSED: {
    code: 'engine_unreachable',
    problem: 'does not listen',
    hint: 'start the Engine (systemctl start docker), or correct docker.host',
  },
  ENOTSOCK: { ...NO_ROUTE, problem: 'is no socket', hint: 'set docker.host to the socket of the Engine' },
  EACCES: {
    code: 'engine_permission',
    problem: 'refuses us its socket',
    hint: 'add the user that Pollard runs as to the group docker (usermod -aG docker USER), or use a socket proxy',
  },
  ENOTFOUND: { ...NO_ROUTE, problem: 'has a host name that is not known' },
  EAI_AGAIN: { ...NO_ROUTE, problem: 'has a host name that cannot be looked up at the moment' },
  EHOSTUNREACH: NO_ROUTE,
  ENETUNREACH: NO_ROUTE,
  ETIMEDOUT: NO_ROUTE,
  EADDRNOTAVAIL: NO_ROUTE,
  ECONNRESET: GONE,
  EPIPE: GONE,
  ECONNABORTED: GONE,
  UND_ERR_SOCKET: GONE,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: GONE,
  UND_ERR_HEADERS_TIMEOUT: NO_ANSWER,
  UND_ERR_BODY_TIMEOUT: {
    code: 'engine_timeout',
    problem: 'stopped in the middle of its answer',
    hint: 'look at the load and the log of the Engine',
  },
  UND_ERR_HEADERS_OVERFLOW: NOT_HTTP,
  HTTP_MALFORMED: NOT_HTTP,
  HTTP_IDLE: { ...NO_ANSWER, setting: 'poll.idle_timeout' },
  EPROTO: NO_TLS,
  // What OpenSSL says to an answer in plain HTTP, by its version.
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  EMFILE: {
    code: 'engine_unreachable',
    problem: 'cannot be asked: this process has no file descriptor left',
    hint: 'raise the limit of open files (LimitNOFILE), or lower poll.concurrency',
  },
};

/**
 * A socket file that was bound into a container stays that of the Engine that made it: one that makes a new file when
 * it starts is not reached through the old one.
 */
const STALE_MOUNT =
  'start the Engine; if it runs, it made a new socket when it started, and the file mounted into this container is stale: restart the container, or mount the folder of the socket instead of the file';

/**
 * Makes an EngineError of what a socket or the HTTP client threw.
 *
 * @param inContainer whether this process runs in a container
 */
export function connectionError(
  question: EngineQuestion,
  cause: Error,
  inContainer: () => boolean = runsInContainer,
): EngineError {
  const failure = connectionFailure(cause);
  // undici gives most of its parser's errors no code.
  const known = cause.name === 'HTTPParserError' ? NOT_HTTP : meaningOf(failure);
  const mayBeStale = failure.code === 'ECONNREFUSED' && question.endpoint.kind === 'unix';
  const meaning = mayBeStale && inContainer() ? { ...known, hint: STALE_MOUNT } : known;
  const { code: engineCode, problem, hint, setting } = meaning;
  const details = { hint, cause, ...(setting === undefined ? {} : { setting }) };
  return engineError(engineCode, question, `${problem}: ${failure.said}`, details);
}

function meaningOf({ code, isCertificate }: ConnectionFailure): Meaning {
  const known = Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : undefined;
  if (known) return known;
  if (code === 'CERT_HAS_EXPIRED') {
    return {
      code: 'engine_tls',
      problem: 'has a certificate that has expired',
      hint: 'renew the certificate of the Engine',
    };
  }
  if (isCertificate) {
    return {
      code: 'engine_tls',
      problem: 'has a certificate that is not trusted, or does not accept ours',
      hint: 'set docker.tls.ca_file to the authority that signed it, and docker.tls.cert_file and .key_file to what the Engine knows',
    };
  }
  return { ...NO_ROUTE, problem: 'cannot be asked' };
}
