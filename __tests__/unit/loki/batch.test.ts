import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EntryBatch } from '../../../src/loki/batch.js';
import { BufferPool } from '../../../src/loki/buffer-pool.js';
import { encodePushRequest } from '../../support/loki-push.js';
import {
  anyPushLines,
  append,
  batchOf,
  BOUNDS,
  decoded,
  HOUR,
  linesOf,
  MINUTE,
  NOW,
  numbered,
  pushLine,
  SECOND,
  testTarget,
} from '../../support/push-lines.js';

const WIDE = { maxBytes: 64 * 1024 * 1024, maxSpan: 1n << 80n };
const emptyBatch = (bounds: Partial<typeof BOUNDS> = {}, pool = new BufferPool(0)): EntryBatch =>
  new EntryBatch(testTarget(), { ...BOUNDS, ...bounds }, pool);

describe('the bytes of a request', () => {
  test('are what another decoder reads as the lines that came in: any bytes, any stamps', () => {
    fc.assert(
      fc.property(
        anyPushLines,
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ maxLength: 300 }), { maxKeys: 3 }),
        (lines, structuredMetadata) => {
          const target = testTarget({ structuredMetadata });
          const { labels, lines: read, metadata } = decoded(batchOf(lines, target).all().toRequest());
          expect(labels).toBe(target.labelString);
          expect(read.map(({ stamp }) => stamp)).toEqual(lines.map(({ stamp }) => stamp));
          expect(read.every(({ line }, i) => line.equals(lines[i]!.line))).toBe(true);
          const pairs = Object.entries(structuredMetadata).map(([name, value]) => ({
            name,
            value: Buffer.from(value).toString(),
          }));
          for (const one of metadata) {
            expect(one).toHaveLength(pairs.length);
            expect(one).toEqual(expect.arrayContaining(pairs));
          }
        },
      ),
    );
  });

  test('are those that another library writes', () => {
    const lines = numbered(300);
    const theirs = encodePushRequest([{ labels: testTarget().labelString, entries: lines }]);
    expect(batchOf(lines).all().toRequest().equals(theirs)).toBe(true);
  });

  test('are foretold, give or take the length of the head', () => {
    fc.assert(
      fc.property(anyPushLines, (lines) => {
        const batch = batchOf(lines);
        const { length } = batch.all().toRequest();
        expect(length).toBeLessThanOrEqual(batch.bytes);
        expect(batch.bytes - length).toBeLessThanOrEqual(5);
      }),
    );
  });
});

describe('the figures', () => {
  test('are those of the lines', () => {
    fc.assert(
      fc.property(anyPushLines, (lines) => {
        const batch = batchOf(lines);
        const stamps = lines.map(({ stamp }) => stamp);
        expect(batch.entries).toBe(lines.length);
        expect(batch.longestLine).toBe(Math.max(...lines.map(({ line }) => line.length)));
        expect(batch.oldest).toBe(stamps.reduce((a, b) => (a < b ? a : b)));
        expect(batch.newest).toBe(stamps.reduce((a, b) => (a > b ? a : b)));
        expect(batch.entryAt(0).stamp).toBe(stamps[0]);
        expect(linesOf(batch.slice(0, 1))).toEqual(lines.slice(0, 1));
      }),
    );
  });

  test('of an empty batch are zero', () => {
    const batch = emptyBatch();
    expect(batch).toMatchObject({ entries: 0, longestLine: 0, oldest: 0n, newest: 0n });
    expect(batch.all().size).toBe(0);
    expect(decoded(batch.all().toRequest()).lines).toEqual([]);
  });

  test('stay when a line is not taken', () => {
    const batch = emptyBatch({ maxSpan: MINUTE });
    append(batch, pushLine(NOW));
    const before = { bytes: batch.bytes, oldest: batch.oldest, newest: batch.newest };
    expect(append(batch, pushLine(NOW + HOUR, 'longer'))).toBe(false);
    expect(append(batch, pushLine(NOW - HOUR, 'longer'))).toBe(false);
    expect(batch).toMatchObject({ ...before, entries: 1, longestLine: 1 });
  });
});

