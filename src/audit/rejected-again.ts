import { access } from 'node:fs/promises';
import { ALL_KEPT, RejectedFile, type NotKept, type RejectedSink } from '../loki/rejected.js';
import type { Rejection } from '../loki/rejected-record.js';
import type { Clock } from '../model/clock.js';

/**
 * Where lines go that are refused once more: a new file beside the first one, made only when there is such a
 * line. `FILE.again`, or the first of `FILE.again.2`, `FILE.again.3`... that does not exist.
 */
export class RejectedAgain implements RejectedSink {
  readonly #original: string;
  readonly #clock: Clock;
  #file: Promise<{ readonly path: string; readonly file: RejectedFile }> | undefined;
  #path: string | undefined;

  /** @param original the path of the first file */
  constructor(original: string, clock: Clock) {
    this.#original = original;
    this.#clock = clock;
  }

  /** The new file; undefined while there is none. */
  get path(): string | undefined {
    return this.#path;
  }

  /** Keeps all of them. @throws PollardError `rejected_file_unusable` */
  async write(rejections: readonly Rejection[]): Promise<NotKept> {
    this.#file ??= this.#make();
    try {
      const { path, file } = await this.#file;
      this.#path = path;
      await file.write(rejections);
      return ALL_KEPT;
    } catch (error) {
      // One that could not be made may be made at the next try.
      if (this.#path === undefined) this.#file = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    const made = await this.#file?.catch(() => undefined);
    await made?.file.close();
  }

  async #make(): Promise<{ path: string; file: RejectedFile }> {
    let path = `${this.#original}.again`;
    for (let number = 2; await exists(path); number++) path = `${this.#original}.again.${number}`;
    return { path, file: await RejectedFile.open(path, this.#clock) };
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    // Whatever else is wrong with the place is said when the file is made.
    return false;
  }
}
