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
  /** The value of Content-Encoding; undefined when there is none. */
  readonly encoding?: string;
}

/**
 * A name, a colon, a value (RFC 9112, 5). What others may read in another way is none: a blank before the colon, a
 * line that continues the one before, a return, newline or zero byte in the value.
 */
const HEADER = /^([!#$%&'*+\-.^_`|~\w]+):([^\r\n\0]*)$/;

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
  let encoding: string | undefined;
  let length: number | undefined;
  for (const line of lines) {
    if (line === '') continue;
    const [, name, written] = HEADER.exec(line) ?? [];
    if (name === undefined || written === undefined) {
      throw new HttpAnswerError(`no HTTP header: ${JSON.stringify(line.slice(0, 80))}`);
    }
    const value = written.trim();
    if (/^transfer-encoding$/i.test(name)) {
      coding = listed(coding, value.toLowerCase());
    } else if (/^content-encoding$/i.test(name)) {
      encoding = listed(encoding, value);
    } else if (/^content-length$/i.test(name)) {
      const told = /^\d{1,15}$/.test(value) ? Number(value) : -1;
      if (told < 0 || (length !== undefined && length !== told)) {
        throw new HttpAnswerError(`a Content-Length of ${JSON.stringify(value.slice(0, 80))}`);
      }
      length = told;
    }
  }
  const framing = framingOf(status, coding, length);
  return encoding === undefined ? { status, framing } : { status, framing, encoding };
}

/** Several lines of one name are one list (RFC 9110, 5.2). */
function listed(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}

function framingOf(status: number, coding: string | undefined, length: number | undefined): Framing {
  if (status < 200 || status === 204 || status === 304) return 0;
  if (coding === undefined) return length ?? 'open';
  // Any other coding would have to be undone, and was not asked for.
  if (coding !== 'chunked')
    throw new HttpAnswerError(`a Transfer-Encoding of ${JSON.stringify(coding.slice(0, 80))}`);
  return 'chunked';
}
