import fc from 'fast-check';
import { LogBodyError } from '../../../src/docker/log-errors.js';
import { CHUNK_BYTES, TtyParser } from '../../../src/docker/tty.js';
import { formatStamp } from '../../../src/model/nanoseconds.js';
import { anyStamp, anyText, Collected, cut, type TestEntry } from '../../support/wire.js';

const STAMP = '2026-01-02T03:04:05.000000007Z';

function parse(pieces: Buffer[], maxLine = 1024 * 1024): TestEntry[] {
  const collected = new Collected();
  const parser = new TtyParser(collected, maxLine);
  for (const piece of pieces) parser.push(piece);
  parser.end();
  return collected.entries;
}

/** As the Engine prints it: the prefix before each chunk of 16 KiB, the newline behind the last. */
function printed(stamp: bigint, text: Buffer): Buffer {
  const prefix = Buffer.from(`${formatStamp(stamp)} `);
  const parts: Buffer[] = [];
  let at = 0;
  do {
    parts.push(prefix, text.subarray(at, at + CHUNK_BYTES));
    at += CHUNK_BYTES;
  } while (at <= text.length && text.length >= CHUNK_BYTES);
  return Buffer.concat([...parts, Buffer.from('\r\n')]);
}

describe('what stands at the end without a newline', () => {
  const first = `${STAMP} whole\r\n`;
  const chunk = 'x'.repeat(CHUNK_BYTES);
  const textsOf = (body: string, lastWords: boolean): string[] => {
    const collected = new Collected();
    const parser = new TtyParser(collected, 1024 * 1024, lastWords);
    parser.push(Buffer.from(body));
    parser.end();
    return collected.entries.map(({ text }) => text.toString());
  };

  test.each([
    ['a beginning of a line', `${STAMP} beginn`, 'beginn'],
    ['a beginning of the next chunk of a line', `${STAMP} ${chunk}${STAMP} beginn`, 'beginn'],
    ['nothing behind the stamp', `${STAMP} `, ''],
  ])('%s: the last words of a process that has ended; else the answer was cut short', (_what, end, words) => {
    const before = end.includes(chunk) ? ['whole', chunk] : ['whole'];
    expect(textsOf(first + end, true)).toEqual([...before, words]);
    expect(textsOf(first + end, false)).toEqual(before);
  });

  test('a full chunk is one, and the rest of its line is yet to come', () => {
    expect(textsOf(`${first}${STAMP} ${chunk}`, false)).toEqual(['whole', chunk]);
  });
});

