import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { LineAssembler, type LineSink } from '../../../src/collector/line-assembler.js';
import { MovedStamps, type EqualStamps } from '../../../src/collector/moved-stamps.js';
import { heldBackAtEnd } from '../../../src/collector/open-text.js';
import { decodeCursor, encodeCursor } from '../../../src/cursors/codec.js';
import type { Cursor } from '../../../src/model/cursor.js';
import type { LinePiece } from '../../../src/model/line-piece.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { sentBytes } from '../../../src/model/utf8.js';
import { cursorOf } from '../../support/any-cursor.js';
import { runs } from '../../support/effort.js';

/** At the end of a second, so that pieces are carried over into the next. */
const T = 1_700_000_000n * NS_PER_SECOND - 3n;

interface Delivered {
  readonly stream: 1 | 2;
  readonly stamp: bigint;
  readonly text: Buffer;
  readonly piece: LinePiece | undefined;
}

class Lines implements LineSink {
  readonly lines: Delivered[] = [];
  line(
    stream: 1 | 2,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    piece?: LinePiece,
  ): void {
    const stamp = BigInt(seconds) * NS_PER_SECOND + BigInt(nanos);
    this.lines.push({ stream, stamp, text: Buffer.from(source.subarray(start, end)), piece });
  }
}

interface Rules {
  readonly max: number;
  readonly sentAsText?: boolean;
  readonly tty?: boolean;
  readonly equalStamps?: EqualStamps;
}

interface Entry {
  readonly stream: 1 | 2;
  readonly stamp: bigint;
  readonly text: Buffer;
  readonly terminated: boolean;
}

type Place = Pick<Cursor, 'open' | 'moved'>;
const NOTHING: Place = { open: [], moved: {} };

/** Delivers entries behind a place; returns what was delivered, and the place behind them. */
function deliver(
  entries: readonly Entry[],
  rules: Rules,
  from: Place = NOTHING,
  ended = false,
): { lines: Delivered[]; place: Place } {
  const out = new Lines();
  const stamps = new MovedStamps(out, from.moved, rules.equalStamps ?? 'keep');
  const machine = new LineAssembler(stamps, {
    maxLineBytes: rules.max,
    sentAsText: rules.sentAsText === true,
    chunksShareStamp: true,
    tty: rules.tty === true,
  });
  machine.resume(from.open);
  for (const { stream, stamp, text, terminated } of entries) {
    const [seconds, nanos] = [Number(stamp / NS_PER_SECOND), Number(stamp % NS_PER_SECOND)];
    machine.entry(stream, seconds, nanos, text, 0, text.length, terminated);
  }
  if (ended) machine.closeAll();
  return { lines: out.lines, place: { open: machine.openLines(), moved: stamps.moved() } };
}

const whole = (text: string | Buffer, stamp = T, stream: 1 | 2 = 1): Entry => ({
  stream,
  stamp,
  text: Buffer.from(text as string),
  terminated: true,
});

const shown = (lines: readonly Delivered[]) =>
  lines.map(({ stamp, text, piece }) => [
    stamp - T,
    text.toString('utf8'),
    ...(piece === undefined ? [] : [`${piece.number}/${piece.count ?? '?'}`]),
  ]);

