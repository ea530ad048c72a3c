import { STATUS_CODES } from 'node:http';

/** An answer of the server, before it is written. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Go's http.Error, by which a push is refused: plain text with a new line. */
export function errorText(status: number, message: string): Answer {
  return {
    status,
    body: `${message}\n`,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
  };
}

/** A refused query: without the new line (pkg/util/server/error.go WriteError). */
export function queryError(status: number, message: string): Answer {
  return { ...errorText(status, message), body: message };
}

export function json(value: unknown): Answer {
  return {
    status: 200,
    body: `${JSON.stringify(value)}\n`,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
  };
}

export function plain(body: string): Answer {
  return { status: 200, body, headers: { 'content-type': 'text/plain; charset=utf-8' } };
}

export const NO_CONTENT: Answer = { status: 204, body: '', headers: {} };

/** The page that an nginx before Loki makes of a status. */
export function gatewayPage(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  const title = `${status} ${NGINX_TITLES[status] ?? STATUS_CODES[status] ?? ''}`;
  return {
    status,
    body: `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`,
    headers: { 'content-type': 'text/html', ...headers },
  };
}

/** Where nginx has words of its own. */
const NGINX_TITLES: Readonly<Record<number, string>> = {
  401: 'Authorization Required',
  413: 'Request Entity Too Large',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
};
