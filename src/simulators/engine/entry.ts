import type { StreamName } from '../../model/container.js';
import type { Nanoseconds } from '../../model/nanoseconds.js';

/** Bytes of a line that the daemon holds before it logs a chunk (moby: daemon/logger/copier.go, defaultBufSize). */
export const CHUNK_BYTES = 16 * 1024;

/** One entry of a container's log: a line, or a chunk of a long one. */
export interface LogEntry {
  readonly stampNs: Nanoseconds;
  readonly stream: StreamName;
  /** Without the newline; with the carriage return of a TTY. */
  readonly text: Buffer;
  /** Whether the line's newline was seen. False for a chunk with more to come, and for a process's last words. */
  readonly terminated: boolean;
  /** The entry belongs to a line that was logged in more than one piece (moby: PartialLogMetaData). */
  readonly partial: boolean;
  /** It counts for `tail`, but is never shown. */
  readonly hidden?: boolean;
}
