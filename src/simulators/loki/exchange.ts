import type { IncomingMessage, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../../model/clock.js';
import { NS_PER_MS } from '../../model/nanoseconds.js';
import type { Answer } from './answer.js';

/** The client went away, or the simulator is closed, before the request was answered. */
export class ClientGone extends Error {
  override name = 'ClientGone';
}

/** A request and how it can be answered, well or badly. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly url: URL;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  #body: Buffer | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, clock: Clock) {
    this.request = request;
    this.url = new URL(request.url ?? '/', 'http://loki');
    this.#response = response;
    this.#clock = clock;
    const gone = new AbortController();
    this.signal = gone.signal;
    response.once('close', () => gone.abort(new ClientGone()));
  }

  get method(): string {
    return this.request.method ?? '';
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  /** The whole body; read once. @throws ClientGone */
  async body(): Promise<Buffer> {
    if (this.#body !== undefined) return this.#body;
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of this.request) chunks.push(chunk as Buffer);
    } catch {
      throw new ClientGone();
    }
    return (this.#body = Buffer.concat(chunks));
  }

  /** Of the query, and of a form that was posted (Go's Request.Form). */
  async parameters(): Promise<URLSearchParams> {
    const parameters = new URLSearchParams(this.url.search);
    if (this.method !== 'POST') return parameters;
    const form = new URLSearchParams((await this.body()).toString('utf8'));
    for (const [name, value] of form) parameters.append(name, value);
    return parameters;
  }

  /** @throws ClientGone */
  async wait(ms: number): Promise<void> {
    try {
      await this.#clock.sleep(ms, this.signal);
    } catch (error) {
      throw this.signal.aborted ? new ClientGone() : error;
    }
  }

  /** Never answers; ends when the client does. @throws ClientGone */
  async hang(): Promise<never> {
    await new Promise((_, reject) => {
      const gone = (): void => reject(new ClientGone());
      if (this.signal.aborted) gone();
      else this.signal.addEventListener('abort', gone, { once: true });
    });
    throw new ClientGone();
  }

  /** The connection ends by RST; where TLS is on, without its farewell. */
  reset(): void {
    const { socket } = this.request;
    if (socket instanceof TLSSocket) socket.destroy();
    else socket.resetAndDestroy();
  }

  /** Ends the connection in order, without an answer. */
  close(): void {
    this.request.socket.end();
  }

  send({ status, body, headers }: Answer): void {
    const bytes = Buffer.from(body);
    if (status !== 204) this.#response.setHeader('content-length', bytes.length);
    // As net/http of Go: the clock of Loki.
    this.#response.setHeader('date', new Date(Number(this.#clock.now() / NS_PER_MS)).toUTCString());
    this.#response.writeHead(status, headers);
    this.#response.end(status === 204 ? undefined : bytes);
    // An answer before the body was read: the rest of it is read and dropped, so that the answer arrives.
    this.request.resume();
  }

  /** Writes line by line, as fast as the client reads. */
  async stream(lines: Iterable<string>): Promise<void> {
    this.#response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for (const line of lines) {
      if (this.signal.aborted) return;
      if (this.#response.write(`${line}\n`)) continue;
      await new Promise<void>((resolve) => {
        const go = (): void => {
          this.#response.off('drain', go);
          this.signal.removeEventListener('abort', go);
          resolve();
        };
        this.#response.once('drain', go);
        this.signal.addEventListener('abort', go, { once: true });
      });
    }
    this.#response.end();
  }
}