describe('the raw body of a TTY', () => {
  test('lines come out as written, wherever the body is cut', () => {
    // A text that ends in a carriage return of its own would lose it: the terminal's cannot be told apart.
    const text = anyText.filter((bytes) => bytes[bytes.length - 1] !== 0x0d);
    fc.assert(
      fc.property(fc.array(fc.tuple(anyStamp, text), { maxLength: 20 }), fc.array(fc.nat()), (lines, at) => {
        const body = Buffer.concat(lines.map(([stamp, bytes]) => printed(stamp, bytes)));
        const entries = parse(cut(body, at));
        expect(entries.map((e) => [e.stamp, e.text])).toEqual(lines);
        expect(entries.every((e) => e.terminated && e.stream === 1)).toBe(true);
      }),
    );
  });

  test('a line of several chunks comes out chunk by chunk, without the prefixes in its middle', () => {
    fc.assert(
      fc.property(
        anyStamp,
        fc.integer({ min: 0, max: 3 * CHUNK_BYTES }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (stamp, length, at) => {
          const text = Buffer.from(Array.from({ length }, (_, i) => 97 + (i % 26)));
          const body = Buffer.concat([printed(stamp, text), printed(stamp + 5n, Buffer.from('next'))]);
          const entries = parse(cut(body, at));
          const chunks = entries.slice(0, -1);
          expect(Buffer.concat(chunks.map((e) => e.text)).equals(text)).toBe(true);
          expect(chunks.map((e) => e.terminated)).toEqual(chunks.map((_, i) => i === chunks.length - 1));
          expect(entries.at(-1)!.text.toString()).toBe('next');
        },
      ),
      { numRuns: 40 },
    );
  });

  test('a chunk that grew, because bytes were replaced by U+FFFD, is still found', () => {
    const prefix = `${STAMP} `;
    const grown = '\uFFFD'.repeat(CHUNK_BYTES);
    const entries = parse([Buffer.from(`${prefix}${grown}${prefix}rest\r\n`)]);
    expect(entries.map((e) => e.text.toString())).toEqual([grown, 'rest']);
  });

  test('the last words of a process have no newline', () => {
    expect(
      parse([Buffer.from(`${STAMP} a\r\n${STAMP} $ `)]).map((e) => [e.text.toString(), e.terminated]),
    ).toEqual([
      ['a', true],
      ['$ ', false],
    ]);
  });

  test('a restarted process goes on right behind the last words of the one before', () => {
    const later = '2026-01-02T03:04:09.000000000Z';
    const entries = parse([Buffer.from(`${STAMP} last${later} first\r\n`)]);
    expect(entries.map((e) => [e.text.toString(), e.terminated, formatStamp(e.stamp)])).toEqual([
      ['last', false, STAMP],
      ['first', true, later],
    ]);
  });

  test('a stamp that the application printed itself is text', () => {
    const own = `2026-01-02T03:04:04.999999999Z INFO ready`;
    expect(parse([Buffer.from(`${STAMP} ${own}\r\n`)]).map((e) => e.text.toString())).toEqual([own]);
  });

  test("with the daemon's zone offset", () => {
    const prefix = '2026-01-02T05:04:05.000000007+02:00 ';
    const text = 'a'.repeat(CHUNK_BYTES);
    const entries = parse([Buffer.from(`${prefix}${text}${prefix}b\r\n${prefix}c\r\n`)]);
    expect(entries.map((e) => e.text.toString())).toEqual([text, 'b', 'c']);
    expect(formatStamp(entries[0]!.stamp)).toBe('2026-01-02T03:04:05.000000007Z');
  });

  describe.each(['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.1234-08:00', '2026-01-02T03:04:05.12Z'])(
    'with stamps such as %s',
    (stamp) => {
      test('lines come out as written, wherever the body is cut', () => {
        const body = Buffer.from(`${stamp} a\r\n${stamp} \r\n${stamp} b c\r\n`);
        for (let at = 0; at < body.length; at++) {
          expect(parse(cut(body, [at])).map((e) => e.text.toString())).toEqual(['a', '', 'b c']);
        }
      });

      test('a stamp in the text is the application’s, also a later one and far on in the line', () => {
        for (const own of [stamp, '2027-01-01T00:00:00Z', '2027-01-01T00:00:00.123456789Z']) {
          for (const length of [0, 8192, CHUNK_BYTES, 3 * CHUNK_BYTES]) {
            const text = `${'x'.repeat(length)}${own} is when it ends`;
            expect(parse([Buffer.from(`${stamp} ${text}\r\n`)]).map((e) => e.text.toString())).toEqual([
              text,
            ]);
          }
        }
      });
    },
  );

  test('a later stamp of fewer digits, which the application printed, is text', () => {
    for (const own of [
      '2027-01-01T00:00:00Z',
      '2027-01-01T00:00:00.123456Z',
      '2027-01-01T00:00:00Z 45678Z',
    ]) {
      const text = `expires ${own} at the latest`;
      expect(parse([Buffer.from(`${STAMP} ${text}\r\n`)]).map((e) => e.text.toString())).toEqual([text]);
    }
  });

  test("the daemon's own error is plain text", () => {
    expect(() => parse([Buffer.from(`${STAMP} a\r\nError grabbing logs: unexpected EOF\n`)])).toThrow(
      expect.objectContaining({ fault: 'daemon_error', message: expect.stringContaining('unexpected EOF') }),
    );
  });

  test('also right behind a chunk whose line has more to come', () => {
    const collected = new Collected();
    const parser = new TtyParser(collected, 1024 * 1024);
    const chunk = 'x'.repeat(CHUNK_BYTES);
    expect(() => parser.push(Buffer.from(`${STAMP} ${chunk}Error grabbing logs: unexpected EOF\n`))).toThrow(
      expect.objectContaining({ fault: 'daemon_error', message: expect.stringContaining('unexpected EOF') }),
    );
    expect(collected.entries).toMatchObject([{ text: Buffer.from(chunk), terminated: false }]);
  });

  test('but in a line it is text', () => {
    const text = `${'x'.repeat(CHUNK_BYTES - 30)}Error grabbing logs: it says`;
    expect(parse([Buffer.from(`${STAMP} ${text}\r\n`)]).map((entry) => entry.text.toString())).toEqual([
      text,
    ]);
  });

  test.each([5, 15, 25, 29])('a body that ends %i bytes into a stamp is truncated', (length) => {
    const body = Buffer.from(`${STAMP} a\r\n${STAMP.slice(0, length)}`);
    expect(() => parse([body])).toThrow(expect.objectContaining({ fault: 'truncated' }));
  });

  test('an endless line is cut off at the bound', () => {
    const piece = Buffer.alloc(4096, 0x61);
    const parser = new TtyParser(new Collected(), 64 * 1024);
    parser.push(Buffer.from(`${STAMP} `));
    expect(() => {
      for (let i = 0; i < 1000; i++) parser.push(piece);
    }).toThrow(expect.objectContaining({ fault: 'too_large' }));
  });

  test('any bytes: entries or a typed error', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (pieces) => {
        try {
          parse(pieces.map((piece) => Buffer.from(piece)));
        } catch (error) {
          expect(error).toBeInstanceOf(LogBodyError);
        }
      }),
    );
  });
});
