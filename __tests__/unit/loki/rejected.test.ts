import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, open, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRejectedFile, RejectedFile } from '../../../src/loki/rejected.js';
import type { Rejection } from '../../../src/loki/rejected-record.js';
import { PollardError } from '../../../src/model/errors.js';
import { LeapingClock } from '../../support/leaping-clock.js';
import { batchOf, NOW, numbered, pushLine, type PushLine } from '../../support/push-lines.js';

let folder: string;
let path: string;
let files: RejectedFile[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pollard-rejected-'));
  path = join(folder, 'state', 'rejected.jsonl');
  files = [];
});
afterEach(async () => {
  jest.restoreAllMocks();
  for (const file of files) await file.close();
  await rm(folder, { recursive: true });
});

async function openFile(): Promise<RejectedFile> {
  const file = await RejectedFile.open(path, new LeapingClock(NOW));
  files.push(file);
  return file;
}

const rejection = (lines: readonly PushLine[]): Rejection => ({
  entries: batchOf(lines).all(),
  status: 400,
  kind: 'too-old',
  reason: 'timestamp too old',
});

async function readBack(from = path): Promise<{ lines: string[]; unreadable: number }> {
  const reader = readRejectedFile(from);
  const lines: string[] = [];
  for await (const { line } of reader) lines.push(line.toString());
  return { lines, unreadable: reader.unreadable };
}

const texts = (lines: readonly PushLine[]): string[] => lines.map(({ line }) => line.toString());

async function failure(promise: Promise<unknown>): Promise<PollardError> {
  const error: unknown = await promise.then(
    () => new Error('did not fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PollardError);
  expect(error).toMatchObject({ code: 'rejected_file_unusable', setting: 'rejected.file', exit: 'state' });
  expect((error as PollardError).hint).toMatch(/\w/);
  expect((error as PollardError).message).toContain(path);
  return error as PollardError;
}

describe('writing', () => {
  test('appends lines that only the owner may read', async () => {
    const file = await openFile();
    await file.write([rejection(numbered(2)), rejection([pushLine(NOW, 'third')])]);
    await file.write([rejection([pushLine(NOW, 'fourth')])]);
    expect(await readBack()).toEqual({ lines: ['line 0', 'line 1', 'third', 'fourth'], unreadable: 0 });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'state'))).mode & 0o777).toBe(0o700);
  });

  test('goes on behind what is there, and takes rights away from others', async () => {
    await (await openFile()).write([rejection([pushLine(NOW, 'one')])]);
    const { chmod } = await import('node:fs/promises');
    await chmod(path, 0o644);
    await (await openFile()).write([rejection([pushLine(NOW, 'two')])]);
    expect((await readBack()).lines).toEqual(['one', 'two']);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('of several at once: one after the other, none between the lines of another', async () => {
    const file = await openFile();
    const parts = Array.from({ length: 10 }, (_, i) => numbered(50, NOW, ` of ${i} ${'x'.repeat(300)}`));
    await Promise.all(parts.map((lines) => file.write([rejection(lines)])));
    expect((await readBack()).lines).toEqual(parts.flatMap(texts));
  });

  test('more than is written at once', async () => {
    const lines = numbered(30, NOW, 'x'.repeat(200_000));
    await (await openFile()).write([rejection(lines)]);
    expect(await readBack()).toEqual({ lines: texts(lines), unreadable: 0 });
  });

  test('is durable when it resolves', async () => {
    const file = await openFile();
    const steps: string[] = [];
    const prototype = await handlePrototype();
    const [appendFile, sync] = [methodOf(prototype, 'appendFile'), methodOf(prototype, 'sync')];
    jest.spyOn(prototype, 'appendFile').mockImplementation(async function (this: FileHandle, ...args) {
      await appendFile.apply(this, args);
      steps.push('written');
    });
    jest.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
      await sync.apply(this);
      steps.push('synced');
    });
    await file.write([rejection(numbered(3))]);
    expect(steps).toEqual(['written', 'synced']);
  });

  test('after a record that a crash tore: that one alone is unreadable', async () => {
    const file = await openFile();
    await file.write([rejection(numbered(2))]);
    await file.write([rejection(numbered(2, NOW, ' torn'))]);
    const content = await readFile(path);
    await writeFile(path, content.subarray(0, content.length - 9));
    await (await openFile()).write([rejection([pushLine(NOW, 'after')])]);
    expect(await readBack()).toEqual({ lines: ['line 0', 'line 1', 'after'], unreadable: 1 });
  });
});

