import { access, constants, lstat, readFile, rename, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../model/clock.js';
import { PollardError } from '../model/errors.js';
import { sharedController } from '../model/shared-controller.js';
import { olderRejectedFile, rejectedSummaryFile } from './rejected-paths.js';
import type { Rejection } from './rejected-record.js';
import { RejectedSummary } from './rejected-summary.js';
import { ALL_KEPT, RejectedFile, type NotKept, type RejectedSink } from './rejected.js';
import { replaceFile } from './replace-file.js';
import { unstored, type UnstoredLines } from './unstored-lines.js';

/** Why no copy of a refused line can be kept at present. */
export interface RejectedTrouble {
  readonly reason: string;
  /** What to do next. */
  readonly hint: string;
}

export interface RejectedStoreOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Of both files and the summary together (`rejected.max_bytes`). */
  readonly maxBytes: number;
  /** The files belong to another process: they are only appended to, and the summary is not written. */
  readonly isGuest?: boolean;
  /** Told when copies can no longer be kept, and with undefined when they can be again. */
  readonly onTrouble?: (trouble: RejectedTrouble | undefined) => void;
}

/** What is left free of a file system, so that the cursors, which are often on the same one, can be written. */
const RESERVED_PART = 8;
const MOST_RESERVED = 16 * 1024 * 1024;
/** The summary's part of the room. */
const SUMMARY_PART = 16;
const MOST_SUMMARY = 1024 * 1024;
const LEAST_ROOM = 16 * 1024;
/** ms between two looks at whether there is room again. */
const LOOK_AGAIN = 30_000;

/**
 * Copies of the lines that Loki refuses, within a bound: when the file has half of the room it becomes the older one,
 * as long as there is none; nothing that was written is ever removed. What finds no room, or cannot be written, is
 * counted in the summary instead. So neither the bound nor a full disk stops what Loki accepts.
 */
export class RejectedStore implements RejectedSink {
  readonly #options: RejectedStoreOptions;
  readonly #summaryBytes: number;
  /** Bytes. With less, the room counts as used up. */
  readonly #leastRoom: number;
  readonly #closed = sharedController();
  /** Undefined: the disk was full when it was to be made. */
  #file: RejectedFile | undefined;
  #summary: RejectedSummary;
  /** Read or written by this store, and not removed by it. */
  #summaryIsThere: boolean;
  #last: Promise<unknown> = Promise.resolve();
  #trouble: RejectedTrouble | undefined;
  #looking: Promise<void> | undefined;

  private constructor(
    options: RejectedStoreOptions,
    file: RejectedFile | undefined,
    kept: string | undefined,
  ) {
    this.#options = options;
    const part = Math.floor(options.maxBytes / SUMMARY_PART);
    this.#summaryBytes = Math.min(part, MOST_SUMMARY);
    this.#leastRoom = Math.min(part, LEAST_ROOM);
    this.#file = file;
    this.#summary = readSummary(kept);
    this.#summaryIsThere = kept !== undefined;
  }

  /**
   * Opens or makes the file, and its directory. A full disk is no error: the file is made once there is room.
   *
   * @throws PollardError `rejected_file_unusable`
   */
  static async open(options: RejectedStoreOptions): Promise<RejectedStore> {
    const { path, clock } = options;
    let file: RejectedFile | undefined;
    try {
      file = await RejectedFile.open(path, clock);
    } catch (error) {
      if (!isFullDisk(error)) throw error;
    }
    return new RejectedStore(options, file, await textIfThere(rejectedSummaryFile(path)));
  }

  /** Never rejects for the sake of the disk: what cannot be written is not kept. */
  async write(rejections: readonly Rejection[]): Promise<NotKept> {
    return await this.#next(() => this.#write(rejections));
  }

