import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { isUnused, leaveEndMark, takeEndMark } from '../../../src/cursors/end-mark.js';
import { cursorOf } from '../../support/any-cursor.js';
import { withFolder } from '../../support/test-folder.js';

const cursors = [cursorOf(2, 7), cursorOf(1, 5)];

test('a mark that was left with the same cursors is taken once', async () => {
  await withFolder('end-mark', async (folder) => {
    await leaveEndMark(folder, cursors);
    expect(readdirSync(folder)).toEqual(['ended-in-order']);
    expect(await takeEndMark(folder, [...cursors].reverse())).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
    expect(await takeEndMark(folder, cursors)).toBe(false);
  });
});

test('a mark replaces the one that is there', async () => {
  await withFolder('end-mark', async (folder) => {
    await leaveEndMark(folder, [cursorOf(1, 4)]);
    await leaveEndMark(folder, cursors);
    expect(await takeEndMark(folder, cursors)).toBe(true);
  });
});

test.each([
  ['of which one was set back', [cursorOf(2, 6), cursorOf(1, 5)]],
  ['of which one is gone', [cursorOf(2, 7)]],
  ['to which one was added', [...cursors, cursorOf(3, 1)]],
])('a mark that was left with other cursors, %s, counts as none, and is gone', async (_, others) => {
  await withFolder('end-mark', async (folder) => {
    await leaveEndMark(folder, cursors);
    expect(await takeEndMark(folder, others)).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('a mark that was written in part, or by another hand, counts as none', async () => {
  await withFolder('end-mark', async (folder) => {
    await leaveEndMark(folder, cursors);
    const path = join(folder, 'ended-in-order');
    const whole = readFileSync(path);
    for (const content of [whole.subarray(0, 20), Buffer.alloc(0), Buffer.alloc(4096, 'a')]) {
      writeFileSync(path, content);
      expect(await takeEndMark(folder, cursors)).toBe(false);
    }
  });
});

test('a state directory is unused until there is a folder of cursors', async () => {
  await withFolder('end-mark', async (folder) => {
    expect(await isUnused(join(folder, 'state'))).toBe(true);
    expect(await isUnused(folder)).toBe(true);
    mkdirSync(join(folder, 'cursors'));
    expect(await isUnused(folder)).toBe(false);
  });
});

test('a copy of a mark counts as none: the state directory was restored', async () => {
  await withFolder('end-mark', async (folder) => {
    const path = join(folder, 'ended-in-order');
    await leaveEndMark(folder, cursors);
    copyFileSync(path, join(folder, 'backup'));
    expect(await takeEndMark(folder, cursors)).toBe(true);
    copyFileSync(join(folder, 'backup'), path);
    expect(await takeEndMark(folder, cursors)).toBe(false);
  });
});

test('a mark that cannot be removed ends the start: it would be taken for one of the next end', async () => {
  await withFolder('end-mark', async (folder) => {
    // Even root cannot take away a folder as if it were a file.
    mkdirSync(join(folder, 'ended-in-order'));
    await expect(takeEndMark(folder, cursors)).rejects.toMatchObject({
      code: 'cursor_write_failed',
      setting: 'collector.state_dir',
    });
  });
});
