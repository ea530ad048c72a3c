import type { Client, Dispatcher } from 'undici';
import { PollardError } from '../model/errors.js';
import { formatSince, type Nanoseconds } from '../model/nanoseconds.js';
import type { OneShotClient } from './connection.js';
import type { EntrySink } from './entry-sink.js';
import { FrameParser, type LogParser } from './frames.js';
import { LogBodyError } from './log-errors.js';
import { TtyParser } from './tty.js';

/** An error body is read up to here, bytes. */
const MAX_ERROR_BODY = 64 * 1024;

export interface LogsRequestOptions {
  /** Opens the connection for this one request. */
  readonly open: () => OneShotClient;
  /** `/v1.41`, as negotiated. */
  readonly versionPath: string;
  readonly containerId: string;
  readonly tty: boolean;
  readonly tail?: number;
  /** ns since 1970 */
  readonly since?: Nanoseconds;
  readonly sink: EntrySink;
  readonly signal: AbortSignal;
  /** Asked between pieces: a promise to wait for before more is read. */
  readonly pause?: () => Promise<void> | undefined;
  /** Bytes a frame (or a TTY's line without end) may have. */
  readonly maxFrameBytes: number;
  /** ms without a byte from the Engine, while we are reading. */
  readonly idleTimeout: number;
  /** Makes the error of a status other than 200. */
  readonly statusError: (status: number, body: string) => Error;
  /** Makes the error of a connection that failed. */
  readonly connectionError: (cause: Error) => Error;
}

export interface LogsRequestResult {
  readonly bytes: number;
  /** Why the body did not end as it should; what came before is good. */
  readonly fault?: Error;
}

/**
 * `GET /containers/{id}/logs` with `follow=0` and `timestamps=1` (Engine API, ContainerLogs): one request on a
 * client of its own, which is gone when the promise settles. The body goes to the sink as it arrives.
 *
 * Resolves once an answer of status 200 has begun, with the fault that cut it short, if any. Rejects with what
 * `statusError` or `connectionError` make of anything else.
 */
export async function requestLogs(options: LogsRequestOptions): Promise<LogsRequestResult> {
  const connection = options.open();
  try {
    return await new Promise((resolve, reject) => {
      const handler = new LogsHandler(options, resolve, reject);
      handler.start(connection.client);
    });
  } finally {
    await connection.end();
  }
}

/** The request's path and query. */
export function logsPath(
  options: Pick<LogsRequestOptions, 'versionPath' | 'containerId' | 'tail' | 'since'>,
): string {
  const query = new URLSearchParams({ follow: '0', stdout: '1', stderr: '1', timestamps: '1' });
  if (options.since !== undefined) query.set('since', formatSince(options.since));
  if (options.tail !== undefined) query.set('tail', String(options.tail));
  return `${options.versionPath}/containers/${encodeURIComponent(options.containerId)}/logs?${query.toString()}`;
}

class LogsHandler implements Dispatcher.DispatchHandler {
  readonly #options: LogsRequestOptions;
  readonly #parser: LogParser;
  readonly #resolve: (result: LogsRequestResult) => void;
  readonly #reject: (error: Error) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  readonly #errorBody: Buffer[] = [];
  #bytes = 0;
  #pausing: Promise<void> | undefined;
  /** Over: what undici had already taken from the socket may still come, and is not looked at. */
  #settled = false;

  constructor(
    options: LogsRequestOptions,
    resolve: (result: LogsRequestResult) => void,
    reject: (error: Error) => void,
  ) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#parser = options.tty
      ? new TtyParser(options.sink, options.maxFrameBytes)
      : new FrameParser(options.sink, options.maxFrameBytes);
  }

  start(client: Client): void {
    const { signal, idleTimeout } = this.#options;
    if (signal.aborted) {
      this.#fail(signal.reason as Error);
      return;
    }
    signal.addEventListener('abort', this.#onAbort);
    client.dispatch(
      {
        method: 'GET',
        path: logsPath(this.#options),
        headersTimeout: idleTimeout,
        bodyTimeout: idleTimeout,
        // Asks for the end of the connection with the answer; nothing is kept alive towards the Engine.
        reset: true,
      },
      this,
    );
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error('given up before it began'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (this.#settled) return;
    this.#bytes += piece.length;
    if (this.#status !== 200) {
      this.#errorBody.push(piece);
      if (this.#bytes > MAX_ERROR_BODY) this.#fail(this.#statusError());
      return;
    }
    try {
      this.#parser.push(piece);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    const wait = this.#pausing === undefined ? this.#options.pause?.() : undefined;
    if (wait === undefined) return;
    controller.pause();
    this.#pausing = wait.then(
      () => {
        this.#pausing = undefined;
        if (!this.#settled) controller.resume();
      },
      (error: unknown) => this.#fail(error as Error),
    );
  }

  onResponseEnd(): void {
    if (this.#settled) return;
    if (this.#status !== 200) {
      this.#fail(this.#statusError());
      return;
    }
    try {
      this.#parser.end();
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    this.#settle();
    this.#resolve({ bytes: this.#bytes });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  #statusError(): Error {
    return this.#options.statusError(this.#status, Buffer.concat(this.#errorBody).toString('utf8'));
  }

  readonly #onAbort = (): void => {
    this.#fail(this.#options.signal.reason as Error);
  };

  /** Ends the request. Behind a status 200 the error is the fault of an answer, before it there was none. */
  #fail(error: Error): void {
    if (this.#settled) return;
    this.#settle();
    this.#controller?.abort(error);
    const known = error instanceof PollardError || error === this.#options.signal.reason;
    if (this.#status === 200) {
      const fault = known ? error : brokenOff(error);
      this.#resolve({ bytes: this.#bytes, fault });
    } else {
      this.#reject(known ? error : this.#options.connectionError(error));
    }
  }

  #settle(): void {
    this.#settled = true;
    this.#options.signal.removeEventListener('abort', this.#onAbort);
  }
}

function brokenOff(error: Error): LogBodyError {
  return new LogBodyError('truncated', `the answer broke off: ${error.message}`);
}
