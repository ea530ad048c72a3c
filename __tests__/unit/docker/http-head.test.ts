import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HttpAnswerError, parseHead } from '../../../src/docker/http-head.js';

const head = (...lines: string[]): string => ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n');

describe('how the end of the body is known', () => {
  test.each<[string, string, unknown]>([
    ['by its length', head('Content-Length: 12'), 12],
    ['by its length, however it is written', head('CONTENT-LENGTH:\t 0012 \t'), 12],
    ['by its chunks', head('Transfer-Encoding: chunked'), 'chunked'],
    [
      'by its chunks, whatever the length says',
      head('content-length: 5', 'transfer-encoding: CHUNKED'),
      'chunked',
    ],
    ['by the end of the connection', head('Connection: close'), 'open'],
    ['there is none: no content', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', 0],
    ['there is none: not modified', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n', 0],
    ['there is none: an interim answer', 'HTTP/1.1 100 Continue\r\n\r\n', 0],
  ])('%s', (_, text, framing) => {
    expect(parseHead(text).framing).toEqual(framing);
  });

  test('a colon in a value, an empty value and one of any bytes are values', () => {
    expect(parseHead(head('Date: 12:34:56', 'X-Empty:', 'X-Odd: \u00ff\u0001')).framing).toBe('open');
  });
});

test('how the body is encoded: several headers are one list', () => {
  expect(parseHead(head('Content-Length: 1')).encoding).toBeUndefined();
  expect(parseHead(head('CONTENT-ENCODING:\tGZip ')).encoding).toBe('GZip');
  expect(parseHead(head('Content-Encoding: gzip', 'Content-Encoding: br')).encoding).toBe('gzip, br');
});

/** Where two readers of one answer may see two different bodies. */
describe('what may be read in two ways is refused', () => {
  test.each<[string, string]>([
    ['two lengths', head('Content-Length: 5', 'Content-Length: 6')],
    ['two lengths in one', head('Content-Length: 5, 5')],
    ['a length with a sign', head('Content-Length: +5')],
    ['a length in hexadecimal', head('Content-Length: 0x5')],
    ['a length with a fraction', head('Content-Length: 5.0')],
    ['no length', head('Content-Length:')],
    ['a length of more than any body has', head(`Content-Length: 1${'0'.repeat(15)}`)],
    ['a space before the colon', head('Content-Length : 5')],
    ['a name that is none', head('Content Length: 5')],
    ['a line that goes on in the next', head('X-A: 1', ' Content-Length: 5')],
    ['a line without a colon', head('Content-Length')],
    ['a newline without return', head('X-A: 1\nContent-Length: 5')],
    ['a return without newline', head('X-A: 1\rContent-Length: 5')],
    ['a zero byte', head('X-A: 1\0')],
    ['chunks inside of another coding', head('Transfer-Encoding: gzip, chunked')],
    ['another coding over chunks', head('Transfer-Encoding: chunked, identity')],
    ['two codings in two lines', head('Transfer-Encoding: identity', 'Transfer-Encoding: chunked')],
    ['a coding twice', head('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')],
    ['a coding that only looks like it', head('Transfer-Encoding: xchunked')],
    ['no coding', head('Transfer-Encoding:')],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['a status over 599', 'HTTP/1.1 600 Odd\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a status line that begins with a space', ' HTTP/1.1 200 OK\r\n\r\n'],
  ])('%s', (_, text) => {
    expect(() => parseHead(text)).toThrow(HttpAnswerError);
  });
});

test('any text is a head or an HttpAnswerError, whose message stays short', () => {
  const piece = fc.constantFrom(
    'HTTP/1.1 200 OK',
    'Content-Length',
    'Transfer-Encoding',
    ': ',
    ':',
    'chunked',
    '7',
    '\r\n',
    '\n',
    ' ',
    '\0',
    'x'.repeat(1000),
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 20 }), (pieces) => {
      try {
        const { status, framing } = parseHead(pieces.join(''));
        expect(status).toBeGreaterThanOrEqual(100);
        if (typeof framing === 'number') expect(Number.isSafeInteger(framing)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(HttpAnswerError);
        expect((error as Error).message.length).toBeLessThan(700);
      }
    }),
    { numRuns: 1000 },
  );
});
