/** What tells of the log that was answered, and not of the connection, or of the time that the answer took. */
const OF_THE_LOG: ReadonlySet<unknown> = new Set(['log_daemon_error', 'log_malformed', 'log_too_large']);

/** The daemon's own error, inside of an answer. */
export function isDaemonError(fault: Error): boolean {
  return codeOf(fault) === 'log_daemon_error';
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
