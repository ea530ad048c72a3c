/** What came is no HTTP. */
export class HttpAnswerError extends Error {
  override name = 'HttpAnswerError';
  readonly code = 'HTTP_MALFORMED';
}

/** How a body's end is known: it is counted, it comes in chunks, or it ends with the connection. */
export type Framing = number | 'chunked' | 'open';

export interface HttpHead {
  readonly status: number;
  readonly framing: Framing;
}

/**
 * Reads the head of an answer, up to and with its empty line: as much of HTTP/1.1 as it takes to find the body
 * (RFC 9112, 4 and 6.3). Of an answer to GET.
 *
 * @throws HttpAnswerError
 */
export function parseHead(text: string): HttpHead {
  const [first = '', ...lines] = text.split('\r\n');
  const status = Number(/^HTTP\/1\.[01] ([1-5]\d\d)(?: |$)/.exec(first)?.[1] ?? 0);
  if (status === 0) throw new HttpAnswerError(`no HTTP status line: ${JSON.stringify(first.slice(0, 80))}`);
  let coding: string | undefined;
  let length: number | undefined;
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) {
      if (line === '') continue;
      throw new HttpAnswerError(`no HTTP header: ${JSON.stringify(line.slice(0, 80))}`);
    }
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'transfer-encoding') coding = value.toLowerCase();
    else if (name === 'content-length') {
      const told = /^\d{1,15}$/.test(value) ? Number(value) : -1;
      if (told < 0 || (length !== undefined && length !== told)) {
        throw new HttpAnswerError(`a Content-Length of ${JSON.stringify(value.slice(0, 80))}`);
      }
      length = told;
    }
  }
  return { status, framing: framingOf(status, coding, length) };
}

function framingOf(status: number, coding: string | undefined, length: number | undefined): Framing {
  if (status < 200 || status === 204 || status === 304) return 0;
  if (coding === undefined) return length ?? 'open';
  // Any other coding would have to be undone, and was not asked for.
  if (coding !== 'chunked') throw new HttpAnswerError(`a Transfer-Encoding of ${JSON.stringify(coding)}`);
  return 'chunked';
}
