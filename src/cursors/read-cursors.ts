import { join } from 'node:path';
import type { Cursor } from '../model/cursor.js';
import { CONTAINER_ID, decodeCursor, MAX_CURSOR_BYTES } from './codec.js';
import { CursorCorrupt, CursorTooNew } from './cursor-errors.js';
import type { CursorFs } from './cursor-fs.js';
import { isKept } from './file-names.js';
import { nodeFs } from './node-fs.js';
import { cursorReadFailed, errnoOf } from './state-error.js';

/** The cursors as they stand in their files, seen by someone who does not own them. */
export interface SeenCursors {
  readonly cursors: readonly Cursor[];
  /** Files that the next start of a collector will not use, or that will keep it from starting. */
  readonly unusable: readonly { readonly id: string; readonly error: CursorCorrupt | CursorTooNew }[];
  /** Damaged files that were moved aside before. */
  readonly kept: number;
}

/**
 * Reads all cursors of a state directory without its lock and without changing anything: each file is replaced
 * whole, so each is whole whenever it is read. A directory that is not there has none.
 *
 * @throws PollardError `cursor_read_failed`
 */
export async function seeCursors(stateDir: string, fs: CursorFs = nodeFs): Promise<SeenCursors> {
  const dir = join(stateDir, 'cursors');
  const names = await namesIn(fs, dir);
  const cursors: Cursor[] = [];
  const unusable: { id: string; error: CursorCorrupt | CursorTooNew }[] = [];
  for (const name of names) {
    const id = idOfFile(name);
    if (id === undefined) continue;
    try {
      cursors.push(await readCursor(fs, join(dir, name), id));
    } catch (error) {
      if (error instanceof CursorCorrupt || error instanceof CursorTooNew) unusable.push({ id, error });
      // Its container was forgotten since the directory was listed.
      else if (!isNotThere(error)) throw error;
    }
  }
  return { cursors, unusable, kept: names.filter(isKept).length };
}

/** The container that a file of the directory is the cursor of; undefined: it is no cursor. */
export function idOfFile(name: string): string | undefined {
  const id = name.endsWith('.json') ? name.slice(0, -'.json'.length) : '';
  return CONTAINER_ID.test(id) ? id : undefined;
}

/** @throws PollardError `cursor_read_failed` */
export async function listCursorDir(fs: CursorFs, dir: string): Promise<string[]> {
  try {
    return await fs.list(dir);
  } catch (error) {
    throw cursorReadFailed(`cannot list the cursors in ${dir}`, error);
  }
}

/**
 * Reads one cursor file.
 *
 * @throws CursorCorrupt, CursorTooNew
 * @throws PollardError `cursor_read_failed` when it is not given to us: taking it for damaged would lose it
 */
export async function readCursor(fs: CursorFs, path: string, id: string): Promise<Cursor> {
  let bytes: Uint8Array;
  try {
    bytes = await fs.read(path, MAX_CURSOR_BYTES + 1);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EIO' || errno === 'EISDIR') {
      throw new CursorCorrupt('unreadable', `it cannot be read: ${(error as Error).message}`, error);
    }
    throw cursorReadFailed(`cannot read the cursor ${path}`, error);
  }
  let cursor: Cursor;
  try {
    cursor = decodeCursor(bytes);
  } catch (error) {
    if (error instanceof CursorTooNew) throw error.of(path);
    throw error;
  }
  if (cursor.containerId !== id) {
    throw new CursorCorrupt('wrong_container', `it is the cursor of container ${cursor.containerId}`);
  }
  return cursor;
}

async function namesIn(fs: CursorFs, dir: string): Promise<string[]> {
  try {
    return await listCursorDir(fs, dir);
  } catch (error) {
    if (isNotThere(error)) return [];
    throw error;
  }
}

function isNotThere(error: unknown): boolean {
  return error instanceof Error && errnoOf(error.cause) === 'ENOENT';
}
