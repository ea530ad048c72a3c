import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LineSink } from '../../../src/collector/line-assembler.js';
import { MovedStamps } from '../../../src/collector/moved-stamps.js';
import type { StreamNumber } from '../../../src/docker/entry-sink.js';
import { nanosOf, secondsOf, stampOf } from '../../../src/loki/read/stamp-range.js';
import { pieceMetadata, type LinePiece } from '../../../src/model/line-piece.js';
import { NS_PER_SECOND, type Nanoseconds } from '../../../src/model/nanoseconds.js';
import { CHUNK_BYTES } from '../../../src/simulators/engine/index.js';
import { accountsOf, type AccountSources, type ContainerAccount } from '../../support/collecting/index.js';
import type { SimulatedLine } from '../../support/collecting/account-lines.js';

type StoredEntry = ReturnType<AccountSources['loki']['entries']>[number];

const ID = 'a'.repeat(64);
const T = 1_700_000_000n * NS_PER_SECOND;

const folder = mkdtempSync(join(tmpdir(), 'pollard-account-'));
const rejectedFile = join(folder, 'rejected.jsonl');
beforeAll(() => writeFileSync(rejectedFile, ''));
afterAll(() => rmSync(folder, { recursive: true }));

/** Lines that a container wrote, each of one entry. */
function written(
  ...lines: readonly (readonly [text: string, stamp: Nanoseconds, stream?: 1 | 2])[]
): SimulatedLine[] {
  return lines.map(([text, stampNs, stream = 1], sequence) => ({
    containerId: ID,
    containerName: 'web',
    stream: stream === 1 ? 'stdout' : 'stderr',
    stampNs,
    text: Buffer.from(text),
    first: sequence,
    last: sequence,
    chunks: [],
    tty: false,
  }));
}

function stored(line: string, stamp: Nanoseconds, stream: StreamNumber = 1, piece?: LinePiece): StoredEntry {
  return {
    tenant: 'fake',
    labels: { stream: stream === 1 ? 'stdout' : 'stderr', container: 'web' },
    stamp,
    line,
    metadata: { container_id: ID, ...(piece ? Object.fromEntries(pieceMetadata(piece)) : {}) },
  };
}

async function accountOf(
  lines: readonly SimulatedLine[],
  entries: readonly StoredEntry[],
  known: Pick<AccountSources, 'destructions' | 'neverSeen'> = {},
): Promise<ContainerAccount | undefined> {
  const accounts = await accountsOf({
    engine: {
      written: function* () {
        for (const line of lines) yield { ...line, gone: true };
      },
      containers: [],
      find: () => undefined,
    },
    loki: { hiddenEntries: () => [], entries: () => [...entries] },
    rejectedFile,
    mayLack: () => false,
    ...known,
  });
  return accounts.get(ID);
}