describe('the pieces of a long line', () => {
  test('of equal text have timestamps of their own, 1 ns apart, and say what they are', () => {
    const { lines } = deliver([whole('aaaabbbbaa')], { max: 4 });
    expect(shown(lines)).toEqual([
      [0n, 'aaaa', '1/?'],
      [1n, 'bbbb', '2/?'],
      [2n, 'aa', '3/3'],
    ]);
    expect(lines.map(({ piece }) => piece?.lineId)).toEqual([T, T, T]);
  });

  test('take timestamps that no following line gets, whether equal ones are moved or not', () => {
    for (const equalStamps of ['keep', 'shift'] as const) {
      const entries = [
        whole('aaaaaaaa'),
        whole('aaaa'),
        whole('aaaa', T + 1n),
        whole('aaaaa', T + 2n),
        whole('far', T + 50n),
      ];
      expect(shown(deliver(entries, { max: 4, equalStamps }).lines)).toEqual([
        [0n, 'aaaa', '1/?'],
        [1n, 'aaaa', '2/2'],
        [2n, 'aaaa'],
        [3n, 'aaaa'],
        [4n, 'aaaa', '1/?'],
        [5n, 'a', '2/2'],
        [50n, 'far'],
      ]);
    }
  });

  test('lines that are not long keep equal timestamps, unless they are to be moved', () => {
    const entries = [whole('same'), whole('same'), whole('other', T + 1n)];
    expect(shown(deliver(entries, { max: 4 + 1 }).lines)).toEqual([
      [0n, 'same'],
      [0n, 'same'],
      [1n, 'other'],
    ]);
  });

  test('are cut between characters; what is no character is cut somewhere', () => {
    const { lines } = deliver([whole('a€€€')], { max: 6 });
    expect(shown(lines).map(([, text]) => text)).toEqual(['a€', '€€']);
    const broken = Buffer.from('8080808080808080', 'hex');
    expect(deliver([whole(broken)], { max: 3 }).lines.map(({ text }) => text.length)).toEqual([3, 3, 2]);
  });

  test('sent as text are no longer than the bound as they are sent', () => {
    const broken = Buffer.from('8080418080', 'hex');
    const { lines } = deliver([whole(broken)], { max: 7, sentAsText: true });
    expect(lines.map(({ text }) => text.toString('hex'))).toEqual(['808041', '8080']);
    expect(deliver([whole(broken)], { max: 7 }).lines).toHaveLength(1);
  });

  test('of a line that stayed open too long go on with their numbers, until it ends', () => {
    const chunk = (text: string): Entry => ({ ...whole(text), terminated: false });
    const held = deliver([chunk('90%')], { max: 8 }).place;
    const cut = { ...held, open: held.open.map((line) => ({ ...line, cut: true })) };
    const first = deliver([], { max: 8 }, cut);
    expect(shown(first.lines)).toEqual([[0n, '90%', '1/?']]);
    const second = deliver([chunk('99%'), whole('100%'), whole('next', T + 9n)], { max: 8 }, first.place);
    expect(shown(second.lines)).toEqual([
      [1n, '99%100%', '2/2'],
      [9n, 'next'],
    ]);
    // The line ended without another byte.
    expect(shown(deliver([whole('')], { max: 8 }, first.place).lines)).toEqual([]);
  });

  test('of a TTY never have the return of the newline, wherever the line is cut', () => {
    const chunk = (text: string): Entry => ({ ...whole(text), terminated: false });
    const tty = { max: 4, tty: true };
    expect(shown(deliver([chunk('abcd\r'), whole('')], tty).lines)).toEqual([[0n, 'abcd']]);
    const { place } = deliver([chunk('ab\r')], tty);
    const cut = { ...place, open: place.open.map((line) => ({ ...line, cut: true })) };
    const first = deliver([], tty, cut);
    expect(shown(first.lines)).toEqual([[0n, 'ab', '1/?']]);
    expect(shown(deliver([whole('')], tty, first.place).lines)).toEqual([]);
    expect(shown(deliver([whole('c')], tty, first.place).lines)).toEqual([[1n, '\rc', '2/2']]);
  });

  test('behind a gap in the middle of the line do not say how many there are', () => {
    const out = new Lines();
    const machine = new LineAssembler(new MovedStamps(out, {}, 'keep'), {
      maxLineBytes: 4,
      chunksShareStamp: true,
      tty: false,
    });
    machine.entry(
      1,
      Number(T / NS_PER_SECOND),
      Number(T % NS_PER_SECOND),
      Buffer.from('abcdef'),
      0,
      6,
      false,
    );
    machine.closeAll(false);
    expect(shown(out.lines)).toEqual([
      [0n, 'abcd', '1/?'],
      [1n, 'ef', '2/?'],
    ]);
  });
});

test('a cursor of a build that did not number pieces is taken up: what it holds is a line', () => {
  const open = [{ stream: 'stdout' as const, stamp: T, text: Buffer.from('aaaaaa'), cut: false }];
  expect(shown(deliver([whole('b')], { max: 8 }, { open, moved: {} }).lines)).toEqual([[0n, 'aaaaaab']]);
  // With a lower bound than it was written by.
  expect(shown(deliver([whole('b')], { max: 4 }, { open, moved: {} }).lines)).toEqual([
    [0n, 'aaaa', '1/?'],
    [1n, 'aab', '2/2'],
  ]);
});

/** Text, bytes that are none, and equal ones. */
const anyText = fc.oneof(
  fc.constantFrom('', 'a', 'aaaa', 'aaaaaaaaaaaa', 'é€😀', '€€€€€€').map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom('e2', 'e282', 'f09f', '0d', '80').map((hex) => Buffer.from(hex, 'hex')),
);

