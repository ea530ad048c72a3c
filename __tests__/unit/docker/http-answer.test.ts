import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HttpAnswerReader } from '../../../src/docker/http-answer.js';
import { HttpAnswerError } from '../../../src/docker/http-head.js';
import { cut } from '../../support/wire.js';

/** What came out of an answer that came in pieces, each of which is overwritten once it was read. */
function read(pieces: readonly Buffer[]): { status: number; body: Buffer; done: boolean; ended: boolean } {
  let status = 0;
  const body: Buffer[] = [];
  const reader = new HttpAnswerReader({
    head: (told) => {
      expect(status).toBe(0);
      status = told;
    },
    body: (source, start, end) => {
      expect(status).not.toBe(0);
      body.push(Buffer.from(source.subarray(start, end)));
    },
  });
  for (const piece of pieces) {
    const source = Buffer.concat([Buffer.from('before'), piece, Buffer.from('behind')]);
    reader.push(source, 6, 6 + piece.length);
    source.fill('overwritten');
  }
  const { done } = reader;
  return { status, body: Buffer.concat(body), done, ended: reader.ended() };
}

const readText = (...pieces: string[]) => read(pieces.map((piece) => Buffer.from(piece, 'latin1')));

const anyChunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 12 });
const anyCuts = fc.array(fc.nat(), { maxLength: 30 });

describe('an answer cut anywhere', () => {
  test('in chunks', () => {
    const anySizeText = fc.tuple(
      fc.constantFrom('', '0', '000'),
      fc.boolean(),
      fc.constantFrom('', ';a=b', ' '),
    );
    fc.assert(
      fc.property(
        anyChunks,
        anyCuts,
        anySizeText,
        fc.constantFrom('', 'X-T: 1\r\n'),
        (chunks, cuts, text, trailer) => {
          const [zeros, upper, extension] = text;
          const size = (length: number) => {
            const digits = length.toString(16);
            return `${zeros}${upper ? digits.toUpperCase() : digits}${extension}\r\n`;
          };
          const whole = Buffer.concat([
            Buffer.from('HTTP/1.1 200 OK\r\nServer: x\r\nTransfer-Encoding: chunked\r\n\r\n'),
            ...chunks.flatMap((chunk) => [Buffer.from(size(chunk.length)), chunk, Buffer.from('\r\n')]),
            Buffer.from(`0\r\n${trailer}\r\n`),
          ]);
          expect(read(cut(whole, cuts))).toEqual({
            status: 200,
            body: Buffer.concat(chunks),
            done: true,
            ended: true,
          });
          // A connection that ends earlier has no whole answer.
          expect(read(cut(whole.subarray(0, -1), cuts)).ended).toBe(false);
        },
      ),
    );
  });

  test('of a known length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), anyCuts, (body, cuts) => {
        const head = Buffer.from(`HTTP/1.1 404 Not Found\r\ncontent-length:${body.length}\r\n\r\n`);
        const whole = Buffer.concat([head, body]);
        const extra = Buffer.concat([whole, Buffer.from('HTTP/1.1 200 OK')]);
        const expected = { status: 404, body: Buffer.from(body), done: true, ended: true };
        expect(read(cut(whole, cuts))).toEqual(expected);
        expect(read(cut(extra, cuts))).toEqual(expected);
        expect(read(cut(whole.subarray(0, -1), cuts))).toMatchObject({ done: false, ended: false });
      }),
    );
  });

  test('that ends with the connection', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), anyCuts, (body, cuts) => {
        const whole = Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\n\r\n'), body]);
        const expected = { status: 200, body: Buffer.from(body), done: false, ended: true };
        expect(read(cut(whole, cuts))).toEqual(expected);
      }),
    );
  });
});

