import type { EntrySink } from '../docker/entry-sink.js';
import type { Nanoseconds } from '../model/nanoseconds.js';

/** Lets the reader of a body hold back the writer: back-pressure from Loki down to the Engine's socket. */
export interface FlowControl {
  /** Asked between pieces of the body: undefined to go on at once, else a promise to wait for. */
  pause(): Promise<void> | undefined;
}

export interface LogsRequest {
  readonly containerId: string;
  readonly containerName: string;
  readonly tty: boolean;
  /** The last so many entries of the log; undefined for all of them. */
  readonly tail?: number;
  /** Where to begin to look; undefined for the beginning. */
  readonly since?: Nanoseconds;
  /** What has no newline at the end of the log is an entry of its own (default); see hasLastWords. */
  readonly lastWords?: boolean;
  readonly signal: AbortSignal;
  readonly flow?: FlowControl;
}

export interface LogsAnswer {
  /** Bytes of the body. */
  readonly bytes: number;
  /**
   * Undefined when the body ended as the protocol says. Otherwise why it did not: what came before is good,
   * what should have followed is not known.
   */
  readonly fault?: Error;
}

/**
 * Reads one answer of `GET /containers/{id}/logs`, always with `follow=0` and `timestamps=1`, over a connection
 * of its own that is closed when the promise settles. Rejects (PollardError) when there was no answer to read:
 * no connection, or a status other than 200.
 */
export type LogSource = (request: LogsRequest, sink: EntrySink) => Promise<LogsAnswer>;
