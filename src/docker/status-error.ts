import { isApiVersion } from './api-version.js';
import { engineError, type EngineError, type EngineErrorCode, type EngineQuestion } from './engine-error.js';
import { refusalHint } from './refusal-hint.js';

/** How much of the Engine's own words is quoted. */
const QUOTED = 300;

const HINTS = {
  engine_tls: 'the Engine wants TLS: write https:// or set docker.tls',
  engine_version_refused:
    'the version is negotiated again; if that does not help, upgrade Pollard or the Engine',
  engine_not_found: 'the container was removed',
  engine_conflict: 'the container is being removed, or dead; remove it by hand if it stays (docker rm -f)',
  engine_not_implemented:
    'the logging driver of the container cannot be read; choose json-file, local or journald',
  engine_server_error: 'look into the log of the Engine (journalctl -u docker)',
  engine_refused: 'check that docker.host is a Docker Engine',
  engine_bad_answer: 'check that docker.host is a Docker Engine, and not a web server',
} as const satisfies Partial<Record<EngineErrorCode, string>>;

/**
 * Makes an EngineError of a status other than 2xx. What the Engine says itself (`{"message": …}`, or before API
 * 1.24 plain text) is quoted.
 */
export function statusError(question: EngineQuestion, status: number, body: string): EngineError {
  const message = engineMessage(body);
  const code = codeOf(question.path, status, message);
  const quoted = message === '' ? '' : `: ${message}`;
  const hint = code === 'engine_permission' ? refusalHint(question.path, message) : HINTS[code];
  const details = { hint, status };
  const oldest = code === 'engine_version_refused' ? oldestVersion(message) : undefined;
  return engineError(code, question, `answered ${status}${quoted}`, {
    ...details,
    ...(oldest === undefined ? {} : { oldestApiVersion: oldest }),
  });
}

/** moby: api/server/middleware/version.go. */
function oldestVersion(message: string): string | undefined {
  const version = /Minimum supported API version is (\d+\.\d+)/i.exec(message)?.[1];
  return version !== undefined && isApiVersion(version) ? version : undefined;
}

/** What the Engine says in the body of an error: one line, bounded. */
export function engineMessage(body: string): string {
  let text = body;
  try {
    const answer: unknown = JSON.parse(body);
    if (typeof answer === 'object' && answer !== null && 'message' in answer) {
      text = typeof answer.message === 'string' ? answer.message : '';
    }
  } catch {
    // Plain text.
  }
  const line = text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
  return line.length > QUOTED ? `${line.slice(0, QUOTED)}…` : line;
}

function codeOf(path: string, status: number, message: string): keyof typeof HINTS | 'engine_permission' {
  switch (status) {
    case 400:
      // moby: api/server/middleware/version.go
      if (/client version \S+ is too (?:old|new)/i.test(message)) return 'engine_version_refused';
      // Go: net/http, what a server with TLS says to one without
      if (/HTTP request to an HTTPS server/i.test(message)) return 'engine_tls';
      return 'engine_refused';
    case 401:
    case 403:
      return 'engine_permission';
    case 404:
      // Every Engine knows the other paths.
      return /\/containers\/[^/]+\//.test(path) ? 'engine_not_found' : 'engine_bad_answer';
    case 409:
      return 'engine_conflict';
    case 501:
      return 'engine_not_implemented';
    default:
      if (status >= 500) return 'engine_server_error';
      return status >= 400 ? 'engine_refused' : 'engine_bad_answer';
  }
}
