import { join } from 'node:path';
import type { Clock } from '../model/clock.js';
import type { Cursor } from '../model/cursor.js';
import type { Logger } from '../model/logger.js';
import { CONTAINER_ID, decodeCursor, MAX_CURSOR_BYTES } from './codec.js';
import { CursorCorrupt, CursorTooNew } from './cursor-errors.js';
import type { CursorFs } from './cursor-fs.js';
import { cursorFile, isLeftover, keptName, outdatedKept } from './file-names.js';
import { cursorReadFailed, cursorWriteFailed, errnoOf } from './state-error.js';
import type { CorruptReason } from './cursor-errors.js';

/** A cursor file that could not be used. The start policy applies to its container. */
export interface DamagedCursor {
  readonly id: string;
  readonly reason: CorruptReason;
  /** Where the file was moved to. */
  readonly keptAs: string;
}

export interface LoadedCursors {
  readonly cursors: Map<string, Cursor>;
  readonly damaged: readonly DamagedCursor[];
}

/**
 * Reads all cursor files of a directory. Damaged ones are moved aside and said, a limited number of them is
 * kept; what a crash left half written is removed.
 *
 * @throws CursorTooNew before anything was changed, when a later Pollard wrote one of them
 * @throws PollardError `cursor_read_failed` or `cursor_write_failed` when the directory is not usable
 */
export async function loadCursors(
  fs: CursorFs,
  dir: string,
  clock: Clock,
  logger: Logger,
): Promise<LoadedCursors> {
  const names = await list(fs, dir);
  const cursors = new Map<string, Cursor>();
  const corrupt = new Map<string, CursorCorrupt>();
  for (const name of names) {
    const id = name.endsWith('.json') ? name.slice(0, -'.json'.length) : '';
    if (!CONTAINER_ID.test(id)) continue;
    try {
      cursors.set(id, await load(fs, join(dir, name), id));
    } catch (error) {
      if (!(error instanceof CursorCorrupt)) throw error;
      corrupt.set(id, error);
    }
  }
  const damaged: DamagedCursor[] = [];
  try {
    for (const [id, error] of corrupt) damaged.push(await moveAside(fs, dir, id, error, clock, logger));
    const leftovers = names.filter(isLeftover);
    const outdated = outdatedKept([...names, ...damaged.map(({ keptAs }) => keptAs)]);
    for (const name of [...leftovers, ...outdated]) await fs.remove(join(dir, name));
    if (leftovers.length > 0) {
      logger.info('removed what a crash left half written', { directory: dir, files: leftovers.length });
    }
    if (damaged.length + leftovers.length + outdated.length > 0) await fs.syncDir(dir);
  } catch (error) {
    throw cursorWriteFailed(`cannot tidy up the cursors in ${dir}`, error);
  }
  return { cursors, damaged };
}

async function list(fs: CursorFs, dir: string): Promise<string[]> {
  try {
    return await fs.list(dir);
  } catch (error) {
    throw cursorReadFailed(`cannot list the cursors in ${dir}`, error);
  }
}

async function load(fs: CursorFs, path: string, id: string): Promise<Cursor> {
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

async function moveAside(
  fs: CursorFs,
  dir: string,
  id: string,
  error: CursorCorrupt,
  clock: Clock,
  logger: Logger,
): Promise<DamagedCursor> {
  const keptAs = keptName(id, clock.now());
  await fs.rename(join(dir, cursorFile(id)), join(dir, keptAs));
  logger.error('a cursor is damaged and was kept aside: the start policy applies to its container', {
    containerId: id,
    reason: error.reason,
    detail: error.message,
    keptAs: join(dir, keptAs),
  });
  return { id, reason: error.reason, keptAs };
}
