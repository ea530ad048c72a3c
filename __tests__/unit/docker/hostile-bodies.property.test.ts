import fc from 'fast-check';
import { LineAssembler } from '../../../src/collector/line-assembler.js';
import type { EntrySink } from '../../../src/docker/entry-sink.js';
import { FrameParser, type LogParser } from '../../../src/docker/frames.js';
import { LogBodyError } from '../../../src/docker/log-errors.js';
import { StampReader } from '../../../src/docker/stamp.js';
import { TtyParser } from '../../../src/docker/tty.js';
import { runs } from '../../support/effort.js';

const MAX = 300;
const HEADER = 8;
/** What is searched for the rest of a stamp. */
const PREFIX = 36;
const RUNS = { numRuns: runs(500) };

const anyText = fc.oneof(fc.string({ maxLength: 60 }), fc.constant('x'.repeat(200)), fc.constant('\r\n'));
const anyStamp = rarely(
  fc.constantFrom('2026-01-02T03:04:05.000000001Z ', '2026-01-02T03:04:05.000000002+02:00 '),
  fc.constantFrom('2026-01-02T03:04:05.00000000Z ', ''),
);

/** The one, and now and then the other. */
function rarely<T>(one: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 30, arbitrary: one }, { weight: 1, arbitrary: other });
}

function frame(stream: number, length: number | undefined, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER);
  header[0] = stream;
  header.writeUInt32BE(length ?? payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** Mostly as an Engine writes it; sometimes with another stream, or a length that is a lie. */
const anyFrame = fc
  .tuple(
    rarely(fc.constantFrom(1, 2), fc.nat(255)),
    rarely<number | undefined>(
      fc.constant(undefined),
      fc.constantFrom(0, 1, 299, 300, 301, 0x7fffffff, 0xffffffff),
    ),
    anyStamp,
    anyText,
  )
  .map(([stream, length, stamp, text]) => frame(stream, length, Buffer.from(`${stamp}${text}\n`)));

const anyLine = fc
  .tuple(anyStamp, anyText, fc.constantFrom('\r\n', '\n', ''))
  .map(([stamp, text, end]) => Buffer.from(`${stamp}${text}${end}`));

/** A body in pieces, some of its bytes changed. */
function anyBody(part: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer[]> {
  const change = fc.tuple(fc.nat(), fc.nat(255));
  const sizes = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 10 });
  return fc
    .tuple(
      fc.array(part, { maxLength: 20 }),
      fc.oneof(fc.constant([]), fc.array(change, { maxLength: 3 })),
      sizes,
    )
    .map(([parts, changes, lengths]) => {
      const body = Buffer.concat(parts);
      if (body.length > 0) for (const [at, byte] of changes) body[at % body.length] = byte;
      const pieces: Buffer[] = [];
      for (let at = 0, i = 0; at < body.length; i++) {
        const end = at + (lengths[i % lengths.length] as number);
        pieces.push(body.subarray(at, end));
        at = end;
      }
      return pieces;
    });
}

interface Parsed {
  readonly entries: number;
  /** Of their texts. */
  readonly bytes: number;
  readonly longest: number;
  /** Most bytes that came without an entry or an error. */
  readonly held: number;
}

/** Gives a parser a body. @throws whatever it throws that is no LogBodyError */
function parse(make: (sink: EntrySink) => LogParser, pieces: readonly Buffer[]): Parsed {
  let entries = 0;
  let bytes = 0;
  let longest = 0;
  let held = 0;
  let since = 0;
  const parser = make({
    entry: (_stream, _seconds, nanos, _source, start, end) => {
      entries++;
      bytes += end - start;
      longest = Math.max(longest, end - start);
      since = 0;
      expect(nanos).toBeLessThan(1e9);
    },
  });
  try {
    for (const piece of pieces) {
      since += piece.length;
      parser.push(piece);
      held = Math.max(held, since);
    }
    parser.end();
  } catch (error) {
    if (!(error instanceof LogBodyError)) throw error;
  }
  return { entries, bytes, longest, held };
}

const PIECE = 120;
const size = (pieces: readonly Buffer[]): number => pieces.reduce((sum, piece) => sum + piece.length, 0);