describe('heads', () => {
  test.each([
    ['no content', 'HTTP/1.1 204 No Content\r\n\r\n', 204],
    ['a length of 0', 'HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n', 500],
    [
      'an interim answer first',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      200,
    ],
    ['the same length twice', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n', 200],
    ['no words behind the status', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', 200],
  ])('%s', (_, text, status) => {
    expect(readText(text)).toEqual({ status, body: Buffer.alloc(0), done: true, ended: true });
  });

  test('chunks go before a length', () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\nTransfer-Encoding: Chunked\r\n\r\n';
    expect(readText(`${head}1\r\na\r\n0\r\n\r\n`)).toMatchObject({ body: Buffer.from('a'), done: true });
  });
});

describe('no HTTP', () => {
  const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  test.each([
    ['another protocol, told by its first bytes', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['TLS', '\x15\x03\x01'],
    ['HTTP/2', 'HTTP/2 200\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a header without a name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    ['a coding that was not asked for', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
    ['a head without end', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(3000)}`],
    ['a chunk without a size', `${CHUNKED}\r\n`],
    ['a chunk size that is no number', `${CHUNKED}x\r\n`],
    ['a number with something behind it', `${CHUNKED}1x\r\n`],
    ['a chunk that is longer than it says', `${CHUNKED}1\r\nab\r\n`],
    ['a chunk size without end', `${CHUNKED}${'f'.repeat(20)}`],
    ['an extension without end', `${CHUNKED}1;${'x'.repeat(5000)}`],
    ['a trailer without end', `${CHUNKED}0\r\n${'X: y\r\n'.repeat(1000)}`],
  ])('%s', (_, text) => {
    expect(() => readText(text)).toThrow(HttpAnswerError);
    expect(() => readText(...Array.from(text))).toThrow(HttpAnswerError);
  });
});

describe('whatever comes', () => {
  const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  /** What an answer is made of, so that what is put together by chance goes far. */
  const anyPart = fc.oneof(
    { weight: 3, arbitrary: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)) },
    {
      weight: 7,
      arbitrary: fc
        .constantFrom(
          CHUNKED,
          'HTTP/1.1 200 OK\r\n',
          'HTTP/1.1 100 Continue\r\n\r\n',
          'Content-Length: 9\r\n',
          'Transfer-Encoding: chunked\r\n',
          '\r\n',
          '\n',
          '0\r\n\r\n',
          '5\r\nabcde\r\n',
          '5;x=y\r\n',
          'ffffffff\r\n',
          'X: y\r\n',
        )
        .map((text) => Buffer.from(text)),
    },
  );
  const anyAnswer = fc
    .tuple(fc.boolean(), fc.array(anyPart, { maxLength: 20 }))
    .map(([begun, parts]) => Buffer.concat([Buffer.from(begun ? CHUNKED : ''), ...parts]));

  /** What was made of the pieces up to the end or the error. */
  function outcome(pieces: readonly Buffer[]) {
    let heads = 0;
    const body: Buffer[] = [];
    const reader = new HttpAnswerReader({
      head: () => heads++,
      body: (source, start, end) => {
        // Never nothing, and never bytes of another piece.
        expect(start).toBeLessThan(end);
        expect(start).toBeGreaterThanOrEqual(3);
        expect(end).toBeLessThanOrEqual(source.length - 3);
        body.push(Buffer.from(source.subarray(start, end)));
      },
    });
    let error = '';
    try {
      for (const piece of pieces) {
        const source = Buffer.concat([Buffer.from('<<<'), piece, Buffer.from('>>>')]);
        reader.push(source, 3, 3 + piece.length);
        source.fill('overwritten');
      }
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(HttpAnswerError);
      error = (thrown as Error).message;
    }
    return { heads, body: Buffer.concat(body), refused: error !== '', done: reader.done };
  }

  test('the same is made of it however it is cut, one head at most, and no byte more than came', () => {
    fc.assert(
      fc.property(anyAnswer, anyCuts, (answer, cuts) => {
        const whole = outcome([answer]);
        expect(outcome(cut(answer, cuts))).toEqual(whole);
        expect(outcome(Array.from(answer, (byte) => Buffer.from([byte])))).toEqual(whole);
        expect(whole.heads).toBeLessThanOrEqual(1);
        expect(whole.body.length).toBeLessThanOrEqual(answer.length);
        if (whole.heads === 0) expect(whole.body).toHaveLength(0);
      }),
      { numRuns: 2000 },
    );
  });

  test('what follows a whole answer is not looked at', () => {
    fc.assert(
      fc.property(anyAnswer, anyCuts, (more, cuts) => {
        const whole = Buffer.from(`${CHUNKED}1\r\na\r\n0\r\n\r\n`);
        const expected = { heads: 1, body: Buffer.from('a'), refused: false, done: true };
        expect(outcome(cut(Buffer.concat([whole, more]), cuts))).toEqual(expected);
      }),
    );
  });

  test('a body of 256 MiB passes through in the memory of one piece', () => {
    const piece = Buffer.alloc(64 * 1024, 'x');
    let bytes = 0;
    const reader = new HttpAnswerReader({
      head: () => undefined,
      body: (source, start, end) => {
        expect(source).toBe(piece);
        bytes += end - start;
      },
    });
    const head = Buffer.from(
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${(256 * 1024 * 1024).toString(16)}\r\n`,
    );
    reader.push(head, 0, head.length);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 4096; i++) reader.push(piece, 0, piece.length);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
    expect(bytes).toBe(256 * 1024 * 1024);
  });

  test('interim answers without end are passed over in the memory of one head', () => {
    const reader = new HttpAnswerReader({ head: () => undefined, body: () => undefined });
    const piece = Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(1000));
    for (let i = 0; i < 20; i++) reader.push(piece, 0, piece.length);
    expect(reader.done).toBe(false);
    const last = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');
    reader.push(last, 0, last.length);
    expect(reader.done).toBe(true);
  });
});
