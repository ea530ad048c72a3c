import type { StreamName } from '../../model/container.js';
import type { Nanoseconds } from '../../model/nanoseconds.js';
import { StreamCopier } from './copier.js';
import type { LogEntry } from './entry.js';
import { throughJson } from './go-utf8.js';
import { LogFiles, type LogFileState, type RotationOptions, type Spoilt } from './log-files.js';
import { readLog, type LogQuery, type LogReading } from './read-log.js';
import { ENGINE_PROFILES, type EngineProfile, type SinceGeneration } from './profile.js';

/** How a log driver keeps its entries. `cache`: the local cache in front of a driver that cannot be read. */
export type LogFormat = 'json-file' | 'local' | 'cache' | 'journald';

export interface EngineLogOptions extends Partial<RotationOptions> {
  /** Default json-file. */
  readonly format?: LogFormat;
  /** All is stdout, and a newline comes as CR LF. */
  readonly tty?: boolean;
  /** Default: Engine 28.5. */
  readonly profile?: EngineProfile;
  /** Told of each entry that can be shown as it is logged, with its number over the log's life. */
  readonly onEntry?: (entry: LogEntry, sequence: number) => void;
}

/** `max-size` and `max-file` of driver local and of the cache (moby: daemon/logger/local/config.go). */
const LOCAL_ROTATION: RotationOptions = { maxSize: { bytes: 20_000_000 }, maxFiles: 5, compress: true };
/** json-file does not rotate by default (moby: daemon/logger/jsonfilelog/jsonfilelog.go). */
const NO_ROTATION: RotationOptions = { maxFiles: 1, compress: false };

const NEWLINE = Buffer.from('\n');
const CRLF = Buffer.from('\r\n');
/** What stands around the text of a json-file line, and of a record of driver local, in bytes. */
const JSON_OVERHEAD = 71;
const LOCAL_OVERHEAD = 31;

/**
 * The log of one container, without any I/O: what its process writes goes in with stamps, what a reader would
 * be told comes out. Every rule names the source it was read from, in moby's repository.
 */
export class EngineLog {
  readonly format: LogFormat;
  readonly tty: boolean;
  readonly profile: EngineProfile;
  readonly #files: LogFiles;
  readonly #onEntry: ((entry: LogEntry, sequence: number) => void) | undefined;
  /**
   * Called while an answer is read, for what the container writes meanwhile. A log in files is answered as it was when
   * the reading began. journald is not: its driver goes back by `tail` entries, and then reads to the end as it is when
   * it gets there, so that the answer has more entries than were asked for (moby: daemon/logger/journald/read.go,
   * initialSeekTail and drainJournal).
   */
  whileAnswering: (() => void) | undefined;
  #copiers: Record<StreamName, StreamCopier>;

