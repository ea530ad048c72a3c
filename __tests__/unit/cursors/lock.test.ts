import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tryLock } from 'fs-native-extensions';
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acquireLock, lockHolder, StateLocked, type LockOwner } from '../../../src/cursors/lock.js';

const OWNER: LockOwner = {
  pid: process.pid,
  host: 'here',
  command: 'pollard catch-up',
  since: 1_700_000_000_000_000_000n,
};

// The source is TypeScript, which a plain node cannot run: the child takes the same lock through the library.
const CHILD = `
const { tryLock } = require(${JSON.stringify(createRequire(import.meta.url).resolve('fs-native-extensions'))});
const fs = require('node:fs');
const fd = fs.openSync(process.argv[1], 'a+');
if (!tryLock(fd)) throw new Error('locked');
fs.ftruncateSync(fd);
fs.writeSync(fd, JSON.stringify({
  pid: process.pid, host: 'there', command: 'pollard run\\u001b[2J', since: '2026-01-02T03:04:05.000000000Z',
}));
console.log('locked');
setInterval(() => {}, 1000);
`;

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pollard-lock-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function withOwner(use: (child: ChildProcess) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, ['-e', CHILD, join(dir, 'lock')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  try {
    await once(child.stdout, 'data');
    await use(child);
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

/** How many descriptors of this process refer to the lock file. */
function openDescriptors(): number {
  const path = join(dir, 'lock');
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The descriptor with which the folder was listed.
      return '';
    }
  });
  return targets.filter((target) => target === path).length;
}

async function refusal(): Promise<StateLocked> {
  const error: unknown = await acquireLock(dir, OWNER).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StateLocked);
  return error as StateLocked;
}

describe('the state directory has one owner', () => {
  test('another process: told who, and what to do; after its kill -9 the lock is free at once', async () => {
    await withOwner(async (child) => {
      const error = await refusal();
      expect(error).toMatchObject({ code: 'state_locked', exit: 'locked', setting: 'collector.state_dir' });
      expect(error.owner).toMatchObject({ pid: child.pid, host: 'there' });
      expect(error.message).toBe(
        `${dir} is in use by process ${String(child.pid)} on there (pollard run [2J), since 2026-01-02T03:04:05Z`,
      );
      expect(error.hint).toContain('stop it first');

      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      // The dead owner's words are still in the file, and mean nothing.
      expect(await readFile(join(dir, 'lock'), 'utf8')).toContain('there');
      const lock = await acquireLock(dir, OWNER);
      expect(JSON.parse(await readFile(join(dir, 'lock'), 'utf8'))).toEqual({
        pid: process.pid,
        host: 'here',
        command: 'pollard catch-up',
        since: '2023-11-14T22:13:20.000000000Z',
      });
      lock.release();
    });
  });

  test('the same process twice; released, it is free again', async () => {
    const lock = await acquireLock(dir, OWNER);
    expect((await refusal()).owner).toEqual(OWNER);
    lock.release();
    lock.release();
    const again = await acquireLock(dir, OWNER);
    expect((await stat(again.path)).mode & 0o777).toBe(0o600);
    again.release();
  });

  test('no descriptor stays open after a refusal, a look or a release', async () => {
    const lock = await acquireLock(dir, OWNER);
    await refusal();
    await lockHolder(dir);
    expect(openDescriptors()).toBe(1);
    lock.release();
    await lockHolder(dir);
    expect(openDescriptors()).toBe(0);
  });

  test('an owner that has not said who it is', async () => {
    const lock = await acquireLock(dir, OWNER);
    await writeFile(lock.path, '{"pid":');
    const error = await refusal();
    expect(error.owner).toBeUndefined();
    expect(error.message).toContain('in use by another process');
    lock.release();
  });

  test('a lock file that was removed is made anew', async () => {
    const lock = await acquireLock(join(dir, 'new', 'state'), OWNER);
    lock.release();
    await unlink(lock.path);
    (await acquireLock(join(dir, 'new', 'state'), OWNER)).release();
    expect(await readFile(lock.path, 'utf8')).toContain('pollard catch-up');
  });

  test('a directory that cannot be made', async () => {
    await writeFile(join(dir, 'file'), '');
    await expect(acquireLock(join(dir, 'file', 'state'), OWNER)).rejects.toMatchObject({
      code: 'cursor_write_failed',
      hint: 'set collector.state_dir to a directory',
    });
  });
});

describe('looking who holds the lock', () => {
  test('no directory: nobody, and none is made', async () => {
    expect(await lockHolder(join(dir, 'state'))).toEqual({ held: false, owner: undefined });
    await expect(stat(join(dir, 'state'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('held: by whom; released: nobody, although the words are still there', async () => {
    const lock = await acquireLock(dir, OWNER);
    expect(await lockHolder(dir)).toEqual({ held: true, owner: OWNER });
    lock.release();
    expect(await readFile(lock.path, 'utf8')).toContain('pollard catch-up');
    expect(await lockHolder(dir)).toEqual({ held: false, owner: undefined });
  });

  test('another process holds it, and holds it still', async () => {
    await withOwner(async (child) => {
      expect(await lockHolder(dir)).toMatchObject({ held: true, owner: { pid: child.pid, host: 'there' } });
      await refusal();
    });
  });

  test('who looks at the very moment of a start does not end it', async () => {
    const path = join(dir, 'lock');
    await writeFile(path, '');
    const glance = openSync(path, 'r');
    expect(tryLock(glance, { shared: true })).toBe(true);
    const starting = acquireLock(dir, OWNER);
    await new Promise(setImmediate);
    closeSync(glance);
    (await starting).release();
  });
});
