import type { Nanoseconds } from '../../model/nanoseconds.js';
import type { LogEntry } from './entry.js';
import type { LogFileState } from './log-files.js';
import type { EngineProfile } from './profile.js';

/** What of a log is asked for. */
export interface LogQuery {
  /** Inclusive; undefined: from the beginning. */
  readonly since?: Nanoseconds | undefined;
  /** Inclusive; reading ends at the first entry behind it, whatever follows. */
  readonly until?: Nanoseconds | undefined;
  /** The last entries in file order, before `since`; undefined or negative: all. */
  readonly tail?: number | undefined;
  /** Default true. */
  readonly stdout?: boolean | undefined;
  /** Default true. */
  readonly stderr?: boolean | undefined;
}

export type ReadRules = Pick<
  EngineProfile,
  'since' | 'corruption' | 'stopsAtSkippedFile' | 'opensEveryFile' | 'remembersSize'
>;

/** What a read gives. */
export interface LogReading {
  readonly entries: readonly LogEntry[];
  /** The daemon's error, which ends the answer inside its body. */
  readonly error?: string;
  /** The daemon searches for ever and sends nothing. */
  readonly hangs?: boolean;
}

const BAD_HEADER = 'error making gzip reader for compressed log file: gzip: invalid header';
const BAD_BODY = 'error decompressing log file: unexpected EOF';
const BAD_LINE = "invalid character '\\x00' looking for beginning of value";
const BAD_SEARCH =
  'error finding file position to start log tailing: unexpected number of bytes read from log message header';
const BAD_RECORD = 'error unmarshalling log entry (size=0): unexpected EOF';
/** How far a search from the end reads back at once (moby: pkg/tailfile, blockSize). */
const TAIL_BLOCK = 1024;

interface Window {
  readonly file: LogFileState;
  readonly from: number;
}

class ReadError extends Error {}

/**
 * Reads a log as the daemon does (moby: daemon/logger/loggerutils/logfile.go, ReadLogs). `files` oldest first,
 * the last one current.
 *
 * @param framed whether the driver frames its entries (local, cache) or has one on each line (json-file)
 */
export function readLog(
  files: readonly LogFileState[],
  query: LogQuery,
  rules: ReadRules,
  framed: boolean,
): LogReading {
  if (query.tail === 0) return { entries: [] };
  try {
    const windows = findWindows(files, query, rules, framed);
    return windows === 'hangs' ? { entries: [], hangs: true } : decode(windows, query, rules, framed);
  } catch (error) {
    if (error instanceof ReadError) return { entries: [], error: error.message };
    throw error;
  }
}

/** The part of each file that `tail` leaves, oldest first. */
function findWindows(
  files: readonly LogFileState[],
  query: LogQuery,
  rules: ReadRules,
  framed: boolean,
): Window[] | 'hangs' {
  const open = rules.opensEveryFile
    ? openAll(files, query, rules)
    : files.map((file, index) => () => index === files.length - 1 || opens(file, query, rules));
  let wanted = query.tail === undefined || query.tail < 0 ? Infinity : query.tail;
  const windows: Window[] = [];
  for (let index = files.length - 1; index >= 0 && wanted > 0; index--) {
    if (open[index]?.() !== true) continue;
    const file = files[index] as LogFileState;
    if (rules.remembersSize && file.missingBytes > 0 && wanted !== Infinity) {
      const outcome = tailOfTruncated(file, wanted, rules, framed);
      if (outcome === 'hangs') return 'hangs';
      if (outcome === 'nothing') continue;
    }
    if (framed && wanted !== Infinity && isSearchBroken(file, wanted)) {
      if (rules.corruption !== 'skip_rest_of_file') throw new ReadError(BAD_SEARCH);
      continue;
    }
    const from = Math.max(0, file.entries.length - wanted);
    wanted -= file.entries.length - from;
    windows.unshift({ file, from });
  }
  return windows;
}

