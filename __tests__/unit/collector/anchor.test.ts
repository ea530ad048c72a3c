import fc from 'fast-check';
import { AnchorMatcher, type Place } from '../../../src/collector/anchor.js';
import { AnchorRing } from '../../../src/collector/anchor-ring.js';
import { Repeats } from '../../../src/collector/fingerprint.js';
import type { AnchorEntry, OpenLine } from '../../../src/model/cursor.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { runs } from '../../support/effort.js';

interface Entry {
  stream: 1 | 2;
  stamp: number;
  text: string;
}

const entry = (text: string, stamp = 1, stream: 1 | 2 = 1): Entry => ({ stream, stamp, text });

function anchorOf(entries: Entry[], size = 32, earlier: AnchorEntry[] = []): AnchorEntry[] {
  const ring = new AnchorRing(size, earlier);
  const repeats = new Repeats();
  for (const e of entries) {
    const bytes = Buffer.from(e.text);
    const repeat = repeats.next(e.stream, 100, e.stamp, bytes, 0, bytes.length);
    ring.add(e.stream, 100, e.stamp, bytes, 0, bytes.length, repeat);
  }
  return ring.anchor();
}

function places(
  anchor: AnchorEntry[],
  answer: Entry[],
  acceptsPart = false,
  open?: OpenLine[],
): { places: Place[]; found: boolean } {
  const window = open && { open };
  const matcher = new AnchorMatcher(anchor, { acceptsPart, window });
  const repeats = new Repeats();
  const seen = answer.map((e) => {
    const bytes = Buffer.from(e.text);
    const repeat = repeats.next(e.stream, 100, e.stamp, bytes, 0, bytes.length);
    return matcher.place(e.stream, 100, e.stamp, bytes, 0, bytes.length, repeat);
  });
  return { places: seen, found: matcher.found };
}

