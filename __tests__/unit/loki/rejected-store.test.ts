import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRejectedLines, readRejectedSummary } from '../../../src/loki/rejected-reader.js';
import type { Rejection } from '../../../src/loki/rejected-record.js';
import {
  RejectedStore,
  type RejectedStoreOptions,
  type RejectedTrouble,
} from '../../../src/loki/rejected-store.js';
import type { UnstoredLines } from '../../../src/loki/unstored-lines.js';
import { ManualClock } from '../../support/manual-clock.js';
import { batchOf, HOUR, NOW, numbered, SECOND, testTarget, type PushLine } from '../../support/push-lines.js';
import { withSmallDisk } from '../../support/small-disk.js';
import { until } from '../../support/until.js';

const KIB = 1024;
let folder: string;
let path: string;
let clock: ManualClock;
let troubles: (RejectedTrouble | undefined)[];
const stores: RejectedStore[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pollard-rejected-'));
  path = join(folder, 'rejected.jsonl');
  clock = new ManualClock(NOW);
  troubles = [];
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  await rm(folder, { recursive: true });
});

async function open(more: Partial<RejectedStoreOptions> = {}): Promise<RejectedStore> {
  const onTrouble = (trouble: RejectedTrouble | undefined) => void troubles.push(trouble);
  const store = await RejectedStore.open({ path, clock, maxBytes: 128 * KIB, onTrouble, ...more });
  stores.push(store);
  return store;
}

const web = testTarget({
  labels: { container: 'web', stream: 'stdout' },
  structuredMetadata: { container_id: 'web-id' },
});
const rejection = (lines: readonly PushLine[], kind: Rejection['kind'] = 'too-far-behind'): Rejection => ({
  entries: batchOf(lines, web).all(),
  status: 400,
  kind,
  reason: 'entry too far behind',
});
const unstoredOf = (container: string, more: Partial<UnstoredLines> = {}): UnstoredLines => ({
  target: testTarget({
    labels: { stream: 'stderr' },
    structuredMetadata: { container_id: `${container}-id` },
    containerName: container,
  }),
  kind: 'too-old',
  reason: 'older than the 7 days that Loki accepts',
  lines: 10,
  from: NOW - 30n * 24n * HOUR,
  until: NOW - 29n * 24n * HOUR,
  ...more,
});

async function kept(at = path): Promise<string[]> {
  const lines: string[] = [];
  for await (const { line } of readRejectedLines(at)) lines.push(line.toString());
  return lines;
}

/** A disk of its own, which no store has open in the end. */
async function onSmallDisk(
  kib: number,
  use: (disk: string) => Promise<void>,
  inodes?: number,
): Promise<void> {
  const closing = async (disk: string): Promise<void> => {
    try {
      await use(disk);
    } finally {
      for (const store of stores.splice(0)) await store.close();
    }
  };
  await withSmallDisk(kib, closing, inodes);
}

const sizeOf = (name: string): number => (existsSync(name) ? statSync(name).size : 0);
const allBytes = (): number => sizeOf(path) + sizeOf(`${path}.1`) + sizeOf(`${path}.summary.json`);

