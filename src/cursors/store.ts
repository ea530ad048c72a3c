import { join } from 'node:path';
import type { Clock } from '../model/clock.js';
import type { Cursor } from '../model/cursor.js';
import { PollardError } from '../model/errors.js';
import type { Logger } from '../model/logger.js';
import { CONTAINER_ID, encodeCursor } from './codec.js';
import type { CursorFile, CursorFs } from './cursor-fs.js';
import { cursorFile, temporaryFile } from './file-names.js';
import { loadCursors, type DamagedCursor, type LoadedCursors } from './load.js';
import { makeDirs } from './make-dir.js';
import { nodeFs } from './node-fs.js';
import { SharedSync } from './shared-sync.js';
import { cursorWriteFailed, errnoOf } from './state-error.js';
import { WriteQueue, type Wanted } from './write-queue.js';

export interface CursorStoreOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: the machine's. */
  readonly fs?: CursorFs;
}

/**
 * The durable positions: one file a container, `<state_dir>/cursors/<container id>.json`.
 *
 * A file is replaced, never changed: written under another name, fsynced, renamed, and the directory fsynced. So
 * after a crash or a loss of power each file is whole, and holds the last acknowledged position or a later one.
 * One process at a time may use a directory: see acquireLock.
 */
export class CursorStore {
  /** Cursors that could not be used when the store was opened. */
  readonly damaged: readonly DamagedCursor[];
  readonly #fs: CursorFs;
  readonly #dir: string;
  readonly #cursors: Map<string, Cursor>;
  readonly #queues = new Map<string, WriteQueue>();
  readonly #dirSync: SharedSync;

  private constructor(fs: CursorFs, dir: string, loaded: LoadedCursors) {
    this.#fs = fs;
    this.#dir = dir;
    this.#cursors = loaded.cursors;
    this.damaged = loaded.damaged;
    this.#dirSync = new SharedSync(() => fs.syncDir(dir));
  }

  /**
   * Makes the directories (0700) and loads every cursor. Damaged files are moved aside, kept, and said.
   *
   * @param stateDir `collector.state_dir`
   * @throws CursorTooNew when a later Pollard wrote one of them
   * @throws PollardError `cursor_read_failed`, `cursor_write_failed`
   */
  static async open(stateDir: string, options: CursorStoreOptions): Promise<CursorStore> {
    const { fs = nodeFs, clock, logger } = options;
    const dir = join(stateDir, 'cursors');
    try {
      await makeDirs(fs, dir);
      await fs.makePrivate(dir);
    } catch (error) {
      throw cursorWriteFailed(`cannot make the directory ${dir}`, error);
    }
    return new CursorStore(fs, dir, await loadCursors(fs, dir, clock, logger));
  }

  /** The last position of a container that is known to be durable. */
  get(containerId: string): Cursor | undefined {
    return this.#cursors.get(containerId);
  }

  /** All of them. */
  all(): Cursor[] {
    return [...this.#cursors.values()];
  }

  /**
   * Resolves when this position, or one committed later for the same container, survives a loss of power.
   * Positions of one container are written in the order of the calls.
   *
   * @throws PollardError `cursor_write_failed`; the store stays usable, and a later commit may succeed
   */
  async commit(cursor: Cursor): Promise<void> {
    await this.#put(cursor.containerId, cursor);
  }

  /**
   * Removes the cursor of a container; commits of it that wait are dropped.
   *
   * @throws PollardError `cursor_write_failed`
   */
  async forget(containerId: string): Promise<void> {
    // Also when none is known: a commit whose last fsync failed may have left a file.
    await this.#put(containerId, undefined);
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    while (this.#queues.size > 0) {
      await Promise.all([...this.#queues.values()].map((queue) => queue.settled()));
    }
  }

  async #put(id: string, wanted: Wanted): Promise<void> {
    if (!CONTAINER_ID.test(id)) throw notAnId(id);
    let queue = this.#queues.get(id);
    if (queue === undefined) {
      queue = new WriteQueue(
        (state) => this.#write(id, state),
        () => this.#queues.delete(id),
      );
      this.#queues.set(id, queue);
    }
    await queue.put(wanted);
  }

  async #write(id: string, wanted: Wanted): Promise<void> {
    const path = join(this.#dir, cursorFile(id));
    try {
      if (wanted) await this.#replace(id, path, wanted);
      else await this.#removeIfThere(path);
      await this.#dirSync.sync();
    } catch (error) {
      throw cursorWriteFailed(`cannot write the cursor ${path}`, error);
    }
    if (wanted) this.#cursors.set(id, wanted);
    else this.#cursors.delete(id);
  }

  async #replace(id: string, path: string, cursor: Cursor): Promise<void> {
    const temporary = join(this.#dir, temporaryFile(id));
    try {
      const file = await this.#fs.create(temporary);
      await writeAndClose(file, Buffer.from(encodeCursor(cursor)));
      await this.#fs.rename(temporary, path);
    } catch (error) {
      // A full disk needs the space back. What cannot be removed either goes at the next start.
      await this.#fs.remove(temporary).catch(() => undefined);
      throw error;
    }
  }

  async #removeIfThere(path: string): Promise<void> {
    try {
      await this.#fs.remove(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}

async function writeAndClose(file: CursorFile, bytes: Uint8Array): Promise<void> {
  try {
    let written = 0;
    while (written < bytes.length) {
      const took = await file.write(bytes.subarray(written));
      if (took === 0) throw new Error('the file system took no bytes');
      written += took;
    }
    // Never tried again after a failure: the kernel may have dropped the bytes and then report success.
    await file.sync();
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
  await file.close();
}

function notAnId(id: string): PollardError {
  return new PollardError(
    'bad_container_id',
    `not the id of a container: ${JSON.stringify(id.slice(0, 100))}`,
    {
      hint: 'check that docker.host is a Docker Engine',
    },
  );
}