test('frames that lie: entries or a typed error, none longer than allowed, no more held than one', () => {
  let good = 0;
  fc.assert(
    fc.property(anyBody(anyFrame), (pieces) => {
      const { entries, bytes, longest, held } = parse((sink) => new FrameParser(sink, MAX), pieces);
      good += entries;
      expect(longest).toBeLessThanOrEqual(MAX);
      expect(bytes).toBeLessThanOrEqual(size(pieces));
      expect(held).toBeLessThanOrEqual(HEADER + MAX + PIECE);
    }),
    RUNS,
  );
  // Not all of it is refused at its first byte.
  expect(good).toBeGreaterThan(200);
});

test.each([true, false])('a TTY that lies (last words: %s): likewise', (lastWords) => {
  let good = 0;
  fc.assert(
    fc.property(anyBody(anyLine), (pieces) => {
      const made = (sink: EntrySink): LogParser => new TtyParser(sink, MAX, lastWords);
      const { entries, bytes, longest, held } = parse(made, pieces);
      good += entries;
      expect(longest).toBeLessThanOrEqual(MAX + PIECE);
      expect(bytes).toBeLessThanOrEqual(size(pieces));
      expect(held).toBeLessThanOrEqual(MAX + PREFIX + PIECE);
    }),
    RUNS,
  );
  expect(good).toBeGreaterThan(200);
});

test('a stamp out of any bytes: one within the entry, or none', () => {
  const anyBytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.tuple(anyStamp, fc.nat(40), fc.nat(255)).map(([stamp, at, byte]) => {
      const source = Buffer.from(`${stamp}text`);
      source[at % source.length] = byte;
      return source;
    }),
  );
  const reader = new StampReader();
  fc.assert(
    fc.property(anyBytes, fc.nat(60), fc.nat(60), (source, a, b) => {
      const start = Math.min(a, b, source.length);
      const end = Math.min(Math.max(a, b), source.length);
      const next = reader.read(source, start, end);
      if (next < 0) return;
      expect(next).toBeGreaterThan(start);
      expect(next).toBeLessThanOrEqual(end);
      expect(reader.seconds).toBeGreaterThanOrEqual(0);
      expect(reader.nanos).toBeLessThan(1e9);
    }),
    { numRuns: runs(2000) },
  );
});

test('any entries, put together: no byte is made up or lost, none held beyond the allowed length, no endless line', () => {
  const anyEntry = fc.record({
    stream: fc.constantFrom(1 as const, 2 as const),
    nanos: fc.nat({ max: 2 }),
    text: fc.oneof(
      fc.constantFrom('', '\r', 'a'),
      fc.constant('x'.repeat(100)),
      fc.constant('y'.repeat(16_384)),
    ),
    terminated: fc.boolean(),
  });
  const anyMax = fc.integer({ min: 1, max: 20_000 });
  fc.assert(
    fc.property(
      fc.array(anyEntry, { maxLength: 40 }),
      anyMax,
      fc.boolean(),
      fc.boolean(),
      (entries, max, shared, tty) => {
        let out = 0;
        let longest = 0;
        let returns = 0;
        const lines = {
          line: (
            _stream: 1 | 2,
            _seconds: number,
            _nanos: number,
            _source: Buffer,
            start: number,
            end: number,
          ): void => {
            out += end - start;
            longest = Math.max(longest, end - start);
          },
        };
        const sink = {
          lines,
          wholeSeconds: lines,
          piece: (_stream: 1 | 2, _line: unknown, text: Buffer): bigint => {
            out += text.length;
            longest = Math.max(longest, text.length);
            return 7_000_000_000n;
          },
        };
        const assembler = new LineAssembler(sink, { maxLineBytes: max, chunksShareStamp: shared, tty });
        let into = 0;
        for (const { stream, nanos, text, terminated } of entries) {
          into += text.length;
          if (text === '\r') returns++;
          assembler.entry(stream, 7, nanos, Buffer.from(text), 0, text.length, terminated);
          // One `\r` more, as long as it is not known whether it is a part of the line.
          for (const open of assembler.openLines()) expect(open.text.length).toBeLessThanOrEqual(max + 1);
        }
        assembler.closeAll();
        expect(assembler.openLines()).toEqual([]);
        expect(longest).toBeLessThanOrEqual(max);
        // Only the return of a terminal is taken off.
        expect(out).toBeLessThanOrEqual(into);
        expect(out).toBeGreaterThanOrEqual(into - (tty ? returns : 0));
      },
    ),
    RUNS,
  );
});