  constructor(options: EngineLogOptions = {}) {
    this.format = options.format ?? 'json-file';
    this.tty = options.tty ?? false;
    this.profile = options.profile ?? ENGINE_PROFILES['28.5'];
    this.#onEntry = options.onEntry;
    const rotation = this.framed ? LOCAL_ROTATION : NO_ROTATION;
    const overhead = this.framed ? LOCAL_OVERHEAD : JSON_OVERHEAD;
    this.#files = new LogFiles(
      {
        maxSize: options.maxSize ?? rotation.maxSize,
        maxFiles: options.maxFiles ?? rotation.maxFiles,
        compress: options.compress ?? rotation.compress,
      },
      (entry) => entry.text.length + overhead,
    );
    this.#copiers = this.#newCopiers();
  }

  /** Whether entries are framed in the file (local, cache), and not one on each line. */
  get framed(): boolean {
    return this.format === 'local' || this.format === 'cache';
  }

  /** The number of the oldest entry still there; entries are numbered from 0 over the log's life. */
  get firstSequence(): number {
    return this.#files.firstSequence;
  }

  /** How many entries were ever logged. */
  get nextSequence(): number {
    return this.#files.nextSequence;
  }

  /** The files, oldest first, the current one last. */
  get files(): readonly LogFileState[] {
    return this.#files.files;
  }

  /** The process writes a whole line. `text` without its newline; what was held before is its beginning. */
  writeLine(stream: StreamName, text: Buffer | string, stampNs: Nanoseconds): void {
    this.write(stream, Buffer.concat([bytesOf(text), this.tty ? CRLF : NEWLINE]), stampNs);
  }

  /**
   * The process writes bytes, lines or parts of lines. What has no newline is held back until 16384 bytes of a
   * line are there (moby: daemon/logger/copier.go). In a TTY both streams are one, and no CR is added here.
   */
  write(stream: StreamName, bytes: Buffer | string, stampNs: Nanoseconds): void {
    this.#copiers[this.tty ? 'stdout' : stream].write(bytesOf(bytes), stampNs);
  }

  /** The process ends: its last words are logged, without a newline. */
  endStreams(stampNs: Nanoseconds): void {
    this.#copiers.stdout.end(stampNs);
    this.#copiers.stderr.end(stampNs);
    this.#copiers = this.#newCopiers();
  }

  /** The container or the daemon was started anew, and the file opened again. */
  reopen(): void {
    this.#files.reopen();
  }

  /** The container has ended, and its logging driver is closed. */
  close(): void {
    this.#files.close();
  }

  /** An entry goes into the file as the driver keeps it, past the copier: for any stamp, in any order. */
  append(entry: Omit<LogEntry, 'partial'> & { readonly partial?: boolean }): void {
    const isEmpty = entry.text.length === 0;
    const hidden = this.format === 'journald' && isEmpty && this.profile.journaldHidesEmptyLines;
    const kept: LogEntry = {
      // journald counts microseconds.
      stampNs: this.format === 'journald' ? entry.stampNs - (entry.stampNs % 1000n) : entry.stampNs,
      stream: this.tty ? 'stdout' : entry.stream,
      text: this.format === 'json-file' ? throughJson(entry.text) : entry.text,
      terminated: entry.terminated,
      partial: entry.partial ?? !entry.terminated,
      ...(hidden ? { hidden } : {}),
    };
    const sequence = this.#files.nextSequence;
    this.#files.append(kept);
    if (!hidden) this.#onEntry?.(kept, sequence);
  }

  /** Rotates now, whatever the size. */
  rotate(): void {
    this.#files.rotate();
  }

  /** Someone empties the current file by hand, while the daemon has it open; see LogFiles. */
  truncateByHand(): void {
    this.#files.truncate();
  }

  /**
   * Spoils an entry of a file, so that it cannot be decoded.
   *
   * @param index in the file; negative: from its end
   * @param file from the newest: 0 is the current one
   * @throws RangeError when there is no such entry
   */
  corrupt(index: number, kind: Spoilt = 'torn', file = 0): void {
    const state = this.#fileFromNewest(file);
    const at = index < 0 ? state.entries.length + index : index;
    if (at < 0 || at >= state.entries.length) throw new RangeError(`no entry ${index} in file ${file}`);
    state.spoilt.set(at, kind);
  }

  /**
   * Spoils a compressed file.
   *
   * @param file from the newest: 1 is the one rotated last
   * @throws RangeError when there is no such file, or it is not compressed
   */
  spoilCompressed(file: number, damage: 'header' | 'body'): void {
    const state = this.#fileFromNewest(file);
    if (!state.compressed) throw new RangeError(`file ${file} is not compressed`);
    state.damage = damage;
  }

  /** What a reader is told, in order. An error of the daemon is left out: see open(). */
  read(query: LogQuery & { readonly generation?: SinceGeneration } = {}): readonly LogEntry[] {
    return this.open(query).entries;
  }

  /**
   * What a reader is told: a snapshot of this moment.
   *
   * @param query.generation overrides the profile's meaning of `since`
   */
  open(query: LogQuery & { readonly generation?: SinceGeneration } = {}): LogReading {
    const rules =
      query.generation === undefined ? this.profile : { ...this.profile, since: query.generation };
    if (this.format !== 'journald') {
      const reading = readLog(this.#files.files, query, rules, this.framed);
      this.whileAnswering?.();
      return reading;
    }
    const before = this.nextSequence;
    this.whileAnswering?.();
    const written = this.nextSequence - before;
    const tail = query.tail === undefined || query.tail <= 0 ? query.tail : query.tail + written;
    return readLog(this.#files.files, { ...query, tail }, rules, this.framed);
  }

  #fileFromNewest(file: number): LogFileState {
    const state = this.#files.files.at(-1 - file);
    if (state === undefined || file < 0) throw new RangeError(`no file ${file}`);
    return state;
  }

  #newCopiers(): Record<StreamName, StreamCopier> {
    const rules = { chunksShareStamp: this.format !== 'journald' };
    const log = (entry: LogEntry): void => this.append(entry);
    return {
      stdout: new StreamCopier('stdout', rules, log),
      stderr: new StreamCopier('stderr', rules, log),
    };
  }
}

function bytesOf(text: Buffer | string): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : text;
}