/** Lines as a copier has them: each in chunks that are cut anywhere, also in characters. */
const anyLog = fc
  .array(
    fc.record({
      stream: fc.constantFrom(1 as const, 2 as const),
      advance: fc.constantFrom(0n, 0n, 1n, 2n, 5n, 1000n),
      chunks: fc.array(anyText, { minLength: 1, maxLength: 4 }),
      terminated: fc.constantFrom(true, true, true, false),
    }),
    { maxLength: 12 },
  )
  .map((lines) => {
    const stamps = { 1: T, 2: T };
    const unterminated = { 1: false, 2: false };
    const entries: Entry[] = [];
    const written: { stream: 1 | 2; text: Buffer }[] = [];
    for (const { stream, advance, chunks, terminated } of lines) {
      // After a line without newline the next one has another stamp.
      stamps[stream] += unterminated[stream] && advance === 0n ? 1n : advance;
      unterminated[stream] = !terminated;
      chunks.forEach((text, i) =>
        entries.push({
          stream,
          stamp: stamps[stream],
          text,
          terminated: terminated && i === chunks.length - 1,
        }),
      );
      written.push({ stream, text: Buffer.concat(chunks) });
    }
    return { entries, written };
  });

const anyRules = fc.record({
  max: fc.integer({ min: 4, max: 24 }),
  sentAsText: fc.boolean(),
  tty: fc.constant(false),
  equalStamps: fc.constantFrom('keep' as const, 'shift' as const),
});

/** Where polls end, as parts of the log, and whether the lines that are open there have been so for too long. */
const anyPolls = fc.array(fc.record({ at: fc.nat({ max: 100 }), tooLong: fc.boolean() }), { maxLength: 6 });

test('any lines, any bounds, any polls, and cuts by age: pieces join to the lines, and a replay is the same', () => {
  let pieces = 0;
  fc.assert(
    fc.property(anyLog, anyRules, anyPolls, ({ entries, written }, rules, polls) => {
      const borders = polls
        .map(({ at, tooLong }) => ({ at: Math.round((at / 100) * entries.length), tooLong }))
        .sort((a, b) => a.at - b.at);
      const lines: Delivered[] = [];
      let place: Place = NOTHING;
      let from = 0;
      for (const { at, tooLong } of [...borders, { at: entries.length, tooLong: false }]) {
        const part = deliver(entries.slice(from, at), rules, place);
        // After a crash the same is read again, and perhaps further; all of it is delivered as before.
        const further = deliver(entries.slice(from), rules, place);
        expect(further.lines.slice(0, part.lines.length)).toEqual(part.lines);
        lines.push(...part.lines);
        place = part.place;
        from = at;
        if (tooLong) {
          const isDue = (text: Uint8Array): boolean => text.length > heldBackAtEnd(text, false);
          place = { ...place, open: place.open.map((line) => ({ ...line, cut: isDue(line.text) })) };
        }
        place = decodeCursor(Buffer.from(encodeCursor({ ...cursorOf(1, 1), ...place })));
      }
      lines.push(...deliver([], rules, place, true).lines);

      const joined: { stream: 1 | 2; text: Buffer }[] = [];
      const stamps = new Set<string>();
      for (const stream of [1, 2] as const) {
        let open: Delivered[] = [];
        for (const line of lines.filter((each) => each.stream === stream)) {
          const { piece, stamp, text } = line;
          expect(piece === undefined || text.length > 0).toBe(true);
          expect(sentBytes(text, 0, text.length, rules.sentAsText)).toBeLessThanOrEqual(rules.max);
          if (piece === undefined || piece.number === 1) open = [];
          open.push(line);
          if (piece === undefined) {
            joined.push({ stream, text });
            continue;
          }
          pieces++;
          expect(piece.number).toBe(open.length);
          expect(stamp).toBe(piece.lineId + BigInt(piece.number - 1));
          expect(piece.count === undefined || piece.count === piece.number).toBe(true);
          // No two pieces, and no piece and a line, share a timestamp.
          expect(stamps.has(`${stream} ${stamp}`)).toBe(false);
          stamps.add(`${stream} ${stamp}`);
          if (piece.number > 1) joined.pop();
          joined.push({ stream, text: Buffer.concat(open.map((each) => each.text)) });
          const all = joined.at(-1)!.text;
          if (isUtf8(all)) expect(open.every((each) => isUtf8(each.text))).toBe(true);
        }
      }
      for (const stream of [1, 2] as const) {
        const texts = (of: readonly { stream: 1 | 2; text: Buffer }[]) =>
          of.filter((each) => each.stream === stream).map(({ text }) => text.toString('hex'));
        expect(texts(joined)).toEqual(texts(written));
      }
    }),
    { numRuns: runs(1000) },
  );
  expect(pieces).toBeGreaterThan(1000);
});