describe('lines of a whole second', () => {
  const again = written(...Array.from({ length: 5 }, () => ['again', T] as const));

  test('that are equal were moved apart by 1 ns each', async () => {
    const entries = again.map(({ text }, k) => stored(text.toString(), T + BigInt(k)));
    expect(await accountOf(again, entries)).toMatchObject({
      written: 5,
      inLoki: 5,
      folded: 0,
      lost: 0,
      twice: 0,
      unknown: 0,
    });
  });

  test('and those inside the stretch that was taken come after it', async () => {
    const lines = written(...again.map(() => ['again', T] as const), ['next', T + 1n], ['later', T + 9n]);
    const entries = [
      ...again.map((_line, k) => stored('again', T + BigInt(k))),
      stored('next', T + 5n),
      stored('later', T + 9n),
    ];
    expect(await accountOf(lines, entries)).toMatchObject({ written: 7, inLoki: 7, lost: 0, unknown: 0 });
  });

  test('are each lost where they are missing, and none that was moved by another amount is known', async () => {
    expect(await accountOf(again, [])).toMatchObject({ written: 5, folded: 0, lost: 5 });
    const skipping = [0n, 1n, 3n].map((k) => stored('again', T + k));
    expect(await accountOf(again, skipping)).toMatchObject({ inLoki: 3, lost: 3, unknown: 1 });
    const tooMany = [0n, 1n, 2n, 3n, 4n, 5n].map((k) => stored('again', T + k));
    expect(await accountOf(again, tooMany)).toMatchObject({ inLoki: 6, lost: 0, unknown: 1 });
    const twice = [0n, 1n, 2n, 3n, 4n, 4n].map((k) => stored('again', T + k));
    expect(await accountOf(again, twice)).toMatchObject({ inLoki: 6, lost: 0, twice: 1 });
  });

  test('that need not have been read are not taken for those that had to be', async () => {
    const entries = [0n, 1n, 2n].map((k) => stored('again', T + k));
    const unread = new Set(again.slice(0, 2).map(({ first }) => first));
    expect(await accountOf(again, entries, { neverSeen: ({ first }) => unread.has(first) })).toMatchObject({
      written: 3,
      inLoki: 3,
      behind: 2,
      lost: 0,
    });
  });

  test('follow the pieces of a long line', async () => {
    const text = 'a'.repeat(CHUNK_BYTES) + 'b'.repeat(CHUNK_BYTES);
    const lines = written(['before', T], [text, T], ['after', T + 1n]);
    const lineId = T + 1n;
    const entries = [
      stored('before', T),
      stored(text.slice(0, CHUNK_BYTES), lineId, 1, { lineId, number: 1 }),
      stored(text.slice(CHUNK_BYTES), lineId + 1n, 1, { lineId, number: 2, count: 2 }),
      stored('after', lineId + 2n),
    ];
    expect(await accountOf(lines, entries)).toMatchObject({ written: 3, inLoki: 3, lost: 0, unknown: 0 });
  });

  interface AnyLine {
    readonly text: string;
    readonly offset: bigint;
    readonly stream: 1 | 2;
    readonly isRead: boolean;
  }

  const anyLines = (isRead: fc.Arbitrary<boolean>): fc.Arbitrary<AnyLine[]> => {
    const offset = fc.oneof(
      fc.constantFrom(0n, NS_PER_SECOND),
      fc.bigInt({ min: 1n, max: 6n }),
      fc.constant(-3n),
    );
    const text = fc.constantFrom('x', 'y');
    const stream = fc.constantFrom<1 | 2>(1, 2);
    return fc.array(fc.record({ text, offset, stream, isRead }), { minLength: 1, maxLength: 16 });
  };

  /** What Loki has of those that are read: equal lines of a timestamp once. */
  function collected(lines: readonly AnyLine[]): StoredEntry[] {
    const entries = new Map<string, StoredEntry>();
    const sink: LineSink = {
      line: (stream, seconds, nanos, source, start, end) => {
        const entry = stored(source.toString('utf8', start, end), stampOf(seconds, nanos), stream);
        entries.set(`${stream} ${entry.stamp} ${entry.line}`, entry);
      },
    };
    const moved = new MovedStamps(sink, {}, 'keep');
    for (const { text, offset, stream, isRead } of lines) {
      const nanos = nanosOf(T + offset);
      const next = nanos === 0 ? moved.wholeSeconds : moved.lines;
      if (isRead) next.line(stream, secondsOf(T + offset), nanos, Buffer.from(text), 0, text.length);
    }
    return [...entries.values()];
  }

  test('and all others have the timestamps that the collector gives them, wherever the clock was set', async () => {
    await fc.assert(
      fc.asyncProperty(anyLines(fc.constant(true)), async (some) => {
        const entries = collected(some);
        const lines = written(...some.map(({ text, offset, stream }) => [text, T + offset, stream] as const));
        const kept = { inLoki: entries.length, folded: lines.length - entries.length };
        expect(await accountOf(lines, entries)).toMatchObject({ ...kept, lost: 0, twice: 0, unknown: 0 });
      }),
      { numRuns: 300 },
    );
  });

  test('and all others have the timestamps that the collector gives them, whichever are lost', async () => {
    await fc.assert(
      fc.asyncProperty(anyLines(fc.boolean()), async (some) => {
        // No line of another time may be taken for one of the whole second that was moved there.
        const inOrder = some
          .map((line) => (line.offset % NS_PER_SECOND === 0n ? line : { ...line, text: `${line.offset}` }))
          .sort((a, b) => Number(a.offset - b.offset));
        const entries = collected(inOrder);
        const lines = written(
          ...inOrder.map(({ text, offset, stream }) => [text, T + offset, stream] as const),
        );
        const account = await accountOf(lines, entries);
        expect(account).toMatchObject({ inLoki: entries.length, twice: 0, unknown: 0 });
        expect(account?.lost).toBeLessThanOrEqual(some.filter(({ isRead }) => !isRead).length);
      }),
      { numRuns: 300 },
    );
  });
});

test('equal lines of any other nanosecond stay one', async () => {
  const lines = written(['x', T + 7n], ['x', T + 7n]);
  expect(await accountOf(lines, [stored('x', T + 7n)])).toMatchObject({ folded: 1, lost: 0, unknown: 0 });
  expect(await accountOf(lines, [stored('x', T + 7n), stored('x', T + 8n)])).toMatchObject({ unknown: 1 });
});

describe('a line of which a chunk was destroyed', () => {
  const chunks = ['a'.repeat(CHUNK_BYTES), 'b'.repeat(CHUNK_BYTES), 'the end'].map((text, sequence) => ({
    sequence,
    text: Buffer.from(text),
  }));
  const text = Buffer.concat(chunks.map((chunk) => chunk.text));
  const lines = written([text.toString(), T + 5n]).map((line) => ({ ...line, last: 2, chunks }));
  const rest = stored(`${'a'.repeat(CHUNK_BYTES)}the end`, T + 5n);
  const chunk = { first: 1, last: 1, next: 2 };

  test('is shown without it, also when the rest is destroyed later', async () => {
    expect(await accountOf(lines, [rest])).toMatchObject({ lost: 1, unknown: 1 });
    expect(await accountOf(lines, [rest], { destructions: () => [chunk] })).toMatchObject({
      lost: 1,
      unknown: 0,
    });
    const emptied = { first: 0, last: 2, next: 3 };
    const destructions = () => [chunk, emptied];
    expect(await accountOf(lines, [rest], { destructions })).toMatchObject({ lost: 1, unknown: 0 });
  });

  test('is never shown as it was at no time', async () => {
    // The beginning was destroyed before the end was written.
    const emptied = { first: 0, last: 1, next: 2 };
    expect(await accountOf(lines, [rest], { destructions: () => [chunk, emptied] })).toMatchObject({
      unknown: 1,
    });
    const end = stored('the end', T + 5n);
    expect(await accountOf(lines, [end], { destructions: () => [chunk, emptied] })).toMatchObject({
      unknown: 0,
    });
    const all = { first: 0, last: 2, next: 3 };
    expect(await accountOf(lines, [rest], { destructions: () => [all, chunk] })).toMatchObject({
      unknown: 1,
    });
  });
});
