import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorsArePlain } from './api-version.js';
import { planBody, type BodyKind } from './body-plan.js';
import { writeBody } from './body-writer.js';
import type { Daemon } from './daemon.js';
import type { BodyFault, Fault } from './faults.js';
import type { RecordedRequest } from './request-log.js';

/** One request and its answer. */
export class Exchange {
  readonly daemon: Daemon;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** As asked for in the path; undefined: the newest. */
  readonly askedVersion: string | undefined;
  /** Aborts when the client is gone, or all is said. */
  readonly gone: AbortSignal;
  readonly record: RecordedRequest;
  #fault: BodyFault | undefined;
  #release: Promise<void> | undefined;

  constructor(
    daemon: Daemon,
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
    askedVersion: string | undefined,
    record: RecordedRequest,
  ) {
    this.daemon = daemon;
    this.request = request;
    this.response = response;
    this.query = query;
    this.askedVersion = askedVersion;
    this.record = record;
    const gone = new AbortController();
    this.gone = gone.signal;
    const { socket } = request;
    const before = socket.bytesWritten;
    response.on('close', () => {
      record.finished = response.writableFinished;
      record.bytes = socket.bytesWritten - before;
      gone.abort();
    });
    // Written to after the client left: that is its affair.
    response.on('error', () => gone.abort());
  }

  get version(): string {
    return this.askedVersion ?? this.daemon.profile.apiVersion;
  }

  /** Lets a fault strike that does not wait for a body. Returns whether the answer goes on. */
  async strike(fault: Fault | undefined): Promise<boolean> {
    switch (fault?.kind) {
      case undefined:
        return true;
      case 'hang_before_header':
        if (!this.gone.aborted) {
          await new Promise((resolve) => this.gone.addEventListener('abort', resolve, { once: true }));
        }
        return false;
      case 'refuse':
        this.response.socket?.destroy();
        return false;
      case 'status':
        this.error(fault.status, fault.message ?? `simulated error ${fault.status}`);
        return false;
      case 'delay':
        await this.daemon.clock.sleep(fault.ms, this.gone).catch(() => undefined);
        return !this.gone.aborted;
      case 'hold':
        this.#release = fault.release;
        return true;
      default:
        this.#fault = fault;
        return true;
    }
  }

  /** An error as the daemon gives it (moby: api/server/server.go; `{"message": ...}`, or text before 1.24). */
  error(status: number, message: string): void {
    if (errorsArePlain(this.askedVersion)) {
      this.response.setHeader('X-Content-Type-Options', 'nosniff');
      this.text(status, 'text/plain; charset=utf-8', `${message}\n`);
    } else this.text(status, 'application/json', `${JSON.stringify({ message })}\n`);
  }

  /** A JSON answer. */
  async json(value: unknown): Promise<void> {
    await this.whole('application/json', `${JSON.stringify(value)}\n`);
  }

  /** An answer of known length; chunked under a fault. */
  async whole(type: string, body: string): Promise<void> {
    await this.#release;
    if (this.#fault === undefined) this.text(200, type, body);
    else await this.stream(type, [Buffer.from(body)], { kind: 'json', stampPrefix: '' });
  }

  text(status: number, type: string, body: string): void {
    this.record.status = status;
    const head = { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) };
    this.response.writeHead(status, head);
    this.response.end(this.request.method === 'HEAD' ? '' : body);
  }

  /** A chunked answer of status 200, under the fault that struck. `type` undefined: none is sent. */
  async stream(type: string | undefined, pieces: Iterable<Buffer>, body: BodyKind): Promise<void> {
    await this.#release;
    const plan = planBody(pieces, this.#fault, body, this.daemon.random);
    this.begin(type);
    await writeBody(this.response, plan, this.daemon.clock, this.gone);
  }

  /** The header of a chunked answer goes out at once. */
  begin(type: string | undefined): void {
    this.record.status = 200;
    this.response.writeHead(200, type === undefined ? {} : { 'Content-Type': type });
    this.response.flushHeaders();
  }
}