describe('the anchor', () => {
  const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((text, i) => entry(text, i)) as [
    Entry,
    Entry,
    Entry,
    Entry,
    Entry,
  ];

  test('what stands behind it is new, what stands before was delivered', () => {
    expect(places(anchorOf([b, c]), [a, b, c, d, e]).places).toEqual([
      'unknown',
      'anchor',
      'anchor',
      'new',
      'new',
    ]);
  });

  test('an entry stamped before the anchor but standing behind it is new', () => {
    expect(places(anchorOf([b, c]), [b, c, a]).places).toEqual(['anchor', 'anchor', 'new']);
  });

  test('an answer that begins inside it is continuous', () => {
    expect(places(anchorOf([a, b, c]), [c, d])).toEqual({ places: ['anchor', 'new'], found: true });
  });

  test('not in the answer: nothing is decided', () => {
    expect(places(anchorOf([a, b]), [c, d])).toEqual({ places: ['unknown', 'unknown'], found: false });
  });

  test('whose end was lost from the log: what follows the rest is new', () => {
    expect(places(anchorOf([a, b, c]), [a, b, d, e], true)).toEqual({
      places: ['anchor', 'anchor', 'new', 'new'],
      found: true,
    });
  });

  test('whose end was lost from the log: an entry further on is new, also if it equals a lost one', () => {
    expect(places(anchorOf([a, b, c]), [a, b, d, c, e], true).places).toEqual([
      'anchor',
      'anchor',
      'new',
      'new',
      'new',
    ]);
  });

  test('an answer that ends inside it holds nothing new', () => {
    expect(places(anchorOf([a, b, c]), [a, b], true)).toEqual({ places: ['anchor', 'anchor'], found: true });
  });

  test('equal entries are told apart by their number, where the answer shows all of them', () => {
    const x = entry('x', 7);
    expect(places(anchorOf([a, x, x]), [a, x, x, x, e]).places).toEqual([
      'anchor',
      'anchor',
      'anchor',
      'new',
      'new',
    ]);
  });

  test('where the answer begins among equal entries, only equal ones can be taken for delivered', () => {
    const x = entry('x', 7);
    expect(places(anchorOf([a, x, x]), [x, x, e]).places).toEqual(['anchor', 'anchor', 'new']);
    expect(places(anchorOf([a, x]), [x, x, e]).places).toEqual(['anchor', 'new', 'new']);
  });

  test('the same text on the other stream, or at another nanosecond, is another entry', () => {
    expect(places(anchorOf([a]), [entry('a', 0, 2), entry('a', 1)]).found).toBe(false);
  });

  test('empty: all is new', () => {
    expect(places([], [a, b]).places).toEqual(['new', 'new']);
  });

  test('a ring keeps the last entries, filled up from the anchor before', () => {
    expect(anchorOf([d], 3, anchorOf([a, b, c], 3))).toEqual(anchorOf([b, c, d]));
    expect(anchorOf([], 3, anchorOf([a, b], 3))).toEqual(anchorOf([a, b]));
    expect(anchorOf([a, b, c, d, e], 2)).toEqual(anchorOf([d, e]));
  });

  const anyEntry = fc.record({
    stream: fc.constantFrom(1 as const, 2 as const),
    stamp: fc.nat({ max: 5 }),
    text: fc.constantFrom('x', 'y'),
  });

  test('in any log, however many entries are equal: nothing behind the cursor is skipped', () => {
    fc.assert(
      fc.property(
        fc.array(anyEntry, { maxLength: 40 }),
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 8, max: 32 }),
        (log, i, j, size) => {
          const cursor = log.length === 0 ? 0 : i % (log.length + 1);
          const from = cursor === 0 ? 0 : j % cursor;
          const answer = log.slice(from);
          const { places: seen, found } = places(anchorOf(log.slice(0, cursor), size), answer);
          const firstNew = seen.indexOf('new');
          const skipped = firstNew < 0 ? answer : answer.slice(0, firstNew);
          // Found: an entry behind the cursor may be taken for delivered only if an equal one was delivered, at
          // the same stamp in the same stream, so that Loki holds it.
          const delivered = new Set(log.slice(0, cursor).map((e) => JSON.stringify(e)));
          if (found) for (const e of skipped) expect(delivered.has(JSON.stringify(e))).toBe(true);
          // And in the whole log it is found; an answer that begins among equal entries may have to be widened.
          if (cursor > 0 && from === 0) expect(found).toBe(true);
        },
      ),
      { numRuns: runs(500) },
    );
  });

  test('with entries that differ, the split is exact', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 60 }),
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 32 }),
        (length, i, j, size) => {
          const log = Array.from({ length }, (_, n) => entry(`line ${n}`, n % 4));
          const cursor = i % (length + 1);
          const from = cursor === 0 ? 0 : j % cursor;
          const answer = log.slice(from);
          const { places: seen } = places(anchorOf(log.slice(0, cursor), size), answer);
          expect(seen.filter((place) => place === 'new')).toHaveLength(length - cursor);
        },
      ),
    );
  });

  const openAt = ({ stream, stamp }: Entry): OpenLine => {
    const name = stream === 1 ? 'stdout' : 'stderr';
    const text = Buffer.from('');
    return { stream: name, stamp: 100n * NS_PER_SECOND + BigInt(stamp), text, cut: false };
  };

  test('in a window that begins inside a row of equal chunks, it is not found', () => {
    const x = entry('x', 7);
    expect(places(anchorOf([x, x]), [x, x, e], false, [openAt(x)]).found).toBe(false);
    expect(places(anchorOf([x, x, x]), [x, x], false, [openAt(x)]).found).toBe(false);
    const y = entry('y', 7);
    expect(places(anchorOf([x, y, x, y]), [x, y, x, y, x], false, [openAt(x)]).found).toBe(false);
  });

  test('in a window that shows where the row begins, it is', () => {
    const x = entry('x', 7);
    expect(places(anchorOf([x, x]), [a, x, x, x, e], false, [openAt(x)])).toEqual({
      places: ['unknown', 'anchor', 'anchor', 'new', 'new'],
      found: true,
    });
  });

  test('in a window that begins inside a row, it is found by what follows the row', () => {
    const x = entry('x', 7);
    const anchor = anchorOf([x, x, x, x, x, d]).slice(2);
    expect(places(anchor, [x, x, d, e], false, [])).toEqual({
      places: ['anchor', 'anchor', 'anchor', 'new'],
      found: true,
    });
  });

  /** Rows of few texts; in the log the rows of one stream follow each other, and are mixed with those of the other. */
  const anyRows = fc.array(
    fc.record({
      stream: fc.constantFrom(1 as const, 1 as const, 2 as const),
      texts: fc.oneof(
        fc.array(fc.constantFrom('x', 'y'), { minLength: 1, maxLength: 3 }),
        fc.nat({ max: 60 }).map((length) => new Array<string>(length + 1).fill('x')),
        fc.nat({ max: 60 }).map((length) => Array.from({ length }, (_, i) => 'xyz'[i % 3] as string)),
      ),
    }),
    { maxLength: 6 },
  );
  const anyLog = fc
    .tuple(anyRows, fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }))
    .map(([rows, turns]) => {
      const left: Record<1 | 2, Entry[]> = { 1: [], 2: [] };
      for (const [i, { stream, texts }] of rows.entries()) {
        for (const text of texts) left[stream].push(entry(text, i + 1, stream));
      }
      const log: Entry[] = [];
      for (let turn = 0; left[1].length + left[2].length > 0; turn++) {
        const stream = turns[turn % turns.length] === left[1].length > 0 ? 1 : 2;
        const next = left[stream].shift() ?? left[stream === 1 ? 2 : 1].shift();
        if (next !== undefined) log.push(next);
      }
      return log;
    });

  test('in any window of any log: found, what is new is exactly what follows the cursor', () => {
    let found = 0;
    fc.assert(
      fc.property(anyLog, fc.nat(), fc.nat(), fc.integer({ min: 8, max: 32 }), (log, i, j, size) => {
        fc.pre(log.length > 0);
        const cursor = 1 + (i % log.length);
        const from = j % cursor;
        const before = log.slice(0, cursor);
        // A line whose chunks follow the cursor is open there.
        const open = ([1, 2] as const).flatMap((stream) => {
          const last = before.findLast((each) => each.stream === stream);
          const next = log.slice(cursor).find((each) => each.stream === stream);
          return last !== undefined && next?.stamp === last.stamp ? [openAt(last)] : [];
        });
        const seen = places(anchorOf(before, size), log.slice(from), false, open);
        if (!seen.found) return;
        found++;
        expect(seen.places.filter((place) => place === 'new')).toHaveLength(log.length - cursor);
      }),
      { numRuns: runs(2000) },
    );
    expect(found).toBeGreaterThan(500);
  });
});
