import { constants } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PollardError } from '../model/errors.js';
import type { Clock } from '../model/clock.js';
import { readRejectedRecord, rejectedRecords, type RejectedLine, type Rejection } from './rejected-record.js';

/** Where refused lines go. Resolves when they are durable; rejects when they are not, and then none counts. */
export interface RejectedSink {
  write(rejections: readonly Rejection[]): Promise<void>;
}

const NEWLINE = 0x0a;
/** Written at once. */
const PIECE = 1024 * 1024;
/** A longer line is none that Pollard wrote. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/**
 * The rejected-lines file: JSON lines, appended and fsynced, 0600 in a directory of 0700. One owner: the lock of
 * the state directory sees to that.
 */
export class RejectedFile implements RejectedSink {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #clock: Clock;
  /** The last byte may not be a newline: a crash, or a full disk, came between. */
  #torn: boolean;
  #last: Promise<void> = Promise.resolve();

  private constructor(path: string, file: FileHandle, clock: Clock, torn: boolean) {
    this.#path = path;
    this.#file = file;
    this.#clock = clock;
    this.#torn = torn;
  }

  /**
   * Opens or makes the file, and its directory.
   *
   * @throws PollardError `rejected_file_unusable`
   */
  static async open(path: string, clock: Clock): Promise<RejectedFile> {
    let file: FileHandle | undefined;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
      file = await open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
      await file.chmod(0o600);
      await syncDirectory(dirname(path));
      return new RejectedFile(path, file, clock, await endsTorn(file));
    } catch (error) {
      await file?.close();
      throw unusable(path, error);
    }
  }

  /** @throws PollardError `rejected_file_unusable`, when a full disk or the like came between */
  write(rejections: readonly Rejection[]): Promise<void> {
    const written = this.#last.then(() => this.#append(rejections));
    this.#last = written.catch(() => undefined);
    return written;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#file.close();
  }

  async #append(rejections: readonly Rejection[]): Promise<void> {
    try {
      // What was torn becomes a line of its own, which readers pass over; nothing is ever cut off here.
      let text = this.#torn ? '\n' : '';
      this.#torn = true;
      const now = this.#clock.now();
      for (const rejection of rejections) {
        for (const record of rejectedRecords(rejection, now)) {
          text += record;
          if (text.length < PIECE) continue;
          await this.#file.appendFile(text);
          text = '';
        }
      }
      await this.#file.appendFile(text);
      await this.#file.sync();
      this.#torn = false;
    } catch (error) {
      throw unusable(this.#path, error);
    }
  }
}

export interface RejectedLines extends AsyncIterable<RejectedLine> {
  /** Lines passed over so far: torn by a crash, or not Pollard's. */
  readonly unreadable: number;
}

/**
 * Reads a rejected-lines file, a line at a time, in bounded memory; also while it is being written.
 *
 * @throws PollardError `rejected_file_unusable` while iterating, when the file cannot be read
 */
export function readRejectedFile(path: string): RejectedLines {
  let unreadable = 0;
  return {
    get unreadable() {
      return unreadable;
    },
    async *[Symbol.asyncIterator]() {
      for await (const text of lines(path)) {
        if (text?.trim() === '') continue;
        const record = text === undefined ? undefined : readRejectedRecord(text);
        if (record === undefined) unreadable++;
        else yield record;
      }
    },
  };
}

/** The file's lines; undefined for one that is too long. */
async function* lines(path: string): AsyncGenerator<string | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw unusable(path, error);
  }
  // Closes the file when it ends, also when the reader stops early.
  const stream = file.createReadStream({ highWaterMark: 256 * 1024 });
  let parts: Buffer[] = [];
  let bytes = 0;
  const take = (): string | undefined => {
    const text = bytes > MAX_RECORD_BYTES ? undefined : Buffer.concat(parts).toString('utf8');
    parts = [];
    bytes = 0;
    return text;
  };
  const keep = (part: Buffer): void => {
    bytes += part.length;
    if (bytes <= MAX_RECORD_BYTES) parts.push(part);
    else parts = [];
  };
  for await (const piece of readable(stream, path)) {
    let from = 0;
    for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, from)) {
      keep(piece.subarray(from, at));
      yield take();
      from = at + 1;
    }
    keep(piece.subarray(from));
  }
  if (bytes > 0) yield take();
}

async function* readable(stream: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  try {
    yield* stream;
  } catch (error) {
    throw unusable(path, error);
  }
}

async function endsTorn(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  await file.read(last, 0, 1, size - 1);
  return last[0] !== NEWLINE;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } catch (error) {
    // Some file systems cannot, and say so.
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoOf(error))) throw error;
  } finally {
    await directory.close();
  }
}

function unusable(path: string, cause: unknown): PollardError {
  const full = ['ENOSPC', 'EDQUOT'].includes(errnoOf(cause));
  return new PollardError('rejected_file_unusable', `${path}: ${(cause as Error).message}`, {
    setting: 'rejected.file',
    hint: full
      ? 'make room on the disk: until then the refused lines are kept in memory and nothing is committed'
      : 'check the path and its permissions',
    exit: 'state',
    cause,
  });
}

function errnoOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
