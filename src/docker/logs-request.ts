import { ACCEPT_ENCODING, decodedText, shownEncoding } from '../model/content-encoding.js';
import { PollardError } from '../model/errors.js';
import { formatSince, type Nanoseconds } from '../model/nanoseconds.js';
import { endpointOrigin, type EngineEndpoint } from './endpoint.js';
import type { EntrySink } from './entry-sink.js';
import { FrameParser, type LogParser } from './frames.js';
import { HttpAnswerReader, type HttpAnswerSink } from './http-answer.js';
import { LogBodyError } from './log-errors.js';
import { PacedConnection, type ConnectionReader } from './paced-connection.js';
import type { SocketLedger } from './socket-ledger.js';
import { TtyParser } from './tty.js';

/** See connection-error.ts. */
const IDLE = 'HTTP_IDLE';
/** An error body is read up to here, and decoded up to here, bytes. */
const MAX_ERROR_BODY = 64 * 1024;

export interface LogsRequestOptions {
  readonly endpoint: EngineEndpoint;
  readonly ledger: SocketLedger;
  /** `/v1.41`, as negotiated. */
  readonly versionPath: string;
  readonly containerId: string;
  readonly tty: boolean;
  readonly tail?: number;
  /** ns since 1970 */
  readonly since?: Nanoseconds;
  /** Of a TTY: what has no newline at the end of the log is an entry (default); see TtyParser. */
  readonly lastWords?: boolean;
  readonly sink: EntrySink;
  readonly signal: AbortSignal;
  /** Asked after each read: a promise to wait for before more is read. */
  readonly pause?: () => Promise<void> | undefined;
  /** Bytes a frame (or a TTY's line without end) may have. */
  readonly maxFrameBytes: number;
  /** ms without a byte from the Engine, while we are reading. */
  readonly idleTimeout: number;
  /** Makes the error of a status other than 200. */
  readonly statusError: (status: number, body: string) => Error;
  /** Makes the error of a connection that failed. */
  readonly connectionError: (cause: Error) => Error;
  /** Read without pauses, as with TLS; for tests. */
  readonly unpaced?: boolean;
}

export interface LogsRequestResult {
  readonly bytes: number;
  /** Why the body did not end as it should; what came before is good. */
  readonly fault?: Error;
}

/**
 * `GET /containers/{id}/logs` with `follow=0` and `timestamps=1` (Engine API, ContainerLogs): one request on a
 * connection of its own, which is gone when the promise settles. The body goes to the sink as it arrives.
 *
 * Resolves once an answer of status 200 has begun, with the fault that cut it short, if any. Rejects with what
 * `statusError` or `connectionError` make of anything else.
 */
