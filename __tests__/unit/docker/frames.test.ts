import fc from 'fast-check';
import { FrameParser } from '../../../src/docker/frames.js';
import { LogBodyError } from '../../../src/docker/log-errors.js';
import { parseStamp } from '../../../src/model/nanoseconds.js';
import { anyStamp, anyText, Collected, cut, frame, frameOf } from '../../support/wire.js';

const STAMP = '2026-01-02T03:04:05.000000007Z';

function parse(pieces: Buffer[], maxFrame = 1024 * 1024): Collected {
  const collected = new Collected();
  const parser = new FrameParser(collected, maxFrame);
  for (const piece of pieces) parser.push(piece);
  parser.end();
  return collected;
}

describe('multiplexed frames', () => {
  test('come out as they were written, wherever the body is cut', () => {
    const anyEntry = fc.record({
      stream: fc.constantFrom(1 as const, 2 as const),
      stamp: anyStamp,
      text: anyText,
      terminated: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 30 }), fc.array(fc.nat()), (entries, places) => {
        // Text that ends without newline must not end in one by chance: anyText has none.
        const body = Buffer.concat(entries.map(frameOf));
        expect(parse(cut(body, places)).entries).toEqual(entries);
      }),
    );
  });

  test('one byte at a time', () => {
    const body = Buffer.concat([
      frame(1, Buffer.from(`${STAMP} out\n`)),
      frame(2, Buffer.from(`${STAMP} \n`)),
      frame(1, Buffer.from(`${STAMP} end`)),
    ]);
    const { entries } = parse([...body].map((byte) => Buffer.from([byte])));
    expect(entries.map((e) => [e.stream, e.text.toString(), e.terminated])).toEqual([
      [1, 'out', true],
      [2, '', true],
      [1, 'end', false],
    ]);
  });

  test('a carriage return is part of a text without TTY', () => {
    expect(parse([frame(1, Buffer.from(`${STAMP} a\r\n`))]).entries[0]!.text.toString()).toBe('a\r');
  });

  test("the daemon's zone offset is taken off (driver local before 23.0.10)", () => {
    const body = frame(1, Buffer.from('2026-01-02T05:34:05.000000007+02:30 x\n'));
    expect(parse([body]).entries[0]!.stamp).toBe(parseStamp(STAMP));
  });

  test('the daemon’s own error inside the body is an error, and what came before is kept', () => {
    const collected = new Collected();
    const parser = new FrameParser(collected, 1024);
    const body = Buffer.concat([
      frame(1, Buffer.from(`${STAMP} good\n`)),
      frame(3, Buffer.from('error decoding log message: invalid character')),
    ]);
    expect(() => parser.push(body)).toThrow(/invalid character/);
    expect(collected.entries).toHaveLength(1);
  });

  test.each([
    ['a frame that claims 4 GiB', Buffer.from([1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]), 'too_large'],
    ['a header that is none', Buffer.from('HTTP/1.1 200'), 'malformed'],
    ['a stream type that does not exist', Buffer.from([4, 0, 0, 0, 0, 0, 0, 1, 0]), 'malformed'],
    ['a line without stamp: the words of a proxy', frame(1, Buffer.from('hello\n')), 'daemon_error'],
    ['the same on stderr', frame(2, Buffer.from('upstream gone\n')), 'daemon_error'],
    ['an entry of stdin', frame(0, Buffer.from(`${STAMP} x\n`)), 'malformed'],
    ['an empty frame', frame(1, Buffer.alloc(0)), 'daemon_error'],
    ['a body that ends inside a frame', frame(1, Buffer.from(`${STAMP} x\n`)).subarray(0, 30), 'truncated'],
    ['a body that ends inside a header', Buffer.from([1, 0, 0]), 'truncated'],
  ])('%s is a typed error', (_what, body, fault) => {
    expect(() => parse([body])).toThrow(expect.objectContaining({ name: 'LogBodyError', fault }));
  });

  test('any bytes: entries or a typed error', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (pieces) => {
        try {
          parse(pieces.map((piece) => Buffer.from(piece)));
        } catch (error) {
          expect(error).toBeInstanceOf(LogBodyError);
        }
      }),
    );
  });
});
