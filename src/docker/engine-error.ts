import { PollardError } from '../model/errors.js';
import { endpointText, type EngineEndpoint } from './endpoint.js';

export type EngineErrorCode =
  /** Nothing listens there. */
  | 'engine_unreachable'
  /** We may not use the socket, or what stands before it refuses us (401, 403). */
  | 'engine_permission'
  /** Certificates, or TLS spoken with who does not. */
  | 'engine_tls'
  | 'engine_timeout'
  /** The connection broke. */
  | 'engine_reset'
  /** Its newest API version is older than what we need. */
  | 'engine_too_old'
  /** It does not serve the API version that was asked for; negotiate again. */
  | 'engine_version_refused'
  | 'engine_not_found'
  | 'engine_conflict'
  | 'engine_not_implemented'
  | 'engine_server_error'
  /** Any other status. */
  | 'engine_refused'
  /** Not what a Docker Engine answers. */
  | 'engine_bad_answer'
  | 'engine_answer_too_large';

export interface EngineErrorDetails {
  readonly hint: string;
  /** The one to look at; default: docker.host. */
  readonly setting?: string;
  readonly status?: number;
  /** Of `engine_version_refused`, where the Engine names it. */
  readonly oldestApiVersion?: string;
  readonly container?: string;
  readonly cause?: unknown;
}

/** A request to the Engine did not give what was asked for. */
export class EngineError extends PollardError {
  override name = 'EngineError';
  override readonly code: EngineErrorCode;
  /** The HTTP status, when there was an answer. */
  readonly status: number | undefined;
  /** The oldest version that the Engine serves, where it refuses ours and names it. */
  readonly oldestApiVersion: string | undefined;

  constructor(code: EngineErrorCode, message: string, details: EngineErrorDetails) {
    const { hint, setting = 'docker.host', container, cause, status, oldestApiVersion } = details;
    super(code, message, {
      setting,
      hint,
      exit: 'engine',
      cause,
      ...(container !== undefined ? { container } : {}),
    });
    this.code = code;
    this.status = status;
    this.oldestApiVersion = oldestApiVersion;
  }
}

/** What was asked of whom, for the message. */
export interface EngineQuestion {
  readonly endpoint: EngineEndpoint;
  readonly path: string;
  /** The name of the container asked about. */
  readonly container?: string;
}

/** The deadline of the request passed. */
export function timeoutError(question: EngineQuestion, ms: number): EngineError {
  return engineError('engine_timeout', question, `gave no whole answer within ${Math.round(ms)} ms`, {
    hint: 'look at the load and the log of the Engine; raise docker.timeout if it is only slow',
    setting: 'docker.timeout',
  });
}

/** The answer is longer than allowed. */
export function tooLargeError(question: EngineQuestion, maxBytes: number): EngineError {
  return engineError('engine_answer_too_large', question, `answered with more than ${maxBytes} bytes`, {
    hint: 'raise docker.max_answer_bytes if the Engine really has so much to tell',
    setting: 'docker.max_answer_bytes',
  });
}

/** The answer is not what a Docker Engine says. */
export function badAnswerError(question: EngineQuestion, problem: string, cause?: unknown): EngineError {
  return engineError('engine_bad_answer', question, `answered with ${problem}`, {
    hint: 'check that docker.host is a Docker Engine and that no proxy rewrites its answers',
    cause,
  });
}

export function engineError(
  code: EngineErrorCode,
  question: EngineQuestion,
  problem: string,
  details: EngineErrorDetails,
): EngineError {
  const text = `the Engine at ${endpointText(question.endpoint)} ${problem} (GET ${shortPath(question.path)})`;
  const { container } = question;
  return new EngineError(code, text, { ...details, ...(container !== undefined ? { container } : {}) });
}

/** Without the query, and ids as people write them. */
function shortPath(path: string): string {
  return path.replace(/\?.*$/s, '').replaceAll(/([0-9a-f]{12})[0-9a-f]{52}/g, '$1');
}
