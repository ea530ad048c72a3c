import { promisify } from 'node:util';
import { gunzip, inflateRaw } from 'node:zlib';
import { uncompress } from 'snappy';
import type { PushedStream } from './entry.js';
import { decodeJsonPush } from './json-push.js';
import { countPush, decodePush, type CountedStream } from './protobuf.js';

const gunzipAsync = promisify(gunzip);
const inflateRawAsync = promisify(inflateRaw);

export interface PushHeaders {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
}

/** A body that is refused, with Loki's words. */
export class BodyError extends Error {
  override name = 'BodyError';
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

/** A body, decompressed; not decoded yet. */
export interface PlainBody {
  readonly json: boolean;
  readonly bytes: Buffer;
}

/**
 * Takes a body out of its wrapping (pkg/loghttp/push/push.go ParseLokiRequest). `gzip` and `deflate` (raw) are
 * undone first, `snappy` and none change nothing. Then `application/json` is JSON; any other content type is
 * protobuf in snappy's block format; none at all is an error.
 *
 * @throws BodyError
 */
export async function unwrap(body: Buffer, headers: PushHeaders): Promise<PlainBody> {
  let bytes = body;
  switch (headers.contentEncoding ?? '') {
    case '':
    case 'snappy':
      break;
    case 'gzip':
      bytes = await orRefuse(gunzipAsync(body), 'gzip: invalid header');
      break;
    case 'deflate':
      bytes = await orRefuse(inflateRawAsync(body), 'flate: corrupt input before offset 1');
      break;
    default:
      throw new BodyError(`Content-Encoding ${JSON.stringify(headers.contentEncoding)} not supported`);
  }
  const mediaType = (headers.contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (mediaType === '') throw new BodyError('mime: no media type');
  if (mediaType === 'application/json') return { json: true, bytes };
  const plain = uncompress(bytes, { asBuffer: true }) as Promise<Buffer>;
  return { json: false, bytes: await orRefuse(plain, 'snappy: corrupt input') };
}

/** @throws BodyError */
export function decode(body: PlainBody): PushedStream[] {
  return parse(() => (body.json ? decodeJsonPush(body.bytes) : decodePush(body.bytes)));
}

/** Only counts. @throws BodyError */
export function count(body: PlainBody): CountedStream[] {
  return parse(() => {
    if (!body.json) return countPush(body.bytes);
    return decodeJsonPush(body.bytes).map(({ labels, entries }) => ({
      labels,
      entries: entries.length,
      bytes: entries.reduce((sum, { line }) => sum + line.length, 0),
    }));
  });
}

async function orRefuse(decompressed: Promise<Buffer>, message: string): Promise<Buffer> {
  try {
    return await decompressed;
  } catch {
    throw new BodyError(message);
  }
}

function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    // Go's words for a message that ends too early; the other texts are the readers' own.
    const message = error instanceof RangeError ? 'unexpected EOF' : (error as Error).message;
    throw new BodyError(message);
  }
}
