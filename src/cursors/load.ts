import { join } from 'node:path';
import type { Clock } from '../model/clock.js';
import type { Cursor } from '../model/cursor.js';
import type { Logger } from '../model/logger.js';
import { CursorCorrupt } from './cursor-errors.js';
import type { CursorFs } from './cursor-fs.js';
import { cursorFile, isLeftover, keptName, outdatedKept } from './file-names.js';
import { idOfFile, listCursorDir, readCursor } from './read-cursors.js';
import { cursorWriteFailed } from './state-error.js';
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
  const names = await listCursorDir(fs, dir);
  const cursors = new Map<string, Cursor>();
  const corrupt = new Map<string, CursorCorrupt>();
  for (const name of names) {
    const id = idOfFile(name);
    if (id === undefined) continue;
    try {
      cursors.set(id, await readCursor(fs, join(dir, name), id));
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
