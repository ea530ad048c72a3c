import { constants } from 'node:fs';
import { lstat, mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PollardError } from '../model/errors.js';
import type { Clock } from '../model/clock.js';
import { readRejectedRecord, RecordsThatFit, type RejectedLine, type Rejection } from './rejected-record.js';
import { syncDirectory } from './replace-file.js';
import type { UnstoredLines } from './unstored-lines.js';

/** Where refused lines go. */
export interface RejectedSink {
  /** Resolves when those that are kept are durable; rejects when none is to count. */
  write(rejections: readonly Rejection[]): Promise<NotKept>;
}

/** Refused lines of which no copy could be kept. */
export interface NotKept {
  readonly lines: readonly UnstoredLines[];
  /** What stood in the way; empty when all are kept. */
  readonly why: string;
}

export const ALL_KEPT: NotKept = { lines: [], why: '' };

const NEWLINE = 0x0a;
/** Written at once. */
const PIECE = 1024 * 1024;
/** Read at once. */
const READ_BYTES = 256 * 1024;
/** A longer line is none that Pollard wrote. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/**
 * The rejected-lines file: JSON lines, appended and fsynced, 0600 in a directory of 0700. One owner: the lock of
 * the state directory sees to that. Others may move it away or remove it; then it is made anew.
 */
export class RejectedFile {
  readonly #path: string;
  readonly #clock: Clock;
  #file: FileHandle;
  /** The last byte may not be a newline: a crash came between, or what was written cannot be taken back. */
  #torn: boolean;
  #last: Promise<void> = Promise.resolve();

  private constructor(path: string, clock: Clock, { file, torn }: OpenFile) {
    this.#path = path;
    this.#clock = clock;
    this.#file = file;
    this.#torn = torn;
  }

  /**
   * Opens or makes the file, and its directory.
   *
   * @throws PollardError `rejected_file_unusable`
   */
  static async open(path: string, clock: Clock): Promise<RejectedFile> {
    try {
      return new RejectedFile(path, clock, await openToAppend(path));
    } catch (error) {
      throw unusable(path, error);
    }
  }

  /**
   * Appends, in their order, as many of the entries as there is room for.
   *
   * @param maxSize of the file, bytes
   * @returns the entries that did not fit
   * @throws PollardError `rejected_file_unusable`, when a full disk or the like came between: then none was written
   */
  write(rejections: readonly Rejection[], maxSize = Infinity): Promise<readonly Rejection[]> {
    const written = this.#last.then(() => this.#append(rejections, maxSize));
    this.#last = written.then(
      () => undefined,
      () => undefined,
    );
    return written;
  }

  /**
   * Opens the file that is at the path now, if it is another one: a file that was removed takes its room as long as
   * it is open.
   *
   * @throws PollardError `rejected_file_unusable`
   */
  follow(): Promise<void> {
    const followed = this.#last.then(async () => {
      try {
        await this.#follow();
      } catch (error) {
        throw unusable(this.#path, error);
      }
    });
    this.#last = followed.catch(() => undefined);
    return followed;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#file.close();
  }

  async #append(rejections: readonly Rejection[], maxSize: number): Promise<readonly Rejection[]> {
    try {
      await this.#follow();
      const { size } = await this.#file.stat();
      const torn = this.#torn;
      this.#torn = true;
      try {
        const room = maxSize - size - (torn ? 1 : 0);
        const records = new RecordsThatFit(rejections, this.#clock.now(), room);
        await this.#writeAll(records, torn);
        this.#torn = torn && records.written === 0;
        return records.left;
      } catch (error) {
        // It will be written once more: what is there of it would then be there twice, and would eat the room
        // that somebody makes. Nothing else is ever cut off.
        const takenBack = await this.#file.truncate(size).then(
          () => true,
          () => false,
        );
        if (takenBack) this.#torn = torn;
        throw error;
      }
    } catch (error) {
      throw unusable(this.#path, error);
    }
  }

  /** After log rotation, or after someone removed what was read, lines must not go where nobody finds them. */
  async #follow(): Promise<void> {
    if (await isAt(this.#path, this.#file)) return;
    const { file, torn } = await openToAppend(this.#path);
    const before = this.#file;
    this.#file = file;
    this.#torn = torn;
    await before.close();
  }

  async #writeAll(records: RecordsThatFit, torn: boolean): Promise<void> {
    // What was torn becomes a line of its own, which readers pass over.
    let text = torn ? '\n' : '';
    for (const record of records) {
      text += record;
      if (text.length < PIECE) continue;
      await this.#file.appendFile(text);
      text = '';
    }
    if (records.written === 0) return;
    await this.#file.appendFile(text);
    await this.#file.sync();
  }
}

interface OpenFile {
  readonly file: FileHandle;
  readonly torn: boolean;
}

async function openToAppend(path: string): Promise<OpenFile> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
  const file = await open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  try {
    await file.chmod(0o600);
    await syncDirectory(dirname(path));
    return { file, torn: await endsTorn(file) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function isAt(path: string, file: FileHandle): Promise<boolean> {
  try {
    const there = await lstat(path);
    const ours = await file.stat();
    return there.ino === ours.ino && there.dev === ours.dev;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

export interface RejectedLines extends AsyncIterable<RejectedLine> {
  /** Records passed over so far: torn by a crash, or not Pollard's. */
  readonly unreadable: number;
}

/**
 * Reads a rejected-lines file, a record at a time, in bounded memory; also while it is being written.
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
        const refused = text === undefined ? undefined : readRejectedRecord(text);
        if (refused === undefined) unreadable++;
        else yield* refused;
      }
    },
  };
}

/** The file's lines; undefined for one that is too long. */
async function* lines(path: string): AsyncGenerator<string | undefined> {
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
  for await (const piece of pieces(path)) {
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

/** The file's bytes; closes it when it ends, also when the reader stops early. */
async function* pieces(path: string): AsyncGenerator<Buffer> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw unusable(path, error);
  } finally {
    await file?.close();
  }
}

async function endsTorn(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  await file.read(last, 0, 1, size - 1);
  return last[0] !== NEWLINE;
}

/** That a file of refused lines cannot be used, and what to do. */
export function unusable(path: string, cause: unknown): PollardError {
  const full = ['ENOSPC', 'EDQUOT'].includes(errnoOf(cause));
  return new PollardError('rejected_file_unusable', `${path}: ${(cause as Error).message}`, {
    setting: 'rejected.file',
    hint: full
      ? 'free space on its file system: until then no copy is kept of lines that Loki refuses; they are counted'
      : 'check the path and its permissions',
    exit: 'state',
    cause,
  });
}

function errnoOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
