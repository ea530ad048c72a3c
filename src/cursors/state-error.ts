import { PollardError } from '../model/errors.js';

/** The `code` of an error of node:fs, such as ENOSPC. */
export function errnoOf(error: unknown): string {
  const code: unknown =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

const NEXT_STEP: Readonly<Record<string, string>> = {
  ENOSPC: 'free space (or inodes) on the file system of collector.state_dir',
  EDQUOT: 'raise the disk quota of the user that Pollard runs as',
  EROFS: 'mount collector.state_dir writable',
  EACCES: 'make collector.state_dir owned by the user that Pollard runs as',
  EPERM: 'make collector.state_dir owned by the user that Pollard runs as',
  EIO: 'the disk fails: look at the kernel log, and move collector.state_dir to a good one',
  ENOTDIR: 'set collector.state_dir to a directory',
  ENAMETOOLONG: 'set collector.state_dir to a shorter path',
  EMFILE: 'raise the limit of open files of the process (LimitNOFILE)',
};

const AS_ITS_OWNER =
  'run this as the user that owns collector.state_dir (runuser -u USER -- pollard ...), the one that the service runs as';
/** Who only reads may be an operator beside the service. */
const NEXT_STEP_OF_READERS = { ...NEXT_STEP, EACCES: AS_ITS_OWNER, EPERM: AS_ITS_OWNER };

/** The state directory cannot be written: nothing is lost, but positions do not move on until it can. */
export function cursorWriteFailed(what: string, error: unknown): PollardError {
  return stateError('cursor_write_failed', what, error, NEXT_STEP);
}

/** A cursor is there but is not given to us; taking it for damaged would lose it. */
export function cursorReadFailed(what: string, error: unknown): PollardError {
  return stateError('cursor_read_failed', what, error, NEXT_STEP_OF_READERS);
}

function stateError(
  code: string,
  what: string,
  error: unknown,
  nextStep: Readonly<Record<string, string>>,
): PollardError {
  const errno = errnoOf(error);
  const reason = error instanceof Error ? error.message : String(error);
  return new PollardError(code, `${what}: ${reason}`, {
    setting: 'collector.state_dir',
    hint: nextStep[errno] ?? 'check the file system of collector.state_dir',
    exit: 'state',
    cause: error,
  });
}
