import fc from 'fast-check';
import { LineAssembler, type LineSink } from '../../../src/collector/line-assembler.js';
import { MovedStamps } from '../../../src/collector/moved-stamps.js';
import type { Cursor, OpenLine } from '../../../src/model/cursor.js';
import { runs } from '../../support/effort.js';

class Lines implements LineSink {
  readonly lines: [1 | 2, number, string][] = [];
  line(stream: 1 | 2, _seconds: number, nanos: number, source: Buffer, start: number, end: number): void {
    this.lines.push([stream, nanos, source.toString('latin1', start, end)]);
  }
}

function assembler(maxLineBytes = 100, chunksShareStamp = true, tty = false, moved: Cursor['moved'] = {}) {
  const out = new Lines();
  const stamps = new MovedStamps(out, moved, 'keep');
  const machine = new LineAssembler(stamps, { maxLineBytes, chunksShareStamp, tty });
  const feed = (stream: 1 | 2, nanos: number, text: string, terminated: boolean) =>
    machine.entry(stream, 100, nanos, Buffer.from(text, 'latin1'), 0, text.length, terminated);
  return { out, machine, stamps, feed };
}

describe('lines from chunks', () => {
  test('an unterminated entry goes on in the next of the same stream and stamp', () => {
    const { out, feed } = assembler();
    feed(1, 1, 'aaa', false);
    feed(2, 2, 'err', true);
    feed(1, 1, 'bbb', false);
    feed(1, 1, '', true);
    expect(out.lines).toEqual([
      [2, 2, 'err'],
      [1, 1, 'aaabbb'],
    ]);
  });

  test('another stamp ends the line (Engine 20.10, driver local)', () => {
    const { out, feed } = assembler();
    feed(1, 1, 'aaa', false);
    feed(1, 1, 'bbb', false);
    feed(1, 2, 'next', true);
    expect(out.lines).toEqual([
      [1, 1, 'aaabbb'],
      [1, 2, 'next'],
    ]);
  });

  test('of a TTY the newline’s \\r may be the last byte of the chunk before', () => {
    const { out, feed } = assembler(100, true, true);
    feed(1, 1, 'aaa\r', false);
    feed(1, 1, '', true);
    // Here the parser took it off: what is left was written so.
    feed(1, 2, 'bbb', false);
    feed(1, 2, 'ccc\r', true);
    expect(out.lines).toEqual([
      [1, 1, 'aaa'],
      [1, 2, 'bbbccc\r'],
    ]);
    const frames = assembler();
    frames.feed(1, 1, 'aaa\r', false);
    frames.feed(1, 1, '', true);
    expect(frames.out.lines).toEqual([[1, 1, 'aaa\r']]);
  });

  test('of a TTY a long line without newline has the \\r at its end all the same (20.10, local)', () => {
    const { out, feed } = assembler(100_000, true, true);
    const long = 'x'.repeat(16384);
    feed(1, 1, long, false);
    feed(1, 1, 'end\r', false);
    feed(1, 2, `${long.slice(1)}\r`, false);
    feed(1, 2, '', false);
    // Short last words, such as of a progress bar, stay as they are.
    feed(1, 3, '90%\r', false);
    feed(1, 4, 'next', true);
    expect(out.lines).toEqual([
      [1, 1, `${long}end`],
      [1, 2, long.slice(1)],
      [1, 3, '90%\r'],
      [1, 4, 'next'],
    ]);
  });

  test('chunks of journald have stamps of their own; the line has its first', () => {
    const { out, feed } = assembler(100_000, false);
    const full = 'a'.repeat(16384);
    feed(1, 1, full, false);
    feed(1, 5, 'bbb', true);
    expect(out.lines).toEqual([[1, 1, `${full}bbb`]]);
  });

  test('in journald the last words of one run do not go on in the next one’s first line', () => {
    const { out, machine, feed } = assembler(100_000, false);
    const full = 'a'.repeat(16384);
    feed(1, 1, 'last words', false);
    feed(1, 2, 'first line', true);
    feed(1, 3, full, false);
    feed(1, 4, 'last words', false);
    expect(machine.openLines()).toEqual([]);
    feed(1, 5, 'first line', true);
    expect(out.lines).toEqual([
      [1, 1, 'last words'],
      [1, 2, 'first line'],
      [1, 3, `${full}last words`],
      [1, 5, 'first line'],
    ]);
  });

  test('the end of the process ends its lines', () => {
    const { out, machine, feed } = assembler();
    feed(1, 1, 'last words', false);
    expect(out.lines).toEqual([]);
    machine.closeAll();
    expect(out.lines).toEqual([[1, 1, 'last words']]);
    expect(machine.openLines()).toEqual([]);
  });

  test('a line decided to be cut comes at once, and what follows is its next piece', () => {
    const { out, machine, feed } = assembler();
    machine.resume([{ stream: 'stdout', stamp: 100_000_000_001n, text: Buffer.from('old'), cut: true }]);
    feed(1, 1, 'late', true);
    expect(out.lines).toEqual([
      [1, 1, 'old'],
      [1, 2, 'late'],
    ]);
  });

  test('a line over the bound is handed on in several, none empty, nothing lost', () => {
    const chunks = fc.array(fc.string({ maxLength: 40 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(chunks, fc.integer({ min: 1, max: 30 }), (parts, max) => {
        const { out, feed } = assembler(max);
        const text = parts.map((part) => part.replace(/[^\x20-\x7e]/g, '?'));
        text.forEach((part, i) => feed(1, 1, part, i === text.length - 1));
        const got = out.lines.map(([, , line]) => line);
        expect(got.join('')).toBe(text.join(''));
        expect(got.every((line) => line.length <= max)).toBe(true);
        if (got.length > 1) expect(got.every((line) => line.length > 0)).toBe(true);
        expect(got.length).toBeGreaterThan(0);
      }),
    );
  });

  test('a carry through the cursor at any place changes nothing', () => {
    const anyEntry = fc.record({
      stream: fc.constantFrom(1 as const, 2 as const),
      nanos: fc.nat({ max: 3 }),
      text: fc.constantFrom('', 'a', 'bcd', 'efghijkl'),
      terminated: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(anyEntry, { maxLength: 30 }),
        fc.nat(),
        fc.integer({ min: 2, max: 20 }),
        (entries, place, max) => {
          const at = place % (entries.length + 1);
          const straight = assembler(max);
          for (const e of entries) straight.feed(e.stream, e.nanos, e.text, e.terminated);
          const first = assembler(max);
          for (const e of entries.slice(0, at)) first.feed(e.stream, e.nanos, e.text, e.terminated);
          const carried: OpenLine[] = first.machine.openLines();
          const second = assembler(max, true, false, first.stamps.moved());
          second.machine.resume(carried);
          for (const e of entries.slice(at)) second.feed(e.stream, e.nanos, e.text, e.terminated);
          straight.machine.closeAll();
          second.machine.closeAll();
          expect([...first.out.lines, ...second.out.lines]).toEqual(straight.out.lines);
        },
      ),
      { numRuns: runs(300) },
    );
  });
});
