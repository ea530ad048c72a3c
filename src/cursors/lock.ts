import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { formatStamp, parseStamp, type Nanoseconds } from '../model/nanoseconds.js';
import { PollardError } from '../model/errors.js';
import { makeDirs } from './make-dir.js';
import { nodeFs } from './node-fs.js';
import { cursorReadFailed, cursorWriteFailed, errnoOf } from './state-error.js';

/** Who holds the state directory, for the message to whoever wants it as well. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** As typed: `pollard run --config …`. No secrets. */
  readonly command: string;
  /** ns wall clock */
  readonly since: Nanoseconds;
}

/** The exclusive right to write the cursors, until released or until the process ends in whatever way. */
export interface StateLock {
  readonly path: string;
  release(): void;
}

/** Another process owns the state directory. */
export class StateLocked extends PollardError {
  override name = 'StateLocked';
  /** Undefined when the owner has not written who it is. */
  readonly owner: LockOwner | undefined;

  constructor(stateDir: string, owner: LockOwner | undefined) {
    super('state_locked', `${stateDir} is in use by ${owner ? describeOwner(owner) : 'another process'}`, {
      setting: 'collector.state_dir',
      hint: 'let the running one do the work, stop it first, or use another collector.state_dir',
      exit: 'locked',
    });
    this.owner = owner;
  }
}

const MAX_OWNER_BYTES = 4096;
const ATTEMPTS = 10;
/** A look at who holds the lock (lockHolder) holds it itself for less than this, ms. */
const GLANCE_MS = 50;

/**
 * Takes the state directory (which is made, 0700) for this process alone. The lock is the kernel's (an open file
 * description lock on `<state_dir>/lock`): it ends with the process, also by kill -9, and no file that was left
 * behind is ever taken for it. The file's content only tells who holds the lock.
 *
 * @param file the lock's name in the directory; default: `lock`, that of the cursors
 * @throws StateLocked when another process, or this one, holds it already
 * @throws PollardError `cursor_write_failed` when the file cannot be made, `state_lock_failed` when the platform
 *   or the file system has no locks
 */
export async function acquireLock(stateDir: string, owner: LockOwner, file = 'lock'): Promise<StateLock> {
  const tryLock = await loadTryLock();
  const path = join(stateDir, file);
  try {
    await makeDirs(nodeFs, dirname(path));
  } catch (error) {
    throw cursorWriteFailed(`cannot make the directory ${stateDir}`, error);
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const fd = await lockedUnlessGlancedAt(() => lockedFile(path, stateDir, tryLock));
    // Someone may have removed the file between our opening and locking it: then another could lock a new one.
    if (isStillThere(fd, path)) {
      try {
        tellOwner(fd, owner);
      } catch (error) {
        closeSync(fd);
        throw cursorWriteFailed(`cannot write ${path}`, error);
      }
      return { path, release: releaser(fd) };
    }
    closeSync(fd);
  }
  throw new PollardError('state_lock_failed', `${path} is removed again and again`, {
    setting: 'collector.state_dir',
    hint: 'find out what tidies up this directory, or use another collector.state_dir',
    exit: 'state',
  });
}

/** Whether someone holds the lock of a state directory. */
export interface LockHolder {
  readonly held: boolean;
  /** Undefined when it is free, or the holder has not written who it is. */
  readonly owner: LockOwner | undefined;
}

/**
 * Looks who holds a state directory, without taking it: for an instant the lock is shared, which acquireLock
 * allows for. Makes nothing that is not there.
 *
 * @throws PollardError `cursor_read_failed`, `state_lock_failed`
 */
export async function lockHolder(stateDir: string, file = 'lock'): Promise<LockHolder> {
  const tryLock = await loadTryLock();
  const path = join(stateDir, file);
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { held: false, owner: undefined };
    throw cursorReadFailed(`cannot open ${path}`, error);
  }
  try {
    if (tryLock(fd, { shared: true })) return { held: false, owner: undefined };
    return { held: true, owner: readOwner(fd) };
  } catch (error) {
    throw lockFailed(path, error);
  } finally {
    closeSync(fd);
  }
}

type TryLock = (fd: number, options?: { shared: boolean }) => boolean;

/** Who only looks must not keep a collector from starting. */
async function lockedUnlessGlancedAt(attempt: () => number): Promise<number> {
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof StateLocked)) throw error;
  }
  await new Promise((resolve) => setTimeout(resolve, GLANCE_MS));
  return attempt();
}

let loaded: Promise<TryLock> | undefined;

/** Loaded when needed, and once: a platform without the native part still gets a message that says so. */
async function loadTryLock(): Promise<TryLock> {
  return await (loaded ??= importTryLock());
}

async function importTryLock(): Promise<TryLock> {
  try {
    return (await import('fs-native-extensions')).tryLock;
  } catch (error) {
    throw new PollardError('state_lock_failed', `file locks cannot be used: ${(error as Error).message}`, {
      setting: 'collector.state_dir',
      hint: 'install the package fs-native-extensions for this platform (on Linux: glibc, x64 or arm64)',
      exit: 'state',
      cause: error,
    });
  }
}

/** A plain descriptor, not a FileHandle: that is closed, and the lock lost, when nothing refers to it. */
function lockedFile(path: string, stateDir: string, tryLock: TryLock): number {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw cursorWriteFailed(`cannot open ${path}`, error);
  }
  try {
    if (tryLock(fd)) return fd;
  } catch (error) {
    closeSync(fd);
    throw lockFailed(path, error);
  }
  const owner = readOwner(fd);
  closeSync(fd);
  throw new StateLocked(stateDir, owner);
}

function lockFailed(path: string, error: unknown): PollardError {
  return new PollardError('state_lock_failed', `cannot lock ${path}: ${(error as Error).message}`, {
    setting: 'collector.state_dir',
    hint: 'put collector.state_dir on a local file system; some network ones have no locks',
    exit: 'state',
    cause: error,
  });
}

function isStillThere(fd: number, path: string): boolean {
  const ours = fstatSync(fd, { bigint: true });
  const there = statSync(path, { bigint: true, throwIfNoEntry: false });
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev;
}

function tellOwner(fd: number, owner: LockOwner): void {
  const command = owner.command.slice(0, 1000);
  ftruncateSync(fd);
  writeSync(fd, `${JSON.stringify({ ...owner, command, since: formatStamp(owner.since) })}\n`, 0);
}

const ownerShape = z.object({
  pid: z.number().int(),
  host: z.string(),
  command: z.string(),
  since: z.string().transform((text) => parseStamp(text) ?? 0n),
});

function readOwner(fd: number): LockOwner | undefined {
  try {
    const bytes = Buffer.alloc(MAX_OWNER_BYTES);
    const length = readSync(fd, bytes, 0, MAX_OWNER_BYTES, 0);
    return ownerShape.parse(JSON.parse(bytes.toString('utf8', 0, length)));
  } catch {
    // The owner is about to write it, or someone else wrote into the file.
    return undefined;
  }
}

/** Who holds the lock, for people: `process 12 on host (pollard run), since 2026-01-02T03:04:05Z`. */
export function describeOwner(owner: LockOwner): string {
  const since = formatStamp(owner.since).replace(/\.\d+/, '');
  return `process ${owner.pid} on ${owner.host} (${printable(owner.command)}), since ${since}`;
}

/** What another process wrote is not let loose on a terminal. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

function releaser(fd: number): () => void {
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    // Closing ends the lock. The file stays: removing it would let two others lock two files of one name.
    closeSync(fd);
  };
}
