import { describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeCursor, encodeCursor } from '../../../src/cursors/codec.js';
import type { CursorFs } from '../../../src/cursors/cursor-fs.js';
import { CursorTooNew } from '../../../src/cursors/cursor-errors.js';
import { CursorStore } from '../../../src/cursors/store.js';
import { PollardError } from '../../../src/model/errors.js';
import { cursorOf, idOf } from '../../support/any-cursor.js';
import { ManualClock } from '../../support/manual-clock.js';
import { PowerLossFs } from '../../support/power-loss-fs.js';
import { RecordingLogger } from '../../support/recording-logger.js';

const clock = new ManualClock();
const open = (fs: CursorFs, logger = new RecordingLogger()): Promise<CursorStore> =>
  CursorStore.open('/state', { fs, clock, logger });
const pathOf = (number: number): string => `/state/cursors/${idOf(number)}.json`;

function newFs(): PowerLossFs {
  const fs = new PowerLossFs();
  fs.plantDir('/state');
  fs.plantDir('/state/cursors');
  return fs;
}

async function failure(promise: Promise<unknown>): Promise<PollardError> {
  const error: unknown = await promise.then(
    () => new Error('did not fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PollardError);
  return error as PollardError;
}

describe('on the real file system', () => {
  async function inTemporaryDir(use: (dir: string) => Promise<void>): Promise<void> {
    const dir = await mkdtemp(join(tmpdir(), 'pollard-cursors-'));
    try {
      await use(dir);
    } finally {
      await rm(dir, { recursive: true });
    }
  }
  const openReal = (dir: string): Promise<CursorStore> =>
    CursorStore.open(dir, { clock, logger: new RecordingLogger() });

  test('keeps cursors through a restart, in files of 0600 and directories of 0700', async () => {
    await inTemporaryDir(async (dir) => {
      const state = join(dir, 'var', 'state');
      const store = await openReal(state);
      await Promise.all([store.commit(cursorOf(1, 10)), store.commit(cursorOf(2, 20))]);
      await store.commit(cursorOf(1, 11));
      const modes = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
      expect(await modes(state)).toBe(0o700);
      expect(await modes(join(state, 'cursors'))).toBe(0o700);
      expect(await modes(join(state, 'cursors', `${idOf(1)}.json`))).toBe(0o600);
      const again = await openReal(state);
      expect(again.get(idOf(1))).toEqual(cursorOf(1, 11));
      expect(again.all()).toHaveLength(2);
      expect(again.damaged).toEqual([]);
      await again.forget(idOf(1));
      await again.forget(idOf(3));
      expect(await readdir(join(state, 'cursors'))).toEqual([`${idOf(2)}.json`]);
      expect(again.get(idOf(1))).toBeUndefined();
    });
  });

  test('takes its directory from everybody else', async () => {
    await inTemporaryDir(async (dir) => {
      await mkdir(join(dir, 'cursors'), { mode: 0o755 });
      await openReal(dir);
      expect((await stat(join(dir, 'cursors'))).mode & 0o777).toBe(0o700);
    });
  });

  test('a directory in the place of a cursor is moved aside like any damage', async () => {
    await inTemporaryDir(async (dir) => {
      await mkdir(join(dir, 'cursors', `${idOf(1)}.json`), { recursive: true });
      const store = await openReal(dir);
      expect(store.damaged).toMatchObject([{ id: idOf(1), reason: 'unreadable' }]);
      await store.commit(cursorOf(1, 1));
      expect((await openReal(dir)).get(idOf(1))).toEqual(cursorOf(1, 1));
    });
  });

  test('a file where the directory should be: says which setting', async () => {
    await inTemporaryDir(async (dir) => {
      await writeFile(join(dir, 'state'), '');
      const error = await failure(openReal(join(dir, 'state')));
      expect(error).toMatchObject({
        code: 'cursor_write_failed',
        setting: 'collector.state_dir',
        exit: 'state',
      });
      expect(error.hint).toBe('set collector.state_dir to a directory');
    });
  });
});

describe('opening', () => {
  test('moves damaged cursors aside, says so, and keeps the bytes', async () => {
    const fs = newFs();
    fs.plant(pathOf(1), Buffer.alloc(200));
    fs.plant(pathOf(2), Buffer.from(encodeCursor(cursorOf(3, 1))));
    fs.plant(pathOf(3), Buffer.from(encodeCursor(cursorOf(3, 1))));
    const logger = new RecordingLogger();
    const store = await open(fs, logger);
    const keptAs = (number: number): string => `${idOf(number)}.json.corrupt-20231114T221320.000000000Z`;
    expect(store.damaged).toEqual([
      { id: idOf(1), reason: 'nul_bytes', keptAs: keptAs(1) },
      { id: idOf(2), reason: 'wrong_container', keptAs: keptAs(2) },
    ]);
    expect(store.all()).toEqual([cursorOf(3, 1)]);
    expect(fs.contentOf(`/state/cursors/${keptAs(1)}`)).toEqual(Buffer.alloc(200));
    expect(logger.messages.map(({ level, fields }) => [level, fields['reason']])).toEqual([
      ['error', 'nul_bytes'],
      ['error', 'wrong_container'],
    ]);
    // No loop: the next start finds nothing wrong.
    expect((await open(fs)).damaged).toEqual([]);
  });

  test('what it moved aside and removed stays so when the power goes', async () => {
    const fs = newFs();
    fs.plant(pathOf(1), Buffer.alloc(200));
    fs.plant(`${pathOf(2)}.tmp`, Buffer.from('{"version":1,'));
    const [damage] = (await open(fs)).damaged;
    // Nothing reaches the disk that was not synced.
    const after = fs.afterPowerLoss(() => 0.99);
    expect(after.files()).toEqual([`/state/cursors/${damage!.keptAs}`]);
  });

  test('keeps a bounded number of damaged files, the youngest', async () => {
    const fs = newFs();
    for (let n = 0; n < 60; n++) {
      const at = `202301${String((n % 28) + 1).padStart(2, '0')}T0000${String(n).padStart(2, '0')}.000000000Z`;
      fs.plant(`/state/cursors/${idOf(n)}.json.corrupt-${at}`, Buffer.from('x'));
    }
    fs.plant(pathOf(99), Buffer.from('damaged'));
    const [damage] = (await open(fs)).damaged;
    expect(fs.files()).toHaveLength(50);
    expect(fs.files()).toContain(`/state/cursors/${damage!.keptAs}`);
  });

  test('removes what a crash left half written, and nothing else', async () => {
    const fs = newFs();
    fs.plant(`${pathOf(1)}.tmp`, Buffer.from('{"version":1,'));
    fs.plant('/state/cursors/README', Buffer.from('mine'));
    fs.plant('/state/cursors/other.json', Buffer.from('mine'));
    const store = await open(fs);
    expect(store.all()).toEqual([]);
    expect(store.damaged).toEqual([]);
    expect(fs.files()).toEqual(['/state/cursors/README', '/state/cursors/other.json']);
  });

  test('refuses cursors of a later Pollard and changes nothing', async () => {
    const fs = newFs();
    const later = Buffer.from('{"version":7}\n');
    fs.plant(pathOf(1), Buffer.alloc(10));
    fs.plant(pathOf(2), later);
    const error = await failure(open(fs));
    expect(error).toBeInstanceOf(CursorTooNew);
    expect(error.message).toContain(pathOf(2));
    expect(fs.contentOf(pathOf(1))).toEqual(Buffer.alloc(10));
    expect(fs.contentOf(pathOf(2))).toEqual(later);
  });

  test.each([
    ['EACCES', 'read', 'cursor_read_failed'],
    ['EMFILE', 'list', 'cursor_read_failed'],
    ['EROFS', 'makePrivate', 'cursor_write_failed'],
  ])('%s on %s: refused, no cursor taken for damaged', async (errno, call, code) => {
    const fs = newFs();
    fs.plant(pathOf(1), Buffer.from(encodeCursor(cursorOf(1, 1))));
    fs.decide = (_, name) => (name === call ? errno : undefined);
    const error = await failure(open(fs));
    expect(error).toMatchObject({ code, setting: 'collector.state_dir', exit: 'state' });
    expect(fs.files()).toEqual([pathOf(1)]);
  });

  test('a cursor that the disk does not give back is damage', async () => {
    const fs = newFs();
    fs.plant(pathOf(1), Buffer.from(encodeCursor(cursorOf(1, 1))));
    fs.decide = (_, name) => (name === 'read' ? 'EIO' : undefined);
    expect((await open(fs)).damaged).toMatchObject([{ id: idOf(1), reason: 'unreadable' }]);
  });
});

describe('committing', () => {
  test('writes all bytes, however few the file system takes at once', async () => {
    const fs = newFs();
    fs.writeLimit = 7;
    const store = await open(fs);
    await store.commit(cursorOf(1, 1));
    expect(decodeCursor(fs.contentOf(pathOf(1))!)).toEqual(cursorOf(1, 1));
  });

  test('a file system that takes no bytes is an error, not an endless loop', async () => {
    const fs = newFs();
    const store = await open(fs);
    fs.writeLimit = 0;
    expect((await failure(store.commit(cursorOf(1, 1)))).code).toBe('cursor_write_failed');
    expect(fs.files()).toEqual([]);
  });

  test('in the order of the calls; what waits is written once, as its latest', async () => {
    const fs = newFs();
    const store = await open(fs);
    const done: number[] = [];
    const commits = [1, 2, 3, 4, 5].map((n) =>
      store.commit(cursorOf(1, n)).then(() => {
        done.push(n);
        // Acknowledged: what stands in the file is this position or a later one.
        expect(decodeCursor(fs.contentOf(pathOf(1))!).committedAt).toBeGreaterThanOrEqual(BigInt(n));
      }),
    );
    await Promise.all(commits);
    expect(done).toEqual([1, 2, 3, 4, 5]);
    expect(fs.calls.filter((call) => call === 'rename')).toHaveLength(2);
    expect(store.get(idOf(1))).toEqual(cursorOf(1, 5));
  });

  test('is not acknowledged before the directory is on the disk', async () => {
    const fs = newFs();
    const store = await open(fs);
    await store.commit(cursorOf(1, 1));
    fs.decide = (_, name) => (name === 'syncDir' ? 'EIO' : undefined);
    await failure(store.commit(cursorOf(1, 2)));
    expect(store.get(idOf(1))).toEqual(cursorOf(1, 1));
  });

  test('containers that commit at once share the fsync of the directory', async () => {
    const fs = newFs();
    const store = await open(fs);
    const before = fs.calls.length;
    await Promise.all(Array.from({ length: 100 }, (_, n) => store.commit(cursorOf(n, 1))));
    const syncs = fs.calls.slice(before).filter((call) => call === 'syncDir');
    expect(syncs.length).toBeLessThan(10);
  });

  test('refuses what is no id before it becomes a path', async () => {
    const fs = newFs();
    const store = await open(fs);
    const hostile = { ...cursorOf(1, 1), containerId: '../../etc/cron.d/x' };
    expect((await failure(store.commit(hostile))).code).toBe('bad_container_id');
    expect((await failure(store.forget('..'))).code).toBe('bad_container_id');
    expect(fs.files()).toEqual([]);
  });

  test('forget drops commits that wait, and comes behind one that runs', async () => {
    const fs = newFs();
    const store = await open(fs);
    await Promise.all([store.commit(cursorOf(1, 1)), store.commit(cursorOf(1, 2)), store.forget(idOf(1))]);
    expect(fs.files()).toEqual([]);
    expect(store.all()).toEqual([]);
    await Promise.all([store.forget(idOf(1)), store.commit(cursorOf(1, 3))]);
    expect(store.get(idOf(1))).toEqual(cursorOf(1, 3));
  });

  test('settled waits for everything', async () => {
    const fs = newFs();
    const store = await open(fs);
    const done: number[] = [];
    for (const n of [1, 2, 3]) void store.commit(cursorOf(n, n)).then(() => done.push(n));
    await store.settled();
    expect(done.sort()).toEqual([1, 2, 3]);
  });
});

describe('a disk that fails', () => {
  const calls = ['create', 'write', 'sync', 'close', 'rename', 'syncDir'];
  const errnos = ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES'];

  test.each(calls.flatMap((call) => errnos.map((errno) => [errno, call])))(
    '%s on %s: told with the next step; nothing left over; works again afterwards',
    async (errno, call) => {
      const fs = newFs();
      const store = await open(fs);
      await store.commit(cursorOf(1, 1));
      fs.decide = (_, name) => (name === call ? errno : undefined);
      const error = await failure(store.commit(cursorOf(1, 2)));
      expect(error).toMatchObject({
        code: 'cursor_write_failed',
        setting: 'collector.state_dir',
        exit: 'state',
      });
      expect(error.message).toContain(pathOf(1));
      expect(error.hint).not.toBe('check the file system of collector.state_dir');
      expect(store.get(idOf(1))).toEqual(cursorOf(1, 1));
      expect(fs.files()).toEqual([pathOf(1)]);

      fs.decide = () => undefined;
      await store.commit(cursorOf(1, 3));
      expect(store.get(idOf(1))).toEqual(cursorOf(1, 3));
      expect((await open(fs)).get(idOf(1))).toEqual(cursorOf(1, 3));
    },
  );

  test('fails only the commits that it met', async () => {
    const fs = newFs();
    const store = await open(fs);
    let fails = true;
    fs.decide = (_, name) => {
      if (name !== 'write' || !fails) return undefined;
      fails = false;
      return 'ENOSPC';
    };
    const results = await Promise.allSettled([1, 2, 3].map((n) => store.commit(cursorOf(1, n))));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(store.get(idOf(1))).toEqual(cursorOf(1, 3));
  });
});

test('the text of a file is what encodeCursor writes', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'pollard-cursors-'));
  try {
    const store = await CursorStore.open(dir, { clock, logger: new RecordingLogger() });
    await store.commit(cursorOf(1, 1));
    const text = await readFile(join(dir, 'cursors', `${idOf(1)}.json`), 'utf8');
    expect(text).toBe(encodeCursor(cursorOf(1, 1)));
  } finally {
    await rm(dir, { recursive: true });
  }
});
