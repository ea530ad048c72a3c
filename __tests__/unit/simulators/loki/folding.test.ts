import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { NS_PER_SECOND } from '../../../../src/model/nanoseconds.js';
import { startLokiSimulator, type LokiSimulator } from '../../../../src/simulators/loki/index.js';
import { pushToLoki, type TestEntry } from '../../../support/loki-push.js';
import { ManualClock } from '../../../support/manual-clock.js';

const NOW = 1_700_000_000n * NS_PER_SECOND;
const A = '{service_name="s", stream="a"}';
const clock = new ManualClock(NOW);

let loki: LokiSimulator;

beforeEach(async () => {
  loki = await startLokiSimulator({ clock });
});

afterEach(async () => {
  await loki.close();
});

async function restart(options: Parameters<typeof startLokiSimulator>[0]): Promise<void> {
  await loki.close();
  loki = await startLokiSimulator({ clock, ...options });
}

const push = async (...entries: TestEntry[]): Promise<number> =>
  (await pushToLoki(loki.url, [{ labels: A, entries }])).status;
const at = (line: string, offset = 0n): TestEntry => ({ stamp: NOW + offset, line });
const lines = (): string[] => loki.entries().map(({ line }) => line);

describe('equal entries', () => {
  test('d,d,e,d at one stamp are stored as two', async () => {
    expect(await push(at('d'), at('d'), at('e'), at('d'))).toBe(204);
    expect(lines()).toEqual(['d', 'e']);
    expect(loki.counts()).toMatchObject({
      received: 4,
      accepted: 4,
      stored: 2,
      foldedAsLast: 1,
      foldedInHead: 1,
      foldedInQuery: 0,
      entries: 2,
      strictDuplicates: 2,
    });
  });

  test('a replay is folded', async () => {
    const entries = [at('1'), at('2', 1n), at('3', 2n)];
    await push(...entries);
    await push(...entries);
    expect(lines()).toEqual(['1', '2', '3']);
    expect(loki.counts()).toMatchObject({ foldedInHead: 3, strictDuplicates: 3 });
  });

  test('what was taken out counts, is not shown, and a replay of it is folded as long as the head block has it', async () => {
    await push(at('1'), at('2', 1n));
    expect(loki.take().map(({ line }) => line)).toEqual(['1', '2']);
    await push(at('1'), at('3', 2n));
    expect(loki.take().map(({ line }) => line)).toEqual(['3']);
    expect(lines()).toEqual([]);
    expect(loki.counts()).toMatchObject({ entries: 3, strictDuplicates: 1, foldedInQuery: 0, streams: 1 });
  });

  // pkg/chunkenc/unordered.go unorderedHeadBlock.Append, pkg/chunkenc/memchunk.go MemChunk.Append and Iterator
  test('a replay is not folded across the blocks of one chunk, and a query shows it twice', async () => {
    await restart({ limits: { headBlockBytes: 10, discoverLogLevels: false } });
    await push(at('12345'), at('67890', 1n), at('x', 2n), at('y', 3n));
    await push(at('x', 2n), at('12345'));
    expect(lines()).toEqual(['12345', '12345', '67890', 'x', 'y']);
    expect(loki.counts()).toMatchObject({
      stored: 5,
      foldedInHead: 1,
      foldedInQuery: 0,
      entries: 5,
      strictDuplicates: 1,
      twice: 1,
    });
  });

  // pkg/chunkenc/memchunk.go: `head.UncompressedSize() >= blockSize`, after the entry was added
  test('the head block is cut by the bytes of its lines and 8 for each pair of structured metadata', async () => {
    await restart({ limits: { headBlockBytes: 18, discoverLogLevels: false } });
    const entry = (line: string, offset: bigint): TestEntry => ({
      ...at(line, offset),
      metadata: { id: 'long' },
    });
    await push(entry('1', 0n), entry('2', 1n), entry('1', 0n));
    expect(lines()).toEqual(['1', '1', '2']);
    await restart({ limits: { headBlockBytes: 19, discoverLogLevels: false } });
    await push(entry('1', 0n), entry('2', 1n), entry('1', 0n));
    expect(lines()).toEqual(['1', '2']);
  });

  // pkg/ingester/stream.go storeEntries, pkg/chunkenc/memchunk.go SpaceFor; pkg/iter/entry_iterator.go mergeEntryIterator
  test('a replay in another chunk is folded when queried', async () => {
    await restart({ limits: { headBlockBytes: 10, chunkTargetBytes: 10, discoverLogLevels: false } });
    const entries = [at('12345'), at('67890', 1n)];
    await push(...entries);
    await push(...entries);
    expect(lines()).toEqual(['12345', '67890']);
    expect(loki.counts()).toMatchObject({ stored: 4, foldedInQuery: 2, strictDuplicates: 2, twice: 0 });
  });

  // pkg/chunkenc/memchunk.go Close, reorder
  test('a chunk whose blocks overlap is sorted when it is closed, which folds what then meets in a block', async () => {
    await restart({ limits: { headBlockBytes: 60, chunkTargetBytes: 160, discoverLogLevels: false } });
    const long = (text: string, offset: bigint): TestEntry => at(text.padEnd(20, '.'), offset);
    await push(long('1', 0n), long('2', 1n), long('3', 2n), long('1', 0n), long('2', 1n));
    expect(loki.counts()).toMatchObject({ entries: 5, twice: 2 });
    for (let i = 0; i < 8; i++) await push(long(`later ${i}`, BigInt(10 + i)));
    expect(
      lines()
        .slice(0, 3)
        .map((line) => line.slice(0, 7)),
    ).toEqual(['1......', '2......', '3......']);
    expect(loki.counts()).toMatchObject({ stored: 13, foldedInQuery: 2, entries: 11, twice: 0 });
  });

  // pkg/ingester/flush.go shouldFlushChunk, removeFlushedChunks
  test('a chunk is closed when its entries are two hours apart, or nothing came for half an hour', async () => {
    await restart({ limits: { headBlockBytes: 1, discoverLogLevels: false, rejectOldSamples: false } });
    const hour = 3600n * NS_PER_SECOND;
    await push(at('a', -3n * hour), at('b', -2n * hour));
    await push(at('c'));
    await clock.pass(31_000);
    await push(at('d', 1n));
    // The next sweep closed the chunk of a to c: another copy of c lies in another chunk.
    await push(at('c'));
    expect(lines()).toEqual(['a', 'b', 'c', 'd']);
    await clock.pass(31 * 60_000);
    await pushToLoki(loki.url, [{ labels: '{service_name="other"}', entries: [at('e')] }]);
    await push(at('d', 1n));
    expect(loki.counts()).toMatchObject({ foldedInQuery: 2, twice: 0 });
  });

  const ofContainer = (id: string, line: string, offset = 0n): TestEntry => ({
    ...at(line, offset),
    metadata: { id },
  });
  const hidden = (): string[] =>
    loki.hiddenEntries().map(({ line, metadata }) => `${metadata['id']} ${line}`);

  // pkg/chunkenc/unordered.go unorderedHeadBlock.Append: the metadata do not count before 3.7
  test('an entry folded into one of other metadata is hidden, a repetition is not', async () => {
    await push(ofContainer('1', 'a'), ofContainer('1', 'b', 1n));
    await push(ofContainer('1', 'a'), ofContainer('2', 'b', 1n), ofContainer('2', 'a'));
    await push(ofContainer('2', 'c', 2n), ofContainer('3', 'c', 2n));
    expect(lines()).toEqual(['a', 'b', 'c']);
    expect(hidden()).toEqual(['2 b', '2 a', '3 c']);
    loki.lose(1);
    expect(hidden()).toEqual(['2 b', '3 c']);
    loki.take();
    expect(hidden()).toEqual([]);
    await restart({ version: '3.7' });
    await push(ofContainer('1', 'a'), ofContainer('2', 'a'));
    expect([lines(), hidden()]).toEqual([['a', 'a'], []]);
  });

  test('an entry that is folded when queried is hidden as well', async () => {
    await restart({ limits: { headBlockBytes: 10, chunkTargetBytes: 10, discoverLogLevels: false } });
    await push(ofContainer('1', '12345'), ofContainer('1', '67890', 1n));
    await push(ofContainer('1', '12345'), ofContainer('2', '67890', 1n));
    expect(lines()).toEqual(['12345', '67890']);
    expect(hidden()).toEqual(['2 67890']);
  });

  test('other lines, stamps and streams are other entries; broken bytes too', async () => {
    await push(at('a'), at('a', 1n), at('A'));
    await push(
      { stamp: NOW + 5n, line: Buffer.from([0xff]) },
      { stamp: NOW + 5n, line: Buffer.from([0xfe]) },
    );
    await pushToLoki(loki.url, [{ labels: '{service_name="other"}', entries: [at('a')] }]);
    expect(loki.counts()).toMatchObject({ received: 6, strictDuplicates: 0 });
    expect(lines()).toContain('\ufffd');
  });

  test('the last entry of a stream is told from one that came again after another', async () => {
    await restart({ limits: { headBlockBytes: 1 } });
    await push(at('a'));
    await push(at('a'));
    await push(at('b'));
    await push(at('a'));
    expect(loki.counts()).toMatchObject({ stored: 3, foldedAsLast: 1, foldedInQuery: 0, twice: 1 });
    expect(lines()).toEqual(['a', 'a', 'b']);
  });

  test('in 3.5 whatever their structured metadata; in 3.7 only with equal ones', async () => {
    const one = { ...at('a'), metadata: { try: '1' } };
    const two = { ...at('a'), metadata: { try: '2' } };
    await push(one, two, one);
    expect(loki.entries()).toMatchObject([{ line: 'a', metadata: { try: '1' } }]);

    await restart({ version: '3.7' });
    await push(one, two, one);
    expect(loki.entries()).toMatchObject([{ metadata: { try: '1' } }, { metadata: { try: '2' } }]);
    expect(loki.counts().strictDuplicates).toBe(1);
  });

  test('increment_duplicate_timestamp moves differing lines apart', async () => {
    await restart({ limits: { incrementDuplicateTimestamp: true } });
    await push(at('a'), at('b'), at('b', 1n), at('c'), at('c', 9n));
    const stored = loki.entries().map(({ stamp, line }) => `${line}${stamp - NOW}`);
    expect(stored).toEqual(['a0', 'c0', 'b1', 'c9']);
  });

  test('however they are cut into requests and repeated, each entry is shown, in order, and copies are counted', async () => {
    const anEntry = fc.record({
      stamp: fc.integer({ min: 0, max: 5 }),
      line: fc.constantFrom('a', 'b', 'c'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(anEntry, { minLength: 1, maxLength: 6 }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 200 }),
        async (requests, headBlockBytes, chunkTargetBytes) => {
          await restart({ limits: { headBlockBytes, chunkTargetBytes, discoverLogLevels: false } });
          for (const request of requests) {
            expect(await push(...request.map(({ stamp, line }) => at(line, BigInt(stamp))))).toBe(204);
          }
          const pushed = requests.flat().map(({ stamp, line }) => `${stamp}${line}`);
          const shown = loki.entries().map(({ stamp, line }) => `${stamp - NOW}${line}`);
          expect(new Set(shown)).toEqual(new Set(pushed));
          const { received, entries, strictDuplicates, twice } = loki.counts();
          expect(twice).toBe(shown.length - new Set(shown).size);
          // In one head block nothing stands twice.
          if (pushed.length < headBlockBytes) expect(twice).toBe(0);
          const stamps = loki.entries().map(({ stamp }) => stamp);
          expect(stamps).toEqual([...stamps].sort((a, b) => Number(a - b)));
          expect(received).toBe(entries + strictDuplicates);
        },
      ),
      { numRuns: 60 },
    );
  });
});
