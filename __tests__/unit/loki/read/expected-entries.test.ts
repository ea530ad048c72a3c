import { describe, expect, test } from '@jest/globals';
import { ExpectedEntries } from '../../../../src/loki/read/expected-entries.js';
import type { LokiEntry } from '../../../../src/loki/read/loki-query.js';
import { NS_PER_SECOND } from '../../../../src/model/nanoseconds.js';
import { batchOf, linesOf, NOW, pushLine, testTarget, type PushLine } from '../../../support/push-lines.js';

const LABELS = { service_name: 's', stream: 'a' };
const target = testTarget({ labels: LABELS, structuredMetadata: { container_id: 'c1' } });

function shown(stamp: bigint, line: string, over: Partial<LokiEntry> = {}): LokiEntry {
  const [seconds, nanos] = [Number(stamp / NS_PER_SECOND), Number(stamp % NS_PER_SECOND)];
  const metadata = { container_id: 'c1', detected_level: 'info' };
  return { seconds, nanos, line, containerId: 'c1', metadata, labels: LABELS, piece: undefined, ...over };
}

/** The texts that are missing when Loki shows these entries. */
function missing(lines: readonly PushLine[], entries: readonly LokiEntry[]): string[] {
  const expected = new ExpectedEntries(batchOf(lines, target).all());
  for (const entry of entries) expected.note(entry);
  return linesOf(expected.missing()).map(({ line }) => line.toString('latin1'));
}

const three = [pushLine(NOW, 'a'), pushLine(NOW + 1n, 'b'), pushLine(NOW, 'c')];

test('an entry is held with its timestamp and line; the others are missing, in their order', () => {
  expect(missing(three, [])).toEqual(['a', 'b', 'c']);
  expect(missing(three, [shown(NOW + 1n, 'b')])).toEqual(['a', 'c']);
  expect(missing(three, [shown(NOW + 1n, 'a'), shown(NOW, 'b'), shown(NOW, 'A')])).toEqual(['a', 'b', 'c']);
  expect(missing(three, [shown(NOW, 'a'), shown(NOW, 'c'), shown(NOW + 1n, 'b')])).toEqual([]);
});

test('equal lines of one timestamp are one', () => {
  expect(missing([...three, ...three], [shown(NOW, 'c')])).toEqual(['a', 'b', 'a', 'b']);
});

test('with our structured metadata among its own', () => {
  expect(missing(three, [shown(NOW, 'a', { metadata: { container_id: 'c2' } })])).toEqual(['a', 'b', 'c']);
  expect(missing(three, [shown(NOW, 'a', { metadata: {} })])).toEqual(['a', 'b', 'c']);
});

describe('in our stream', () => {
  test.each([
    ['divided into shards', { ...LABELS, __stream_shard__: '3' }, true],
    ['with further labels', { ...LABELS, tier: 'x' }, false],
  ])('%s', (_, labels, held) => {
    expect(missing(three, [shown(NOW, 'a', { labels })])).toEqual(held ? ['b', 'c'] : ['a', 'b', 'c']);
  });

  test('as shown by a Loki before 2.9, with the metadata among the labels', () => {
    const both = { ...LABELS, container_id: 'c1', anything: 'x' };
    expect(missing(three, [shown(NOW, 'a', { labels: both, metadata: both })])).toEqual(['b', 'c']);
  });
});

describe('lines that are not UTF-8', () => {
  const broken = (byte: number, stamp = NOW + 1n): PushLine => pushLine(stamp, Buffer.from([0x61, byte]));
  const before = pushLine(NOW, 'x');

  test('are held as soon as Loki shows as many as there are, however many U+FFFD it puts', () => {
    const lines = [before, broken(0xff), broken(0xfe), broken(0xff)];
    const one = shown(NOW + 1n, 'a\ufffd');
    expect(missing(lines, [shown(NOW, 'x'), one])).toHaveLength(3);
    expect(missing(lines, [shown(NOW, 'x'), one, shown(NOW + 1n, 'a\ufffd\ufffd')])).toEqual([]);
  });

  test('at the first timestamp of a batch they are not: an earlier batch may have had one that looks the same', () => {
    expect(missing([broken(0xff, NOW), before], [shown(NOW, 'a\ufffd'), shown(NOW, 'x')])).toHaveLength(1);
  });

  test('a U+FFFD that was written is a character', () => {
    expect(
      missing([before, pushLine(NOW + 1n, 'a\ufffd')], [shown(NOW, 'x'), shown(NOW + 1n, 'a\ufffd')]),
    ).toEqual([]);
  });
});

test('how many entries from a timestamp on make up so many bytes of an answer', () => {
  const lines = Array.from({ length: 10 }, (_, i) => pushLine(NOW + BigInt(9 - i), 'x'.repeat(100)));
  const expected = new ExpectedEntries(batchOf(lines, target).all());
  expect([expected.oldest, expected.newest]).toEqual([NOW, NOW + 9n]);
  expect(expected.countFrom(NOW, 1)).toBe(1);
  expect(expected.countFrom(NOW, 600)).toBe(2);
  expect(expected.countFrom(NOW + 8n, 600)).toBe(2);
  expect(expected.countFrom(NOW + 8n, 601)).toBeUndefined();
  expect(expected.countFrom(NOW - 100n, 3000)).toBe(10);
  expect(expected.countFrom(NOW, 3001)).toBeUndefined();
});
