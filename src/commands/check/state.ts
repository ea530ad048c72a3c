import { randomBytes } from 'node:crypto';
import { access, constants, lstat, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Config } from '../../config/schema.js';
import type { CursorFs } from '../../cursors/cursor-fs.js';
import { describeOwner, lockHolder, type LockHolder } from '../../cursors/lock.js';
import { nodeFs } from '../../cursors/node-fs.js';
import { seeCursors, type SeenCursors } from '../../cursors/read-cursors.js';
import { cursorWriteFailed, errnoOf } from '../../cursors/state-error.js';
import { readStateFacts, stateNotices } from '../../cursors/state-notices.js';
import { CursorTooNew } from '../../cursors/cursor-errors.js';
import { formatStamp } from '../../model/nanoseconds.js';
import { olderRejectedFile, rejectedSummaryFile } from '../../loki/rejected-paths.js';
import { readRejectedSummary } from '../../loki/rejected-reader.js';
import { RejectedSummary } from '../../loki/rejected-summary.js';
import { PollardError } from '../../model/errors.js';
import { formatSize } from '../output.js';
import { rejectedPath } from '../wiring/loki-parts.js';
import { failedPart, goodPart, warning, type Part, type Trouble } from './part.js';

export interface StateCheck {
  readonly part: Part;
  /** Undefined: they cannot be read. */
  readonly cursors: SeenCursors | undefined;
  readonly holder: LockHolder | undefined;
}

/** Less than this is told, bytes and inodes. */
const LITTLE_SPACE = 64 * 1024 * 1024;
const FEW_INODES = 1000;
/** Of a size that needs a block of its own. */
const PROBE = Buffer.alloc(4096, 'pollard check\n');

/**
 * Looks whether the state directory can be written, how much room there is, who owns it, and whether its cursors are
 * good. Writes and removes one small file where there is a directory; makes no directory, which would then belong to
 * whoever ran the check.
 *
 * @param fs default: the machine's
 */
export async function checkState(config: Config, fs: CursorFs = nodeFs): Promise<StateCheck> {
  const dir = config.collector.state_dir;
  const warnings: Trouble[] = [];
  const facts: Record<string, unknown> = { directory: dir };
  let cursors: SeenCursors | undefined;
  let holder: LockHolder | undefined;
  try {
    const found: string[] = [];
    if (await isThere(dir)) {
      holder = await lockHolder(dir);
      cursors = await seeCursors(dir, fs);
      await proveWritable(fs, dir);
      found.push('writable');
      warnings.push(...cursorWarnings(cursors));
      facts['cursors'] = cursors.cursors.length;
    } else {
      cursors = { cursors: [], unusable: [], kept: 0 };
      found.push(`not there yet, would be made in ${await makeableIn(dir)}`);
    }
    // Also of one that is not there yet: where it would be made is where it would be lost.
    warnings.unshift(...stateWarnings(await readStateFacts(dir)));
    const free = await freeSpace(dir);
    facts['free_bytes'] = free.bytes;
    found.push(`${formatSize(free.bytes)} free`);
    warnings.push(...spaceWarnings(dir, free));
    facts['locked_by'] = holder?.owner ? { ...holder.owner, since: formatStamp(holder.owner.since) } : null;
    facts['locked'] = holder?.held ?? false;
    warnings.push(...(await rejectedWarnings(config, facts)));
    const amount = cursors.cursors.length;
    if (amount > 0) found.push(`${amount} ${amount === 1 ? 'cursor' : 'cursors'}`);
    if (holder?.held === true) {
      found.push(`in use by ${holder.owner ? describeOwner(holder.owner) : 'another process'}`);
    }
    return { part: goodPart('state', `${dir}: ${found.join(', ')}`, { warnings, facts }), cursors, holder };
  } catch (error) {
    return { part: failedPart('state', error, 'collector.state_dir', { warnings, facts }), cursors, holder };
  }
}

/** @throws PollardError `cursor_write_failed` */
async function proveWritable(fs: CursorFs, dir: string): Promise<void> {
  const folders = [dir, ...((await isThere(join(dir, 'cursors'))) ? [join(dir, 'cursors')] : [])];
  for (const folder of folders) {
    const path = join(folder, `.check-${process.pid}-${randomBytes(4).toString('hex')}`);
    try {
      await writeAndRemove(fs, path);
    } catch (error) {
      throw cursorWriteFailed(`${folder} cannot be written`, error);
    }
  }
  try {
    // It is opened for writing by whoever takes the lock.
    if (await isThere(join(dir, 'lock'))) await access(join(dir, 'lock'), constants.R_OK | constants.W_OK);
  } catch (error) {
    throw cursorWriteFailed(`${join(dir, 'lock')} cannot be written`, error);
  }
}