  /** Counts lines of which no copy is wanted. Resolves when the count is durable, or cannot be made so. */
  async count(lines: readonly UnstoredLines[]): Promise<void> {
    await this.#next(() => this.#count(lines));
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the rejected-lines file is closed'));
    await this.#looking;
    await this.#last;
    await this.#file?.close();
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  async #write(rejections: readonly Rejection[]): Promise<NotKept> {
    let left = rejections;
    let trouble: RejectedTrouble | undefined;
    try {
      const { path, clock } = this.#options;
      this.#file ??= await RejectedFile.open(path, clock);
      await this.#file.follow();
      let room = await this.#room();
      left = await this.#file.write(left, room.maxSize);
      if (left.length > 0 && room.rotates) {
        await rename(path, olderRejectedFile(path));
        room = await this.#room();
        left = await this.#file.write(left, room.maxSize);
      }
      if (left.length > 0) trouble = room.trouble;
    } catch (error) {
      trouble = troubleOf(error, this.#options.path);
    }
    if (trouble !== undefined) this.#set(trouble);
    // Near the bound short lines find room and long ones do not: the trouble is over when there is room for some.
    else if (this.#trouble !== undefined) await this.#look();
    if (left.length === 0) return ALL_KEPT;
    const lines = left.map(({ entries, kind, reason }) => unstored(entries, kind, reason));
    await this.#count(lines);
    return { lines, why: trouble?.reason ?? '' };
  }

  async #count(lines: readonly UnstoredLines[]): Promise<void> {
    const { path, clock, isGuest } = this.#options;
    if (isGuest === true) return;
    const summaryPath = rejectedSummaryFile(path);
    try {
      // Somebody has seen it and removed it: counting begins anew.
      if (this.#summaryIsThere && (await sizeOf(summaryPath)) === undefined) {
        this.#summary = RejectedSummary.EMPTY;
      }
      this.#summary = this.#summary.with(lines).within(this.#summaryBytes);
      await replaceFile(summaryPath, this.#summary.toText(clock.now()));
      this.#summaryIsThere = true;
    } catch (error) {
      // It is kept in memory, and written with the next lines that are counted.
      if (this.#trouble === undefined) this.#set(troubleOf(error, summaryPath));
    }
  }

  /** How large the file may become, and what stands in the way of more. */
  async #room(): Promise<{ maxSize: number; rotates: boolean; trouble: RejectedTrouble }> {
    const { path, maxBytes, isGuest } = this.#options;
    const older = await sizeOf(olderRejectedFile(path));
    const size = (await sizeOf(path)) ?? 0;
    const all = maxBytes - this.#summaryBytes;
    const share = Math.min(Math.floor(all / 2), all - (older ?? 0));
    const free = await freeBytes(dirname(path));
    if (size + free < share) {
      const reason = `the file system of ${path} is full, but for what cursors need`;
      const hint = 'free space on it; until then lines that Loki refuses are counted and not kept';
      return { maxSize: size + free, rotates: false, trouble: { reason, hint } };
    }
    const reason = `${path} and ${olderRejectedFile(path)} have reached rejected.max_bytes (${maxBytes} bytes)`;
    const hint =
      'send the lines again with pollard resend and remove the files, or raise rejected.max_bytes; until then lines that Loki refuses are counted and not kept';
    const rotates = isGuest !== true && older === undefined && size > share / 2;
    return { maxSize: share, rotates, trouble: { reason, hint } };
  }

  #set(trouble: RejectedTrouble | undefined): void {
    const { onTrouble } = this.#options;
    const before = this.#trouble;
    this.#trouble = trouble;
    if (onTrouble === undefined || before?.reason === trouble?.reason) return;
    onTrouble(trouble);
    if (trouble !== undefined) this.#looking ??= this.#lookAgain();
  }

  /** Perhaps nothing more is refused that would show that the trouble is over. Ends with it, or when closed. */
  async #lookAgain(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closed;
    try {
      do {
        signal.throwIfAborted();
        await clock.sleep(LOOK_AGAIN, signal);
      } while (!(await this.#next(() => this.#look())));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    this.#looking = undefined;
  }

  /** @returns whether the trouble is over */
  async #look(): Promise<boolean> {
    if (this.#trouble === undefined) return true;
    const { path, clock } = this.#options;
    try {
      this.#file ??= await RejectedFile.open(path, clock);
      await this.#file.follow();
      await access(path, constants.W_OK);
      const { maxSize, rotates } = await this.#room();
      const size = (await sizeOf(path)) ?? 0;
      if (!rotates && maxSize - size < this.#leastRoom) return false;
    } catch {
      return false;
    }
    this.#set(undefined);
    return true;
  }
}

function readSummary(text: string | undefined): RejectedSummary {
  if (text === undefined) return RejectedSummary.EMPTY;
  try {
    return RejectedSummary.parse(text);
  } catch {
    // It is replaced by one that can be read.
    return RejectedSummary.EMPTY;
  }
}

async function textIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Undefined: there is no such file. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).size;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** What may be used of a file system; Infinity where it does not say. */
async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    if (blocks === 0) return Infinity;
    const reserved = Math.min((blocks * bsize) / RESERVED_PART, MOST_RESERVED);
    return Math.max(0, bavail * bsize - reserved);
  } catch (error) {
    if (errnoOf(error) === 'ENOSYS') return Infinity;
    throw error;
  }
}

function troubleOf(error: unknown, path: string): RejectedTrouble {
  if (error instanceof PollardError) return { reason: error.message, hint: error.hint ?? '' };
  if (errnoOf(error) === '') throw error;
  const hint = 'look at the file system of rejected.file and its permissions';
  return { reason: `${path}: ${(error as Error).message}`, hint };
}

function isFullDisk(error: unknown): boolean {
  return error instanceof PollardError && ['ENOSPC', 'EDQUOT'].includes(errnoOf(error.cause));
}

function errnoOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? '';
}
