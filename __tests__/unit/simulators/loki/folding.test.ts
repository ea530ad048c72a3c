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

  test('beyond the head block a replay is stored again, and folded when queried', async () => {
    await restart({ limits: { headBlockBytes: 10, discoverLogLevels: false } });
    await push(at('12345'), at('67890', 1n), at('x', 2n), at('y', 3n));
    await push(at('x', 2n), at('12345'));
    expect(lines()).toEqual(['12345', '67890', 'x', 'y']);
    expect(loki.counts()).toMatchObject({
      stored: 5,
      foldedInHead: 1,
      foldedInQuery: 1,
      strictDuplicates: 2,
    });
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
    expect(loki.counts()).toMatchObject({ stored: 3, foldedAsLast: 1, foldedInQuery: 1 });
    expect(lines()).toEqual(['a', 'b']);
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

  test('however they are cut into requests and repeated, each entry is shown once, in order', async () => {
    const anEntry = fc.record({
      stamp: fc.integer({ min: 0, max: 5 }),
      line: fc.constantFrom('a', 'b', 'c'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(anEntry, { minLength: 1, maxLength: 6 }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 40 }),
        async (requests, headBlockBytes) => {
          await restart({ limits: { headBlockBytes } });
          for (const request of requests) {
            expect(await push(...request.map(({ stamp, line }) => at(line, BigInt(stamp))))).toBe(204);
          }
          const shown = loki.entries().map(({ stamp, line }) => `${stamp - NOW}${line}`);
          expect(new Set(shown)).toEqual(
            new Set(requests.flat().map(({ stamp, line }) => `${stamp}${line}`)),
          );
          expect(new Set(shown).size).toBe(shown.length);
          const stamps = loki.entries().map(({ stamp }) => stamp);
          expect(stamps).toEqual([...stamps].sort((a, b) => Number(a - b)));
          const { received, entries, strictDuplicates } = loki.counts();
          expect(received).toBe(entries + strictDuplicates);
        },
      ),
      { numRuns: 60 },
    );
  });
});
