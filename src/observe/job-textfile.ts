import { constants } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PollardError } from '../model/errors.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import { jobMetrics, lastSuccessIn, type JobRun } from './job-metrics.js';

/** Bytes that are read of the previous file; an undamaged one has less than 2 KiB. */
const MOST_BYTES = 64 * 1024;
/** node_exporter runs as another user, and the umask may be 077, as in the systemd units. */
const MODE = 0o644;

/**
 * The file of one command in a directory of node_exporter's textfile collector, which reads every `*.prom` file there at
 * each scrape. The file is therefore replaced atomically, through a temporary file whose name does not end in `.prom`.
 */
export class JobTextfile {
  readonly path: string;
  readonly #command: string;

  /** @param directory must exist */
  constructor(directory: string, command: string) {
    this.path = join(directory, `pollard_${command}.prom`);
    this.#command = command;
  }

  /**
   * Replaces the file with the result of this run. If the run failed, the time of the last success is carried over from
   * the previous file; if that is missing or damaged, there was none.
   *
   * @throws PollardError `job_textfile_unwritable`; the previous file is then unchanged
   */
  async write(run: JobRun): Promise<void> {
    try {
      await this.#replace(await jobMetrics(run, await this.#lastSuccess(run.endedAt)));
    } catch (error) {
      const { message } = error as NodeJS.ErrnoException;
      throw new PollardError(
        'job_textfile_unwritable',
        `warning: the result of this run could not be written to ${this.path}: ${message}`,
        {
          hint: 'check that metrics.textfile is a directory that this user may write to (in a systemd unit: ReadWritePaths=); the run and its exit code are not affected',
          setting: 'metrics.textfile',
          cause: error,
        },
      );
    }
  }

  async #lastSuccess(now: Nanoseconds): Promise<number> {
    try {
      return lastSuccessIn(await beginningOf(this.path), this.#command, now);
    } catch {
      // Missing or unreadable: it is replaced all the same.
      return 0;
    }
  }

  async #replace(text: string): Promise<void> {
    const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
    // One per process: two runs may end at the same time.
    const temporary = `${this.path}.${process.pid}.tmp`;
    try {
      const file = await open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, MODE);
      try {
        await file.chmod(MODE);
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
  }
}

/** The first bytes of a file. O_NONBLOCK: a named pipe at this path must not block the command. */
async function beginningOf(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(MOST_BYTES);
    const { bytesRead } = await file.read(buffer, 0, MOST_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
