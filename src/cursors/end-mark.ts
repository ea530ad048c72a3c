import { createHash } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cursor } from '../model/cursor.js';
import { encodeCursor } from './codec.js';
import { nodeFs } from './node-fs.js';
import { cursorWriteFailed, errnoOf } from './state-error.js';

/** A file in the state directory: the last process ended in order, and left just these cursors. */
const MARK = 'ended-in-order';

/** Whether a state directory was never used before. Throws errors of node:fs. */
export async function isUnused(stateDir: string): Promise<boolean> {
  try {
    await readdir(join(stateDir, 'cursors'));
    return false;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true;
    throw error;
  }
}

/**
 * Removes the mark of an ordered end, durably: what follows is not an ordered end until leaveEndMark says so.
 *
 * @returns whether it was there, and was left with these cursors. If not, lines may have been sent that no cursor
 *   covers: the process was killed, the machine lost power, an earlier version of Pollard ran that knows no mark, or
 *   cursors were changed since, or restored from a copy
 * @throws PollardError `cursor_write_failed`
 */
export async function takeEndMark(stateDir: string, cursors: readonly Cursor[]): Promise<boolean> {
  const path = join(stateDir, MARK);
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    let isWhole: boolean;
    try {
      const expected = await markOf(file, cursors);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(expected.length + 1));
      isWhole = buffer.toString('latin1', 0, bytesRead) === expected;
    } finally {
      await file.close();
    }
    await rm(path);
    await nodeFs.syncDir(stateDir);
    return isWhole;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw cursorWriteFailed(`cannot remove ${path}`, error);
  }
}

/**
 * Leaves the mark of an ordered end: all that was sent is covered by these cursors.
 *
 * @throws PollardError `cursor_write_failed`; without the mark the next process asks Loki more than it must
 */
export async function leaveEndMark(stateDir: string, cursors: readonly Cursor[]): Promise<void> {
  const path = join(stateDir, MARK);
  try {
    await rm(path, { force: true });
    const file = await open(path, 'wx', 0o600);
    try {
      // A mark that was written in part is none.
      await file.writeFile(await markOf(file, cursors), 'latin1');
      await file.sync();
    } finally {
      await file.close();
    }
    await nodeFs.syncDir(stateDir);
  } catch (error) {
    throw cursorWriteFailed(`cannot write ${path}`, error);
  }
}

/**
 * What a mark says. It holds for its own file only: in a copy of the state directory, such as a backup, the cursors
 * are those of the mark, but more may have been sent since.
 */
async function markOf(file: FileHandle, cursors: readonly Cursor[]): Promise<string> {
  const { ino, birthtimeNs }: BigIntStats = await file.stat({ bigint: true });
  const hash = createHash('sha256').update(`${ino} ${birthtimeNs}\n`);
  const sorted = [...cursors].sort((a, b) => (a.containerId < b.containerId ? -1 : 1));
  for (const cursor of sorted) hash.update(encodeCursor(cursor)).update('\n');
  return `${hash.digest('hex')}\n`;
}
