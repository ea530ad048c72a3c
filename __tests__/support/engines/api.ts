import { request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface ApiRequest {
  /** Sent as JSON, unless it is bytes. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** An answer that is not what the helper needed; the message quotes the Engine. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;

  constructor(method: string, path: string, answer: ApiAnswer) {
    super(`${method} ${path}: ${answer.status} ${answer.body.toString('utf8', 0, 500).trim()}`);
    this.status = answer.status;
  }
}

/**
 * The Engine's HTTP API, raw: a connection of its own for each request, no version in the path (the Engine then
 * answers with its newest), every status returned as it is. On purpose independent of src/docker, so that the
 * tests of that folder do not judge themselves.
 */
export class EngineApi {
  readonly socketPath: string;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** Sends one request and reads the whole body. Rejects only when the connection fails or is aborted. */
  async send(method: string, path: string, options: ApiRequest = {}): Promise<ApiAnswer> {
    const response = await this.open(method, path, options);
    const pieces: Buffer[] = [];
    for await (const piece of response) pieces.push(piece as Buffer);
    return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) };
  }

  /** Sends one request and returns once the header has come; the caller reads or destroys the body. */
  async open(method: string, path: string, options: ApiRequest = {}): Promise<IncomingMessage> {
    const { body } = options;
    const bytes =
      body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body), 'utf8');
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(
        {
          socketPath: this.socketPath,
          agent: false,
          method,
          path,
          headers: {
            host: 'docker',
            ...(bytes !== undefined && {
              'content-type': Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json',
              'content-length': bytes.length,
            }),
            ...options.headers,
          },
          ...(options.signal && { signal: options.signal }),
        },
        resolve,
      );
      sent.on('error', reject);
      sent.end(bytes);
    });
  }

  /**
   * Sends one request that must succeed and returns its JSON (undefined when the body is empty).
   *
   * @throws ApiError for a status of 400 or more
   */
  async json(method: string, path: string, options: ApiRequest = {}): Promise<unknown> {
    const answer = await this.send(method, path, options);
    if (answer.status >= 400) throw new ApiError(method, path, answer);
    return answer.body.length === 0 ? undefined : (JSON.parse(answer.body.toString('utf8')) as unknown);
  }
}