/** Up to 27.3 all files are opened before the first is read (openRotatedFiles). */
function openAll(files: readonly LogFileState[], query: LogQuery, rules: ReadRules): (() => boolean)[] {
  const result: (() => boolean)[] = files.map(() => () => false);
  const current = files.length - 1;
  for (let index = 0; index < current; index++) {
    if (opens(files[index] as LogFileState, query, rules)) result[index] = () => true;
    // 20.10 breaks out of its loop, which goes from the oldest to the newest.
    else if (rules.stopsAtSkippedFile) break;
  }
  result[current] = () => true;
  return result;
}

/** Whether a rotated file is read: a compressed one is not when its header's time is before `since`. */
function opens(file: LogFileState, query: LogQuery, rules: ReadRules): boolean {
  if (!file.compressed) return true;
  if (file.damage === 'header') throw new ReadError(BAD_HEADER);
  if (query.since !== undefined) {
    // Go's zero time is before everything; 20.10 does not except it.
    if (file.headerStamp === undefined ? rules.stopsAtSkippedFile : file.headerStamp < query.since)
      return false;
  }
  if (file.damage === 'body') throw new ReadError(BAD_BODY);
  return true;
}

/**
 * `tail` of a file that was truncated by hand while the daemon has it open. The search begins at the size that
 * the daemon remembers, behind the end of the file. json-file: a read there gives no bytes, and the search is
 * repeated for ever (moby: pkg/tailfile, scanner.Scan). local: an error, which 27.4 and later pass over with
 * the file. Seen on real Engines 26.1 and 28.5; 20.10 asks the file for its size.
 */
function tailOfTruncated(
  file: LogFileState,
  wanted: number,
  rules: ReadRules,
  framed: boolean,
): 'hangs' | 'nothing' | 'everything' {
  if (framed) {
    if (rules.opensEveryFile) {
      throw new ReadError(
        'error finding file position to start log tailing: unexpected number of bytes read from log message footer',
      );
    }
    return 'nothing';
  }
  if (file.missingBytes >= TAIL_BLOCK) return 'hangs';
  // The few bytes there are found again and again, and the window begins behind the end.
  return wanted > file.entries.length ? 'everything' : 'nothing';
}

/**
 * Whether the sizes that a search from the end goes by are spoilt within its reach (moby: daemon/logger/local/read.go,
 * getTailReader). Up to 27.3 that is an error, also in 20.10; later versions pass over the file.
 */
function isSearchBroken({ entries, spoilt }: LogFileState, wanted: number): boolean {
  for (const [index, kind] of spoilt) {
    if ((kind === 'cut' || kind === 'bad_size') && index >= entries.length - wanted) return true;
  }
  return false;
}

function decode(windows: readonly Window[], query: LogQuery, rules: ReadRules, framed: boolean): LogReading {
  // 20.10 tries again only where it decodes JSON (jsonfilelog/read.go, not local/read.go).
  const corruption = framed && rules.corruption === 'lenient' ? 'end_with_error' : rules.corruption;
  const { until, stdout = true, stderr = true } = query;
  let since = query.since;
  const entries: LogEntry[] = [];
  for (const { file, from } of windows) {
    const anySpoilt = file.spoilt.size > 0;
    for (let index = from; index < file.entries.length; index++) {
      if (anySpoilt) {
        const spoilt = file.spoilt.get(index);
        if (spoilt === 'wrong_time' && corruption === 'lenient') continue;
        // Read from the front, it ends in the midst of a record, and a reader waits for the rest in vain.
        if (spoilt === 'cut' && index === file.entries.length - 1) break;
        if (spoilt !== undefined && spoilt !== 'bad_size') {
          if (corruption === 'end_with_error') return { entries, error: framed ? BAD_RECORD : BAD_LINE };
          // 20.10 starts a new decoder, which has lost the bytes read ahead and finds no beginning of a line
          // again before the next file, save by chance; 27.4 and later go to the next file on purpose.
          break;
        }
      }
      const entry = file.entries[index] as LogEntry;
      if (entry.hidden === true) continue;
      if (since !== undefined) {
        if (entry.stampNs < since) continue;
        if (rules.since === 'seek') since = undefined;
      }
      if (until !== undefined && entry.stampNs > until) return { entries };
      if (entry.stream === 'stdout' ? stdout : stderr) entries.push(entry);
    }
  }
  return { entries };
}