describe('what fits', () => {
  test('by size: never a request over the bound, unless it has one line', () => {
    fc.assert(
      fc.property(anyPushLines, fc.integer({ min: 100, max: 30_000 }), (lines, maxBytes) => {
        const batch = new EntryBatch(testTarget(), { ...WIDE, maxBytes }, new BufferPool(0));
        let taken = 0;
        for (const line of lines) if (append(batch, line)) taken++;
        expect(batch.entries).toBe(taken);
        expect(taken).toBeGreaterThan(0);
        if (taken > 1) expect(batch.all().toRequest().length).toBeLessThanOrEqual(maxBytes);
      }),
    );
  });

  test('by size: a line that would end exactly at the bound is taken', () => {
    const two = batchOf(numbered(2)).bytes;
    const [first, second] = numbered(2);
    const exact = emptyBatch({ maxBytes: two });
    expect([append(exact, first!), append(exact, second!)]).toEqual([true, true]);
    const short = emptyBatch({ maxBytes: two - 1 });
    expect([append(short, first!), append(short, second!)]).toEqual([true, false]);
  });

  test('by number: 32768 lines unless told otherwise, so that what Loki adds to each has room', () => {
    const batch = new EntryBatch(testTarget(), WIDE, new BufferPool(0));
    let taken = 0;
    while (append(batch, pushLine(NOW + BigInt(taken)))) taken++;
    expect(taken).toBe(32_768);
    const three = new EntryBatch(testTarget(), { ...WIDE, maxEntries: 3 }, new BufferPool(0));
    expect(numbered(4).map((line) => append(three, line))).toEqual([true, true, true, false]);
  });

  test('by stamp: the span between oldest and newest, to the nanosecond, in any order', () => {
    const anyNear = fc.bigInt({ min: NOW - 4n * SECOND, max: NOW + 4n * SECOND });
    fc.assert(
      fc.property(
        fc.array(anyNear, { minLength: 1, maxLength: 20 }),
        fc.bigInt({ min: 0n, max: 5n * SECOND }),
        (stamps, maxSpan) => {
          const batch = emptyBatch({ maxSpan });
          const taken: bigint[] = [];
          for (const stamp of stamps) {
            const all = [...taken, stamp];
            const low = all.reduce((a, b) => (a < b ? a : b));
            const high = all.reduce((a, b) => (a > b ? a : b));
            expect(append(batch, pushLine(stamp))).toBe(high - low <= maxSpan);
            if (high - low <= maxSpan) taken.push(stamp);
          }
          expect(linesOf(batch.all()).map(({ stamp }) => stamp)).toEqual(taken);
        },
      ),
    );
  });

  test('an empty batch takes any line', () => {
    const batch = emptyBatch({ maxBytes: 10, maxSpan: 0n });
    expect(append(batch, pushLine(-5n * HOUR, 'y'.repeat(100_000)))).toBe(true);
    expect(decoded(batch.all().toRequest()).lines).toEqual([pushLine(-5n * HOUR, 'y'.repeat(100_000))]);
  });
});

describe('the memory', () => {
  test('comes from the pool, as it grows too, and goes back', () => {
    const pool = new BufferPool(1 << 20);
    const batch = emptyBatch({}, pool);
    for (const line of numbered(100, NOW, 'y'.repeat(100))) append(batch, line);
    // The buffers that became too small lie in the pool.
    expect(pool.keptBytes).toBe(4096 + 8192);
    batch.release();
    expect(pool.keptBytes).toBe(4096 + 8192 + 16_384);
    batch.release();
    expect(pool.keptBytes).toBe(4096 + 8192 + 16_384);
  });

  test('is not looked into after the release; the figures stay', () => {
    const batch = batchOf(numbered(3));
    const { bytes } = batch;
    batch.release();
    expect(() => batch.all()).toThrow('after its release');
    expect(() => batch.entryAt(0)).toThrow('after its release');
    expect(batch).toMatchObject({ entries: 3, bytes, oldest: NOW, newest: NOW + 2n });
  });

  test('used again holds nothing of what was before', () => {
    const pool = new BufferPool(1 << 20);
    const before = batchOf(numbered(50, NOW, ' before'), testTarget(), WIDE, pool);
    before.all().toRequest();
    before.release();
    const lines = numbered(20);
    expect(decoded(batchOf(lines, testTarget(), WIDE, pool).all().toRequest()).lines).toEqual(lines);
  });
});

test('lines that are sent as text count as they are sent', () => {
  const broken = Buffer.alloc(100, 0x80);
  const bytes = emptyBatch();
  const text = emptyBatch({ sentAsText: true });
  for (const batch of [bytes, text]) {
    append(batch, pushLine(NOW, 'plain'));
    append(batch, pushLine(NOW, broken));
  }
  expect(text.bytes - bytes.bytes).toBe(200);
  expect([bytes.longestLine, text.longestLine]).toEqual([100, 300]);
  const small = emptyBatch({ sentAsText: true, maxBytes: bytes.bytes + 200 });
  expect(append(small, pushLine(NOW, 'plain'))).toBe(true);
  expect(append(small, pushLine(NOW, broken))).toBe(true);
  expect(append(small, pushLine(NOW, 'x'))).toBe(false);
});
