import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Cursor } from '../model/cursor.js';
import { encodeCursor } from './codec.js';
import type { CursorFs } from './cursor-fs.js';
import { cursorWriteFailed, errnoOf } from './state-error.js';

/** A file in the state directory: the last process ended in order, and left just these cursors. */
const MARK = 'ended-in-order';
const MARK_BYTES = 128;

/** Whether a state directory was never used before. Throws errors of node:fs. */
export async function isUnused(fs: CursorFs, stateDir: string): Promise<boolean> {
  try {
    await fs.list(join(stateDir, 'cursors'));
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
 *   cursors were changed or restored since
 * @throws PollardError `cursor_write_failed`
 */
export async function takeEndMark(
  fs: CursorFs,
  stateDir: string,
  cursors: readonly Cursor[],
): Promise<boolean> {
  const path = join(stateDir, MARK);
  try {
    const mark = Buffer.from(await fs.read(path, MARK_BYTES)).toString('latin1');
    await fs.remove(path);
    await fs.syncDir(stateDir);
    return mark === markOf(cursors);
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
export async function leaveEndMark(
  fs: CursorFs,
  stateDir: string,
  cursors: readonly Cursor[],
): Promise<void> {
  const path = join(stateDir, MARK);
  try {
    const file = await fs.create(path);
    try {
      // A mark that was written in part is none.
      await file.write(Buffer.from(markOf(cursors), 'latin1'));
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.syncDir(stateDir);
  } catch (error) {
    throw cursorWriteFailed(`cannot write ${path}`, error);
  }
}

function markOf(cursors: readonly Cursor[]): string {
  const hash = createHash('sha256');
  const sorted = [...cursors].sort((a, b) => (a.containerId < b.containerId ? -1 : 1));
  for (const cursor of sorted) hash.update(encodeCursor(cursor)).update('\n');
  return `${hash.digest('hex')}\n`;
}