export async function requestLogs(options: LogsRequestOptions): Promise<LogsRequestResult> {
  options.signal.throwIfAborted();
  const exchange = new LogsExchange(options);
  try {
    return await exchange.result;
  } finally {
    await exchange.end();
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

/** One question and its answer. */
class LogsExchange implements ConnectionReader, HttpAnswerSink {
  readonly result: Promise<LogsRequestResult>;
  readonly #options: LogsRequestOptions;
  readonly #answer = new HttpAnswerReader(this);
  readonly #parser: LogParser;
  readonly #connection: PacedConnection;
  /** The bytes of a read may be used again once the sink has let go of them. */
  readonly #letGo: (() => void) | undefined;
  #resolve!: (result: LogsRequestResult | Promise<never>) => void;
  #reject!: (error: Error) => void;
  #idle: NodeJS.Timeout | undefined;
  #status = 0;
  #encoding: string | undefined;
  readonly #errorBody: Buffer[] = [];
  #bytes = 0;
  #settled = false;

  constructor(options: LogsRequestOptions) {
    const { endpoint, ledger, sink, signal, unpaced = false } = options;
    this.#options = options;
    this.#letGo = sink.letGo?.bind(sink);
    this.#parser = options.tty
      ? new TtyParser(sink, options.maxFrameBytes, options.lastWords)
      : new FrameParser(sink, options.maxFrameBytes);
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    signal.addEventListener('abort', this.#onAbort);
    this.#idle = setTimeout(this.#onIdle, options.idleTimeout);
    this.#connection = new PacedConnection(endpoint, { ledger, unpaced }, this);
    this.#connection.write(requestText(endpoint, logsPath(options)));
  }

  /** Resolves when its socket is gone. */
  async end(): Promise<void> {
    await this.#connection.end();
  }

  received(source: Buffer, end: number): void {
    if (this.#settled) return;
    this.#idle?.refresh();
    try {
      const kept = this.#letGo === undefined ? Buffer.from(source.subarray(0, end)) : source;
      this.#answer.push(kept, 0, end);
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      this.#letGo?.();
    }
    this.#afterRead();
  }

  head(status: number, encoding?: string): void {
    this.#status = status;
    this.#encoding = encoding;
    // A log is read as it comes: an encoding that was not asked for is not undone.
    if (status === 200 && encoding !== undefined && !/^(?:identity)?$/i.test(encoding)) {
      throw new LogBodyError('malformed', `a log in the encoding ${shownEncoding(encoding)}`);
    }
  }

  body(source: Buffer, start: number, end: number): void {
    if (this.#settled) return;
    this.#bytes += end - start;
    if (this.#status === 200) {
      this.#parser.push(source, start, end);
      return;
    }
    this.#errorBody.push(Buffer.from(source.subarray(start, end)));
    if (this.#bytes > MAX_ERROR_BODY) this.#refused();
  }

  /** The other side has closed the connection. */
  ended(): void {
    if (this.#settled) return;
    if (this.#answer.ended()) this.#ended();
    else this.#fail(coded('ECONNRESET', 'the other side closed the connection'));
  }

  failed(error: Error): void {
    this.#fail(error);
  }

  #afterRead(): void {
    if (this.#settled) return;
    const wait = this.#status === 200 ? this.#options.pause?.() : undefined;
    if (wait !== undefined) this.#pause(wait);
    else if (this.#answer.done) this.#ended();
  }

  /** The answer is whole. */
  #ended(): void {
    if (this.#status !== 200) {
      this.#refused();
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

  /** Back-pressure: while the sink's side has no room, nothing is read, and the Engine is not idle. */
  #pause(wait: Promise<void>): void {
    clearTimeout(this.#idle);
    this.#connection.pause();
    wait.then(
      () => {
        if (this.#settled) return;
        this.#idle = setTimeout(this.#onIdle, this.#options.idleTimeout);
        if (this.#answer.done) this.#ended();
        else this.#connection.resume();
      },
      (error: unknown) => this.#fail(error as Error),
    );
  }

  /** The answer is an error, of which enough has been read. */
  #refused(): void {
    this.#settle();
    this.#resolve(this.#statusError());
  }

  async #statusError(): Promise<never> {
    const body = await decodedText(Buffer.concat(this.#errorBody), this.#encoding, MAX_ERROR_BODY);
    throw this.#options.statusError(this.#status, body);
  }

  readonly #onAbort = (): void => {
    this.#fail(this.#options.signal.reason as Error);
  };

  readonly #onIdle = (): void => {
    const { idleTimeout } = this.#options;
    this.#fail(coded(IDLE, `nothing came for ${idleTimeout} ms`));
  };

  /** Ends the request. Behind a status 200 the error is the fault of an answer, before it there was none. */
  #fail(error: Error): void {
    if (this.#settled) return;
    this.#settle();
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
    clearTimeout(this.#idle);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
  }
}

function requestText(endpoint: EngineEndpoint, path: string): string {
  const { host } = new URL(endpointOrigin(endpoint));
  // Asks for the end of the connection with the answer; nothing is kept alive towards the Engine.
  const headers = `Host: ${host}\r\nConnection: close\r\nAccept-Encoding: ${ACCEPT_ENCODING}`;
  return `GET ${path} HTTP/1.1\r\n${headers}\r\n\r\n`;
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

function brokenOff(error: Error): LogBodyError {
  if ((error as { code?: unknown }).code === IDLE) return new LogBodyError('stalled', error.message);
  return new LogBodyError('truncated', `the answer broke off: ${error.message}`);
}
