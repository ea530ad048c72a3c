import { join } from 'node:path';
import type { CursorFs } from '../cursors/cursor-fs.js';
import { acquireLock, StateLocked, type LockOwner, type StateLock } from '../cursors/lock.js';
import { makeDirs } from '../cursors/make-dir.js';
import { errnoOf } from '../cursors/state-error.js';
import { replaceFile } from '../loki/replace-file.js';
import { PollardError } from '../model/errors.js';
import { NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import { decodeProgress, encodeProgress, MAX_PROGRESS_BYTES, type ReadProgress } from './progress-file.js';
import type { RunProgress } from './progress.js';

const DAY = 86_400n * NS_PER_SECOND;
/** The progress of a finished run is kept for so long, ns. */
const KEPT_FINISHED = 7n * DAY;
/** That of an interrupted one, on which nobody has worked since. */
const KEPT_INTERRUPTED = 30n * DAY;
const SUFFIX = '.json';

/** One progress file, as it was found. */
export interface StoredRun {
  readonly name: string;
  readonly read: ReadProgress;
}

/**
 * The progress files of all runs, in `<state_dir>/backfill`. Each run holds the lock of its name while it works. The
 * service's lock and cursors are not touched.
 */
export class ProgressStore {
  readonly #fs: CursorFs;
  /** Where the files are. */
  readonly dir: string;

  constructor(fs: CursorFs, stateDir: string) {
    this.#fs = fs;
    this.dir = join(stateDir, 'backfill');
  }

  /**
   * Takes the name for this process.
   *
   * @throws PollardError `backfill_running` when another process works on the run, `cursor_write_failed` when the
   *   directory cannot be written
   */
  async lock(name: string, owner: LockOwner): Promise<StateLock> {
    try {
      return await acquireLock(this.dir, owner, `${name}.lock`);
    } catch (error) {
      if (!(error instanceof StateLocked)) throw error;
      const by = error.owner === undefined ? 'another process' : `process ${error.owner.pid}`;
      throw new PollardError('backfill_running', `the backfill ${name} is being worked on by ${by}`, {
        setting: '--name',
        hint: 'wait until it ends, stop it and run this again, or give this run another --name',
        exit: 'locked',
        cause: error,
      });
    }
  }

  /**
   * The progress file of a run; undefined: there is none.
   *
   * @throws PollardError `backfill_progress_unreadable`
   */
  async read(name: string): Promise<ReadProgress | undefined> {
    try {
      return decodeProgress(await this.#fs.read(this.#path(name), MAX_PROGRESS_BYTES));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw unusable('backfill_progress_unreadable', this.#path(name), error);
    }
  }

  /**
   * Replaces the progress file of a run, durably.
   *
   * @throws PollardError `backfill_progress_unwritable`; the old file is then as it was
   */
  async write(run: RunProgress): Promise<void> {
    try {
      await makeDirs(this.#fs, this.dir);
      await replaceFile(this.#path(run.name), encodeProgress(run));
    } catch (error) {
      throw unusable('backfill_progress_unwritable', this.#path(run.name), error);
    }
  }

  /** Moves a damaged file out of the way, for whoever wants to look at it. */
  async setAside(name: string): Promise<string> {
    const path = this.#path(name);
    const aside = `${path}.damaged`;
    try {
      await this.#fs.rename(path, aside);
      return aside;
    } catch (error) {
      throw unusable('backfill_progress_unwritable', path, error);
    }
  }

  /**
   * All runs there are, by name.
   *
   * @throws PollardError `backfill_progress_unreadable`
   */
  async list(): Promise<StoredRun[]> {
    const names = await this.#names();
    const runs: StoredRun[] = [];
    for (const name of names) {
      const read = await this.read(name);
      if (read !== undefined) runs.push({ name, read });
    }
    return runs;
  }

  /** Removes runs that were finished a week ago, or left a month ago. What is in use or cannot be removed stays. */
  async removeOld(now: Nanoseconds, owner: LockOwner): Promise<void> {
    for (const { name, read } of await this.list()) {
      if (read.kind !== 'run') continue;
      const { finishedAt, updatedAt } = read.run;
      const isOld =
        finishedAt === undefined ? updatedAt < now - KEPT_INTERRUPTED : finishedAt < now - KEPT_FINISHED;
      if (!isOld) continue;
      try {
        const lock = await this.lock(name, owner);
        try {
          await this.#fs.remove(this.#path(name));
          await this.#fs.remove(lock.path);
        } finally {
          lock.release();
        }
      } catch {
        // In use, or not ours to remove: the next run tries again.
      }
    }
  }

  async #names(): Promise<string[]> {
    try {
      const found = await this.#fs.list(this.dir);
      return found
        .filter((file) => file.endsWith(SUFFIX))
        .map((file) => file.slice(0, -SUFFIX.length))
        .sort();
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw unusable('backfill_progress_unreadable', this.dir, error);
    }
  }

  #path(name: string): string {
    return join(this.dir, `${name}${SUFFIX}`);
  }
}

/** The error for a file that a later Pollard wrote. */
export function newerProgress(name: string, version: number): PollardError {
  return new PollardError(
    'backfill_progress_newer',
    `the progress of the backfill ${name} has version ${version}, which a later Pollard wrote`,
    {
      setting: '--name',
      hint: 'run it with that version, or give this run another --name; --restart begins it again with this version',
      exit: 'state',
    },
  );
}

function unusable(code: string, path: string, cause: unknown): PollardError {
  const full = ['ENOSPC', 'EDQUOT'].includes(errnoOf(cause));
  return new PollardError(code, `${path}: ${(cause as Error).message}`, {
    setting: 'collector.state_dir',
    hint: full
      ? 'free space on its file system: without a progress file an interrupted run begins again'
      : 'run this as the user that owns collector.state_dir, and check its permissions',
    exit: 'state',
    cause,
  });
}
