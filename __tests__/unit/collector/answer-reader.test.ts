import fc from 'fast-check';
import { AnchorMatcher } from '../../../src/collector/anchor.js';
import { AnchorRing } from '../../../src/collector/anchor-ring.js';
import { AnswerReader, type NewEntries } from '../../../src/collector/answer-reader.js';
import type { AnchorEntry } from '../../../src/model/cursor.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';

const T = 1_700_000_000n * NS_PER_SECOND;

interface Entry {
  readonly stream: 1 | 2;
  readonly stamp: bigint;
  readonly text: string;
}
const entry = (n: number): Entry => ({ stream: 1, stamp: T + BigInt(n) * NS_PER_SECOND, text: `line ${n}` });
const entries = (from: number, to: number): Entry[] =>
  Array.from({ length: to - from }, (_, n) => entry(from + n));

/** Writes down what is called, in order. */
class Calls implements NewEntries {
  readonly calls: string[] = [];
  begin(): void {
    this.calls.push('begin');
  }
  before(seconds: number): void {
    this.calls.push(`before ${seconds - Number(T / NS_PER_SECOND)}`);
  }
  entry(
    stream: 1 | 2,
    _s: number,
    _n: number,
    source: Buffer,
    start: number,
    end: number,
    whole: boolean,
  ): void {
    this.calls.push(`${stream} ${source.toString('latin1', start, end)}${whole ? '' : ' …'}`);
  }
  after(): void {
    this.calls.push('after');
  }
}

function read(anchor: readonly AnchorEntry[], answer: readonly Entry[], watchFor?: bigint) {
  const next = new Calls();
  const ring = new AnchorRing(4, anchor);
  const reader = new AnswerReader(new AnchorMatcher(anchor), ring, next, watchFor);
  for (const { stream, stamp, text } of answer) {
    const bytes = Buffer.from(text, 'latin1');
    const [seconds, nanos] = [Number(stamp / NS_PER_SECOND), Number(stamp % NS_PER_SECOND)];
    reader.entry(stream, seconds, nanos, bytes, 0, bytes.length, true);
  }
  reader.finish();
  return { reader, next, anchor: ring.anchor() };
}
const texts = (calls: readonly string[]): string[] => calls.filter((call) => /^\d /.test(call));

describe('an answer, split at the anchor', () => {
  test('what stands behind it is new, each entry between a before and an after', () => {
    const { anchor } = read([], entries(0, 3));
    const { reader, next } = read(anchor, entries(0, 5));
    expect(next.calls).toEqual(['begin', 'before 3', '1 line 3', 'after', 'before 4', '1 line 4', 'after']);
    expect([reader.found, reader.entries, reader.reread, reader.fresh]).toEqual([true, 5, 3, 2]);
  });

  test('at the beginning of a log all is new', () => {
    const { reader, next } = read([], entries(0, 2));
    expect(texts(next.calls)).toEqual(['1 line 0', '1 line 1']);
    expect([reader.found, reader.reread]).toEqual([true, 0]);
  });

  test('nothing new: what the cursor carries is handed on all the same, once', () => {
    const { anchor } = read([], entries(0, 3));
    const { reader, next } = read(anchor, entries(0, 3));
    expect(next.calls).toEqual(['begin']);
    reader.finish();
    expect(next.calls).toEqual(['begin']);
    expect(read([], []).next.calls).toEqual(['begin']);
  });

  test('without the anchor nothing is handed on', () => {
    const { anchor } = read([], entries(0, 3));
    const { reader, next, anchor: after } = read(anchor, entries(10, 15));
    expect(next.calls).toEqual([]);
    expect([reader.found, reader.entries, reader.reread]).toEqual([false, 5, 5]);
    expect(after).toEqual(anchor);
    expect(read(anchor, []).reader.found).toBe(false);
  });

  test('a stamp that is watched for is seen wherever it stands, to the nanosecond', () => {
    const { anchor } = read([], entries(0, 3));
    const saw = (watchFor: bigint): boolean => read(anchor, entries(0, 5), watchFor).reader.sawWatched;
    expect([saw(T), saw(entry(4).stamp), saw(entry(4).stamp + 1n), saw(T - 1n)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(read(anchor, entries(0, 5)).reader.sawWatched).toBe(false);
  });
});

test('any log, read in any steps: no entry is left out, none is new twice but one that has an equal', () => {
  // Few texts, stamps and streams: many entries are equal. The text tells the stamp.
  const anyEntry = fc
    .record({
      stream: fc.constantFrom(1 as const, 2 as const),
      ns: fc.bigInt({ min: 0n, max: 5n }),
      text: fc.constantFrom('a', 'b', ''),
    })
    .map(({ stream, ns, text }) => ({ stream, stamp: T + ns, text: `${ns}${text}` }));
  let exact = 0;
  fc.assert(
    fc.property(
      fc.array(anyEntry, { maxLength: 60, size: 'max' }),
      fc.array(fc.nat(60), { maxLength: 6 }),
      (log, cuts) => {
        const places = [...cuts.map((cut) => Math.min(cut, log.length)), log.length].sort((a, b) => a - b);
        const handed: string[] = [];
        let anchor: readonly AnchorEntry[] = [];
        for (const place of places) {
          const step = read(anchor, log.slice(0, place));
          expect(step.reader.found).toBe(true);
          expect(step.reader.fresh).toBe(texts(step.next.calls).length);
          handed.push(...texts(step.next.calls));
          anchor = step.anchor;
        }
        const written = log.map(({ stream, text }) => `${stream} ${text}`);
        // What Loki keeps of it: equal ones of one stamp are one.
        expect(new Set(handed)).toEqual(new Set(written));
        if (new Set(written).size < written.length) return;
        exact++;
        expect(handed).toEqual(written);
      },
    ),
    { numRuns: 300 },
  );
  expect(exact).toBeGreaterThan(10);
});
