/** What tells of the log that was answered, and not of the connection, or of the time that the answer took. */
const OF_THE_LOG: ReadonlySet<unknown> = new Set(['log_daemon_error', 'log_malformed', 'log_too_large']);

const TAIL_SEARCH_ERROR = 'error finding file position to start log tailing';

/** The daemon's own error, inside of an answer. */
export function isDaemonError(fault: Error): boolean {
  return codeOf(fault) === 'log_daemon_error';
}

/**
 * The daemon could not find where the last entries of the log begin, so that it would meet with the same at each request
 * with so wide a `tail` (moby v20.10 to v27.3: daemon/logger/loggerutils/logfile.go, tailFiles; from v27.4 on it passes
 * over the file).
 */
export function isTailSearchError(fault: Error | undefined): boolean {
  return fault !== undefined && isDaemonError(fault) && fault.message.includes(TAIL_SEARCH_ERROR);
}

/** Nothing came, not even a beginning. */
export function isHang(fault: Error, bytes: number): boolean {
  return bytes === 0 && codeOf(fault) === 'log_stalled';
}

/** A damaged record may be the reason; of any other fault it cannot be. */
export function mayBeDamage(fault: Error): boolean {
  return OF_THE_LOG.has(codeOf(fault));
}

function codeOf(fault: Error): unknown {
  return (fault as { code?: unknown }).code;
}