describe('the file is not where it was', () => {
  test('moved away, as log rotation does: goes on in a new one', async () => {
    const file = await openFile();
    await file.write([rejection([pushLine(NOW, 'old')])]);
    await rename(path, `${path}.1`);
    await file.write([rejection([pushLine(NOW, 'new')])]);
    await file.write([rejection([pushLine(NOW, 'newer')])]);
    expect((await readBack(`${path}.1`)).lines).toEqual(['old']);
    expect((await readBack()).lines).toEqual(['new', 'newer']);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('removed by who has read it, with its folder', async () => {
    const file = await openFile();
    await file.write([rejection([pushLine(NOW, 'old')])]);
    await rm(join(folder, 'state'), { recursive: true });
    await file.write([rejection([pushLine(NOW, 'new')])]);
    expect((await readBack()).lines).toEqual(['new']);
  });

  test('emptied, or replaced by another', async () => {
    const file = await openFile();
    await file.write([rejection([pushLine(NOW, 'old')])]);
    await writeFile(path, '');
    await file.write([rejection([pushLine(NOW, 'new')])]);
    expect((await readBack()).lines).toEqual(['new']);
    await rename(path, `${path}.1`);
    await writeFile(path, 'torn');
    await file.write([rejection([pushLine(NOW, 'newest')])]);
    expect(await readBack()).toEqual({ lines: ['newest'], unreadable: 1 });
  });

  test('no file is left open', async () => {
    const { readdir } = await import('node:fs/promises');
    const file = await openFile();
    const before = (await readdir('/proc/self/fd')).length;
    for (let i = 0; i < 10; i++) {
      await rename(path, `${path}.${i}`);
      await file.write([rejection([pushLine(NOW)])]);
    }
    expect((await readdir('/proc/self/fd')).length).toBeLessThanOrEqual(before);
  });
});

describe('a full disk', () => {
  const noSpace = (): Error =>
    Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

  test('is told with what to do, and what was written of it is taken back', async () => {
    const file = await openFile();
    await file.write([rejection([pushLine(NOW, 'before')])]);
    const { size } = await stat(path);
    const prototype = await handlePrototype();
    const appendFile = methodOf(prototype, 'appendFile');
    const failing = jest.spyOn(prototype, 'appendFile').mockImplementation(async function (
      this: FileHandle,
      text,
    ) {
      await appendFile.call(this, String(text).slice(0, 300));
      throw noSpace();
    });
    for (let i = 0; i < 3; i++) {
      expect((await failure(file.write([rejection(numbered(9))]))).hint).toContain(
        'free space on its file system',
      );
      expect((await stat(path)).size).toBe(size);
    }
    failing.mockRestore();
    await file.write([rejection(numbered(9))]);
    expect(await readBack()).toEqual({ lines: ['before', ...texts(numbered(9))], unreadable: 0 });
  });

  test('that does not even let it be taken back: a line is torn, and no other is lost', async () => {
    const file = await openFile();
    const prototype = await handlePrototype();
    const appendFile = methodOf(prototype, 'appendFile');
    const failing = [
      jest.spyOn(prototype, 'appendFile').mockImplementation(async function (this: FileHandle, text) {
        await appendFile.call(this, String(text).slice(0, 300));
        throw noSpace();
      }),
      jest.spyOn(prototype, 'truncate').mockRejectedValue(noSpace()),
    ];
    await failure(file.write([rejection(numbered(9))]));
    for (const spy of failing) spy.mockRestore();
    await file.write([rejection(numbered(9))]);
    const { lines, unreadable } = await readBack();
    expect(new Set(lines)).toEqual(new Set(texts(numbered(9))));
    expect(unreadable).toBe(1);
  });

  test('that is noticed only when the data are forced to it', async () => {
    const file = await openFile();
    const failing = jest.spyOn(await handlePrototype(), 'sync').mockRejectedValueOnce(noSpace());
    await failure(file.write([rejection(numbered(2))]));
    failing.mockRestore();
    await file.write([rejection(numbered(2))]);
    expect(await readBack()).toEqual({ lines: texts(numbered(2)), unreadable: 0 });
  });

  test('does not keep the next write from being tried', async () => {
    const file = await openFile();
    const failing = jest.spyOn(await handlePrototype(), 'appendFile').mockRejectedValueOnce(noSpace());
    const first = failure(file.write([rejection([pushLine(NOW, 'first')])]));
    const second = file.write([rejection([pushLine(NOW, 'second')])]);
    await first;
    await second;
    failing.mockRestore();
    expect((await readBack()).lines).toEqual(['second']);
  });

  test('a real bound, met in the middle of a write: the file is as it was, and whole once there is room', async () => {
    await mkdir(join(folder, 'state'));
    const child = ['--import', 'tsx', '__tests__/support/full-disk-child.ts', path];
    const printed = execFileSync(
      'bash',
      ['-c', 'ulimit -S -f 1024; exec "$@"', '-', process.execPath, ...child],
      {
        encoding: 'utf8',
      },
    );
    const { sizes, failures } = JSON.parse(printed) as { sizes: number[]; failures: object[] };
    expect(failures).toHaveLength(3);
    for (const one of failures) {
      expect(one).toMatchObject({ code: 'rejected_file_unusable', errno: 'EFBIG', exit: 'state' });
    }
    expect(sizes).toEqual([sizes[0], sizes[0], sizes[0], sizes[0]]);
    const many = texts(numbered(3000, NOW, 'x'.repeat(500)));
    expect(await readBack()).toEqual({ lines: ['before', ...many], unreadable: 0 });
  });
});

describe('what cannot be opened', () => {
  test('a path through a file, a link, a directory', async () => {
    await writeFile(join(folder, 'state'), '');
    await failure(openFile());
    await rm(join(folder, 'state'));
    await mkdir(join(folder, 'state'));
    await writeFile(join(folder, 'other'), 'precious');
    await symlink(join(folder, 'other'), path);
    await failure(openFile());
    expect(await readFile(join(folder, 'other'), 'utf8')).toBe('precious');
    await rm(path);
    await mkdir(path);
    await failure(openFile());
  });
});

describe('reading', () => {
  test('passes over what is no record, and counts it', async () => {
    await (await openFile()).write([rejection([pushLine(NOW, 'one')])]);
    const content = await readFile(path, 'utf8');
    await writeFile(path, `nonsense\n\n  \n${content}\r\n{"a":1}\n${content.trimEnd()}`);
    expect(await readBack()).toEqual({ lines: ['one', 'one'], unreadable: 2 });
  });

  test('a line without end is passed over in bounded memory', async () => {
    await (await openFile()).write([rejection([pushLine(NOW, 'one')])]);
    const handle = await open(path, 'a');
    const piece = Buffer.alloc(1 << 20, 'x');
    for (let i = 0; i < 70; i++) await handle.appendFile(piece);
    await handle.appendFile(`\n${await readFile(path, 'utf8').then((text) => text.split('\n')[0] ?? '')}\n`);
    await handle.close();
    expect(await readBack()).toEqual({ lines: ['one', 'one'], unreadable: 1 });
  });

  test('ends early without leaving the file open', async () => {
    const { readdir } = await import('node:fs/promises');
    const file = await openFile();
    await file.write([rejection(numbered(2000, NOW, 'x'.repeat(500)))]);
    const before = (await readdir('/proc/self/fd')).length;
    for await (const record of readRejectedFile(path)) {
      expect(record.line.toString()).toMatch(/^line 0x/);
      break;
    }
    expect((await readdir('/proc/self/fd')).length).toBeLessThanOrEqual(before);
  });

  test('what cannot be read is told', async () => {
    await failure(readBack());
    await mkdir(path, { recursive: true });
    await failure(readBack());
  });
});

/** What all file handles share. */
async function handlePrototype(): Promise<FileHandle> {
  const handle = await open(join(folder, 'any'), 'w');
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}

/** A method as it was, to be called on any handle. */
function methodOf(
  prototype: FileHandle,
  name: 'appendFile' | 'sync',
): (this: FileHandle, ...values: unknown[]) => Promise<void> {
  return Reflect.get(prototype, name) as (this: FileHandle, ...values: unknown[]) => Promise<void>;
}
