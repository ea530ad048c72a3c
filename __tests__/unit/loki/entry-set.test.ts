import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EntrySet } from '../../../src/loki/entry-set.js';
import {
  anyPushLines,
  batchOf,
  decoded,
  linesOf,
  NOW,
  numbered,
  pushLine,
  testTarget,
  type PushLine,
} from '../../support/push-lines.js';

const target = testTarget({ structuredMetadata: { container_id: 'abc' } });
const setOf = (lines: readonly PushLine[]): EntrySet => batchOf(lines, target).all();
const keys = (lines: readonly PushLine[]): string[] =>
  lines.map(({ stamp, line }) => `${stamp} ${line.toString('latin1')}`);

/** Some of the lines, in some order: what dividing makes of a batch. */
const anySubset = fc
  .tuple(anyPushLines, fc.infiniteStream(fc.nat(3)))
  .map(([lines, choices]): [PushLine[], EntrySet] => {
    const chosen = lines.map(() => choices.next().value === 0);
    let at = 0;
    const [some] = setOf(lines).partition(() => chosen[at++] !== true);
    return [lines.filter((_, i) => chosen[i] !== true), some];
  });

test('a request of any part of a batch holds that part', () => {
  fc.assert(
    fc.property(anySubset, ([lines, set]) => {
      const request = set.toRequest();
      const { labels, lines: read, metadata } = decoded(request);
      expect(labels).toBe(target.labelString);
      expect(keys(read)).toEqual(keys(lines));
      expect(metadata).toEqual(lines.map(() => [{ name: 'container_id', value: 'abc' }]));
      expect(request.length).toBeLessThanOrEqual(set.bytes);
      expect(set.bytes - request.length).toBeLessThanOrEqual(5);
    }),
  );
});

test('single entries are read as they came in', () => {
  fc.assert(
    fc.property(anySubset, ([lines, set]) => {
      expect(set.size).toBe(lines.length);
      lines.forEach(({ stamp, line }, i) => {
        expect(set.stampAt(i)).toBe(stamp);
        expect(set.lineBytesAt(i)).toBe(line.length);
        expect(set.entryAt(i).line.equals(line)).toBe(true);
        expect(set.entryAt(i).structuredMetadata).toEqual({ container_id: 'abc' });
      });
    }),
  );
});

test('slices put together are the whole', () => {
  fc.assert(
    fc.property(anySubset, fc.nat(30), ([lines, set], at) => {
      const middle = Math.min(at, set.size);
      const parts = [set.slice(0, middle), set.slice(middle, set.size)];
      expect(parts.flatMap((part) => keys(linesOf(part)))).toEqual(keys(lines));
    }),
  );
});

test('a partition holds each entry once, both parts in order', () => {
  fc.assert(
    fc.property(anySubset, fc.nat(300), ([lines, set], limit) => {
      const [long, others] = set.partition((_, bytes) => bytes > limit);
      expect(keys(linesOf(long))).toEqual(keys(lines.filter(({ line }) => line.length > limit)));
      expect(keys(linesOf(others))).toEqual(keys(lines.filter(({ line }) => line.length <= limit)));
      const [old, young] = set.partition((stamp) => stamp < NOW);
      expect(keys(linesOf(old))).toEqual(keys(lines.filter(({ stamp }) => stamp < NOW)));
      expect(old.size + young.size).toBe(set.size);
    }),
  );
});

test('by stamp: the same entries, oldest first, equal stamps as they came', () => {
  fc.assert(
    fc.property(anySubset, ([lines, set]) => {
      const sorted = lines
        .map((line, i) => ({ line, i }))
        .sort((a, b) => (a.line.stamp === b.line.stamp ? a.i - b.i : a.line.stamp < b.line.stamp ? -1 : 1));
      expect(keys(linesOf(set.byStamp()))).toEqual(keys(sorted.map(({ line }) => line)));
    }),
  );
});

describe('divided by size', () => {
  test('each part is under the bound or has one entry, and all of them are there in order', () => {
    fc.assert(
      fc.property(anySubset, fc.integer({ min: 50, max: 50_000 }), ([lines, set], maxBytes) => {
        const parts = set.upTo(maxBytes);
        expect(parts.flatMap((part) => keys(linesOf(part)))).toEqual(keys(lines));
        for (const part of parts) {
          if (lines.length > 0) expect(part.size).toBeGreaterThan(0);
          if (part.size > 1) expect(part.bytes).toBeLessThanOrEqual(maxBytes);
        }
      }),
    );
  });

  test('no more parts than needed', () => {
    const set = setOf(numbered(100));
    const [two] = [set.slice(0, 2)];
    expect(set.upTo(two.bytes).map(({ size }) => size)).toContain(2);
    expect(set.upTo(set.bytes)).toEqual([set]);
    expect(set.upTo(1).map(({ size }) => size)).toEqual(new Array(100).fill(1));
  });
});

test('what is not there is not made up', () => {
  const set = setOf(numbered(2));
  for (const index of [-1, 2]) expect(() => set.stampAt(index)).toThrow(RangeError);
  expect(() =>
    setOf([pushLine(NOW)])
      .slice(0, 0)
      .entryAt(0),
  ).toThrow(RangeError);
});
