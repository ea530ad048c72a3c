import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { StreamNumber } from '../../../src/docker/entry-sink.js';
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
    loki: { entries: () => [...entries] },
    rejectedFile,
    mayLack: () => false,
    ...known,
  });
  return accounts.get(ID);
}

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