describe('the bound', () => {
  test('holds for all files together; what is past it is counted, and nothing stored is removed', async () => {
    const store = await open();
    let stored = 0;
    for (let i = 0; i < 50; i++) {
      const { lines } = await store.write([
        rejection(numbered(20, NOW + BigInt(i) * SECOND, 'x'.repeat(200))),
      ]);
      stored += 20 - lines.reduce((sum, each) => sum + each.lines, 0);
      expect(allBytes()).toBeLessThanOrEqual(128 * KIB);
    }
    // Two thirds of the room at least are made use of.
    expect(allBytes()).toBeGreaterThan(85 * KIB);
    const lines = await kept();
    expect(lines).toHaveLength(stored);
    expect(new Set(lines).size).toBe(20);
    const { rows } = await readRejectedSummary(path);
    expect(rows).toMatchObject([
      {
        container: 'web',
        containerId: 'web-id',
        stream: 'stdout',
        kind: 'too-far-behind',
        reason: 'entry too far behind',
        lines: 1000 - stored,
        spans: [{ until: NOW + 49n * SECOND + 19n, lines: 1000 - stored }],
      },
    ]);
    expect(troubles[0]?.reason).toMatch(/have reached rejected.max_bytes \(131072 bytes\)/);
    expect(troubles[0]?.hint).toMatch(/pollard resend/);
  });

  test('the file becomes the older one when it has half of the room', async () => {
    const store = await open();
    await store.write([rejection(numbered(90, NOW, 'a'.repeat(400)))]);
    expect(existsSync(`${path}.1`)).toBe(false);
    expect((await store.write([rejection(numbered(60, NOW, 'b'.repeat(400)))])).lines).toEqual([]);
    expect(sizeOf(`${path}.1`)).toBeLessThanOrEqual(60 * KIB);
    const lines = await kept();
    expect(lines).toHaveLength(150);
    expect(troubles).toEqual([]);
  });

  test('once the older file was taken away there is room again', async () => {
    const store = await open();
    const some = (): Rejection[] => [rejection(numbered(200, NOW, 'x'.repeat(400)))];
    expect((await store.write(some())).lines).not.toEqual([]);
    expect((await store.write(some())).why).toMatch(/rejected.max_bytes/);
    renameSync(`${path}.1`, join(folder, 'resent'));
    expect((await store.write([rejection(numbered(50, NOW, 'y'.repeat(400)))])).lines).toEqual([]);
    expect(troubles.at(-1)).toBeUndefined();
    expect(troubles).toHaveLength(2);
  });

  test('a file that was larger before there was a bound is left as it is', async () => {
    await (await open({ maxBytes: 1 << 30 })).write([rejection(numbered(1000, NOW, 'x'.repeat(400)))]);
    const before = readFileSync(path);
    const { lines } = await (await open()).write([rejection(numbered(5))]);
    expect(lines).toMatchObject([{ lines: 5 }]);
    const there = existsSync(`${path}.1`) ? `${path}.1` : path;
    expect(readFileSync(there).equals(before)).toBe(true);
  });

  test('a line that never fits does not stand in the way of shorter ones', async () => {
    const store = await open();
    const long = [{ stamp: NOW, line: Buffer.alloc(100 * KIB, 'x') }];
    expect((await store.write([rejection(long)])).lines).toMatchObject([{ lines: 1 }]);
    expect((await store.write([rejection(numbered(3))])).lines).toEqual([]);
    expect(await kept()).toEqual(['line 0', 'line 1', 'line 2']);
  });
});

test('near the bound the trouble does not come and go with the length of the lines', async () => {
  const store = await open();
  const long = (): Rejection[] => [rejection([{ stamp: NOW, line: Buffer.alloc(8 * KIB, 'x') }])];
  while ((await store.write(long())).lines.length === 0);
  expect(troubles).toHaveLength(1);
  for (let i = 0; i < 5; i++) {
    expect((await store.write([rejection(numbered(1))])).lines).toEqual([]);
    expect((await store.write(long())).lines).toHaveLength(1);
  }
  expect(troubles).toHaveLength(1);
});

describe('the summary', () => {
  test('goes on after a restart, and begins anew when somebody has removed it', async () => {
    await (await open()).count([unstoredOf('web')]);
    const second = await open();
    await second.count([unstoredOf('web', { from: NOW - 28n * 24n * HOUR, until: NOW - 27n * 24n * HOUR })]);
    await second.count([unstoredOf('db')]);
    const { rows } = await readRejectedSummary(path);
    expect(rows.map(({ container, lines, spans }) => [container, lines, spans.length])).toEqual([
      ['web', 20, 2],
      ['db', 10, 1],
    ]);
    expect(statSync(`${path}.summary.json`).mode & 0o777).toBe(0o600);
    rmSync(`${path}.summary.json`);
    await second.count([unstoredOf('db')]);
    expect((await readRejectedSummary(path)).rows.map(({ container }) => container)).toEqual(['db']);
  });

  test('is bounded itself: the rows of long ago are counted together, and no line is left out', async () => {
    const store = await open();
    for (let i = 0; i < 300; i++) await store.count([unstoredOf(`container-${i}`)]);
    expect(sizeOf(`${path}.summary.json`)).toBeLessThanOrEqual(8 * KIB);
    const { rows, others } = await readRejectedSummary(path);
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.at(-1)?.container).toBe('container-299');
    expect(rows.length + (others?.rows ?? 0)).toBe(300);
    expect(rows.reduce((sum, { lines }) => sum + lines, others?.lines ?? 0)).toBe(3000);
  });

  test('of one stream has a bounded number of spans', async () => {
    const store = await open();
    for (let i = 0; i < 50; i++) {
      const from = NOW - BigInt(100 - i) * 24n * HOUR;
      await store.count([unstoredOf('web', { from, until: from + SECOND })]);
    }
    const [row] = (await readRejectedSummary(path)).rows;
    expect(row?.spans.length).toBeLessThanOrEqual(8);
    expect(row?.spans.reduce((sum, { lines }) => sum + lines, 0)).toBe(500);
    expect([row?.spans[0]?.from, row?.spans.at(-1)?.until]).toEqual([
      NOW - 100n * 24n * HOUR,
      NOW - 51n * 24n * HOUR + SECOND,
    ]);
  });

  test('one that cannot be understood is replaced', async () => {
    writeFileSync(`${path}.summary.json`, '{"version": 1, "not_stored": "?"}');
    await expect(readRejectedSummary(path)).rejects.toMatchObject({ code: 'rejected_file_unusable' });
    await (await open()).count([unstoredOf('web')]);
    expect((await readRejectedSummary(path)).rows).toHaveLength(1);
  });
});