async function writeAndRemove(fs: CursorFs, path: string): Promise<void> {
  const file = await fs.create(path);
  try {
    try {
      let written = 0;
      while (written < PROBE.length) {
        const took = await file.write(PROBE.subarray(written));
        if (took === 0) throw new Error('the file system took no bytes');
        written += took;
      }
      await file.sync();
    } finally {
      await file.close();
    }
  } finally {
    await fs.remove(path);
  }
}

/** The nearest directory above that is there. @throws PollardError `cursor_write_failed` */
async function makeableIn(dir: string): Promise<string> {
  let above = dirname(dir);
  while (!(await isThere(above))) above = dirname(above);
  try {
    await access(above, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw cursorWriteFailed(`${dir} is not there and cannot be made in ${above}`, error);
  }
  return above;
}

/** @throws PollardError for a path that cannot be looked at */
async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw cursorWriteFailed(`${path} cannot be looked at`, error);
  }
}

interface Space {
  /** For who is not root. */
  readonly bytes: number;
  /** Undefined where the file system does not count them. */
  readonly inodes: number | undefined;
}

async function freeSpace(dir: string): Promise<Space> {
  let at = dir;
  while (!(await isThere(at))) at = dirname(at);
  const { bavail, bsize, files, ffree } = await statfs(at);
  return { bytes: bavail * bsize, inodes: files > 0 ? ffree : undefined };
}

function spaceWarnings(dir: string, { bytes, inodes }: Space): Trouble[] {
  const hint = 'free space on its file system: when it is full, positions stand still until there is room';
  const about = (what: string) => [
    warning('state_little_space', `${dir} has only ${what} left`, hint, SETTING),
  ];
  if (bytes < LITTLE_SPACE) return about(formatSize(bytes));
  return inodes !== undefined && inodes < FEW_INODES ? about(`${inodes} inodes`) : [];
}

const SETTING = 'collector.state_dir';

function stateWarnings(stateFacts: Parameters<typeof stateNotices>[0]): Trouble[] {
  return stateNotices(stateFacts).map(({ code, message, hint }) => warning(code, message, hint, SETTING));
}

/** @throws CursorTooNew, by which a collector does not start */
function cursorWarnings({ unusable, kept }: SeenCursors): Trouble[] {
  const tooNew = unusable.find(({ error }) => error instanceof CursorTooNew);
  if (tooNew !== undefined) throw tooNew.error;
  const warnings = unusable.map(({ id, error }) =>
    warning(
      error.code,
      `the cursor of ${id.slice(0, 12)} is damaged: ${error.message}`,
      'at the next start it is kept aside, and the start policy applies to its container',
      'start',
    ),
  );
  if (kept > 0) {
    const message = `${kept} damaged ${kept === 1 ? 'cursor was' : 'cursors were'} kept aside before`;
    const hint = 'look at the disk; remove the files *.corrupt-* when they are not needed';
    warnings.push(warning('cursors_kept_aside', message, hint, SETTING));
  }
  return warnings;
}

function rejectedWarning(path: string, bytes: number): Trouble[] {
  if (bytes === 0) return [];
  const message = `${path} holds ${formatSize(bytes)} of lines that Loki refused`;
  const hint = 'each has the reason beside it; send them again with pollard resend, or remove the file';
  return [warning('lines_rejected', message, hint, 'rejected.file')];
}

function notKeptWarning(path: string, summary: RejectedSummary, facts: Record<string, unknown>): Trouble[] {
  const lines = summary.rows.reduce((sum, row) => sum + row.lines, summary.others?.lines ?? 0);
  facts['rejected_not_kept'] = lines;
  if (lines === 0) return [];
  const message = `${lines.toLocaleString('en-US')} lines that Loki does not accept were skipped or not kept`;
  const hint = `${rejectedSummaryFile(path)} has their containers, times and reasons; remove it when it is not needed`;
  return [warning('lines_not_kept', message, hint, 'rejected.file')];
}

/** @throws PollardError `rejected_file_unusable` */
async function rejectedWarnings(config: Config, facts: Record<string, unknown>): Promise<Trouble[]> {
  const path = rejectedPath(config);
  facts['rejected_file'] = path;
  try {
    if (await isThere(path)) {
      const found = await lstat(path);
      // As the collector opens it: not by a link, and nothing else.
      if (!found.isFile()) throw new Error('it is no file');
      await access(path, constants.R_OK | constants.W_OK);
      const older = olderRejectedFile(path);
      const size = found.size + ((await isThere(older)) ? (await lstat(older)).size : 0);
      facts['rejected_bytes'] = size;
      // One that cannot be read is replaced by the service.
      const summary = await readRejectedSummary(path).catch(() => RejectedSummary.EMPTY);
      return [...rejectedWarning(path, size), ...notKeptWarning(path, summary, facts)];
    }
    if (config.rejected.file !== undefined) await makeableIn(path);
    return [];
  } catch (error) {
    throw new PollardError('rejected_file_unusable', `${path}: ${(error as Error).message}`, {
      setting: 'rejected.file',
      hint: 'check the path and its permissions',
      exit: 'state',
      cause: error,
    });
  }
}
