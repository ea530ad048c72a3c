import type { Dispatcher } from 'undici';
import type { z } from 'zod';
import { ACCEPT_ENCODING, decodeBody, decodedText, shownEncoding } from '../model/content-encoding.js';
import { connectionError } from './connection-error.js';
import { openOneShot } from './connection.js';
import type { EngineEndpoint } from './endpoint.js';
import {
  badAnswerError,
  EngineError,
  timeoutError,
  tooLargeError,
  type EngineQuestion,
} from './engine-error.js';
import type { SocketLedger } from './socket-ledger.js';
import { statusError } from './status-error.js';

export interface EngineRequest {
  readonly endpoint: EngineEndpoint;
  readonly ledger: SocketLedger;
  /** With the version: `/v1.41/containers/json`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** ms for connection, answer and body together. */
  readonly timeoutMs: number;
  /** Bytes that the body may have. */
  readonly maxBytes: number;
  /** The name of the container asked about, for the message. */
  readonly container?: string;
}

export interface EngineAnswer {
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** An error body is read up to here, and decoded up to here. */
const MAX_ERROR_BYTES = 64 * 1024;

/**
 * One GET on a connection of its own, which is gone when the promise settles, however it does. Nothing is kept
 * alive towards the Engine, and nothing but GET is ever sent.
 *
 * @throws EngineError for whatever the Engine or the way to it does wrong, a status other than 2xx included
 * @throws the reason of `signal` when it aborts first
 */
export async function engineGet(request: EngineRequest): Promise<EngineAnswer> {
  const { endpoint, ledger, signal, timeoutMs } = request;
  signal.throwIfAborted();
  const life = new AbortController();
  const onAbort = (): void => life.abort(signal.reason);
  signal.addEventListener('abort', onAbort);
  const late = timeoutError(request, timeoutMs);
  const timer = setTimeout(() => life.abort(late), timeoutMs);
  const connection = openOneShot(endpoint, { ledger });
  life.signal.addEventListener('abort', () => connection.giveUp(life.signal.reason));
  try {
    const answer = await connection.client.request({
      method: 'GET',
      path: pathOf(request),
      headers: { 'accept-encoding': ACCEPT_ENCODING },
      signal: life.signal,
      // Asks for the end of the connection with the answer.
      reset: true,
    });
    return await readAnswer(request, answer);
  } catch (error) {
    if (life.signal.aborted) throw life.signal.reason;
    throw error instanceof EngineError ? error : connectionError(request, error as Error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    await connection.end();
  }
}

/**
 * The JSON that a GET is answered with, as `schema` wants it.
 *
 * @throws EngineError, also `engine_bad_answer` for what is not JSON or not of that shape
 */
export async function engineJson<T>(request: EngineRequest, schema: z.ZodType<T>): Promise<T> {
  return parseJson(request, (await engineGet(request)).body, schema);
}

/** @throws EngineError `engine_bad_answer` */
export function parseJson<T>(question: EngineQuestion, body: Buffer, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw badAnswerError(question, 'something that is not JSON', error);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') ?? '';
  throw badAnswerError(
    question,
    `unexpected JSON (${where}: ${issue?.message ?? ''})`.slice(0, 300),
    parsed.error,
  );
}

async function readAnswer(request: EngineRequest, answer: Dispatcher.ResponseData): Promise<EngineAnswer> {
  const { statusCode: status, headers, body } = answer;
  // Without a listener, an error behind the last byte that is read would end the process.
  body.on('error', () => undefined);
  const good = status >= 200 && status < 300;
  const limit = good ? request.maxBytes : MAX_ERROR_BYTES;
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    bytes += piece.length;
    pieces.push(piece);
    if (bytes <= limit) continue;
    if (good) throw tooLargeError(request, request.maxBytes);
    break;
  }
  const whole = Buffer.concat(pieces);
  const encoding = headers['content-encoding']?.toString();
  if (!good) throw statusError(request, status, await decodedText(whole, encoding, MAX_ERROR_BYTES));
  return { headers, body: await decodeGood(request, whole, encoding) };
}

async function decodeGood(
  request: EngineRequest,
  encoded: Buffer,
  encoding: string | undefined,
): Promise<Buffer> {
  const { body, end } = await decodeBody(encoded, encoding, request.maxBytes);
  if (end === 'whole') return body;
  if (end === 'too_large') throw tooLargeError(request, request.maxBytes);
  throw badAnswerError(request, `a body in the encoding ${shownEncoding(encoding)} that cannot be decoded`);
}

function pathOf({ path, query }: EngineRequest): string {
  if (query === undefined) return path;
  return `${path}?${new URLSearchParams(query).toString()}`;
}