describe('the disk', () => {
  test('an eighth of it is left to the cursors; with room again, lines are kept again', async () => {
    await onSmallDisk(1024, async (disk) => {
      path = join(disk, 'rejected.jsonl');
      const store = await open({ maxBytes: 64 * KIB * KIB });
      const many = rejection(numbered(2000, NOW, 'x'.repeat(1000)));
      const { lines, why } = await store.write([many]);
      expect(lines[0]?.lines).toBeGreaterThan(1000);
      expect(why).toMatch(/file system of .* is full/);
      const { bavail, bsize } = statfsSync(disk);
      expect(bavail * bsize).toBeGreaterThan(100 * KIB);
      expect(await kept()).toHaveLength(2000 - (lines[0]?.lines ?? 0));

      rmSync(path);
      // Nothing more is refused that would show it.
      await until('it is noticed that there is room', async () => {
        await clock.pass(30_000);
        return troubles.length === 2;
      });
      expect(troubles[1]).toBeUndefined();
    });
  });

  test('one that is full at the start is no reason not to start', async () => {
    await onSmallDisk(
      64,
      async (disk) => {
        path = join(disk, 'state', 'rejected.jsonl');
        mkdirSync(join(disk, 'state'));
        writeFileSync(join(disk, 'last'), '');
        const store = await open();
        const { lines, why } = await store.write([rejection(numbered(3))]);
        expect(lines).toMatchObject([{ lines: 3 }]);
        expect(why).toMatch(/ENOSPC/);
        rmSync(join(disk, 'last'));
        expect((await store.write([rejection(numbered(3))])).lines).toEqual([]);
        expect(troubles.map((trouble) => trouble === undefined)).toEqual([false, true]);
      },
      // The root, the folder and one file.
      3,
    );
  });

  test('a folder that cannot be written: nothing waits for it, and the summary is caught up on', async () => {
    const state = join(folder, 'state');
    path = join(state, 'rejected.jsonl');
    const store = await open();
    renameSync(state, `${state}-away`);
    writeFileSync(state, 'in the way');
    expect((await store.write([rejection(numbered(3))])).why).toMatch(/ENOTDIR/);
    await store.count([unstoredOf('web')]);
    rmSync(state);
    renameSync(`${state}-away`, state);
    await store.count([unstoredOf('web')]);
    const { rows } = await readRejectedSummary(path);
    expect(rows.map(({ kind, lines }) => [kind, lines])).toEqual([
      ['too-far-behind', 3],
      ['too-old', 20],
    ]);
  });
});

test('beside a running service nothing is moved, and its summary is left alone', async () => {
  const guest = await open({ isGuest: true });
  const { lines } = await guest.write([rejection(numbered(400, NOW, 'x'.repeat(400)))]);
  expect(lines[0]?.lines).toBeGreaterThan(100);
  await guest.count([unstoredOf('web')]);
  expect([existsSync(`${path}.1`), existsSync(`${path}.summary.json`)]).toEqual([false, false]);
});
