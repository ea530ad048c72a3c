import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';

/** Asks for a body as it is. Without this header any encoding is allowed (RFC 9110, 12.5.3). */
export const ACCEPT_ENCODING = 'identity';

export interface DecodedBody {
  /** What could be decoded, at most as many bytes as allowed. */
  readonly body: Buffer;
  /**
   * `too_large`: there is more of it; `broken`: what follows cannot be decoded, or was cut off; `unknown`: we do not
   * know the encoding, and nothing was decoded.
   */
  readonly end: 'whole' | 'too_large' | 'broken' | 'unknown';
}

/** More than any server applies. */
const MAX_CODINGS = 4;
/** Characters of a Content-Encoding that are quoted. */
const QUOTED = 40;

/**
 * Undoes the Content-Encoding of a body (RFC 9110, 8.4): gzip, deflate, br, or several of them. Some proxies encode
 * their own error pages although nothing was asked for but `identity`. The encodings are those of Node.js 20.
 *
 * @param contentEncoding the header's value; undefined when there is none
 * @param maxBytes that the decoded body may have, after each of the encodings
 */
export async function decodeBody(
  encoded: Buffer,
  contentEncoding: string | undefined,
  maxBytes: number,
): Promise<DecodedBody> {
  const codings = (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim());
  if (codings.length > MAX_CODINGS || !codings.every((coding) => KNOWN.has(coding))) {
    return { body: Buffer.alloc(0), end: 'unknown' };
  }
  let decoded = bounded(encoded, maxBytes);
  // They are listed in the order in which they were applied.
  for (const coding of codings.reverse()) {
    if (decoded.body.length > 0) decoded = worse(await undo(coding, decoded.body, maxBytes), decoded);
  }
  return decoded;
}

/** The text of a body for a message: as far as it can be decoded, or else the name of its encoding. */
export async function decodedText(
  encoded: Buffer,
  contentEncoding: string | undefined,
  maxBytes: number,
): Promise<string> {
  const { body, end } = await decodeBody(encoded, contentEncoding, maxBytes);
  if (body.length > 0 || end === 'whole') return body.toString('utf8');
  const damaged = end === 'unknown' ? '' : 'damaged ';
  return `(a ${damaged}body in the encoding ${shownEncoding(contentEncoding)})`;
}

/** The header's value as it may be shown. */
export function shownEncoding(contentEncoding: string | undefined): string {
  return (contentEncoding ?? '').replaceAll(/[^\x20-\x7e]/g, '').slice(0, QUOTED);
}

/** gzip by both of its names (RFC 9110, 8.4.1.3). */
const KNOWN: ReadonlySet<string> = new Set(['', 'identity', 'gzip', 'x-gzip', 'deflate', 'br']);

async function undo(coding: string, encoded: Buffer, maxBytes: number): Promise<DecodedBody> {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return await collect(createGunzip(), encoded, maxBytes);
    case 'deflate':
      return await collect(hasZlibHeader(encoded) ? createInflate() : createInflateRaw(), encoded, maxBytes);
    case 'br':
      return await collect(createBrotliDecompress(), encoded, maxBytes);
    default:
      return bounded(encoded, maxBytes);
  }
}

/** RFC 1950, 2.2: method 8, and both bytes together a multiple of 31. Some servers leave the header out. */
function hasZlibHeader(encoded: Buffer): boolean {
  const [method = 0, flags = 0] = encoded;
  return (method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0;
}

async function collect(decoder: Transform, encoded: Buffer, maxBytes: number): Promise<DecodedBody> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  const end = await new Promise<DecodedBody['end']>((resolve) => {
    decoder.on('data', (piece: Buffer) => {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes <= maxBytes) return;
      decoder.destroy();
      resolve('too_large');
    });
    decoder.on('end', () => resolve('whole'));
    decoder.on('error', () => resolve('broken'));
    // Not end(encoded): the beginning of a body that was cut off would not be handed over.
    decoder.write(encoded);
    decoder.end();
  });
  return { body: Buffer.concat(pieces).subarray(0, maxBytes), end };
}

function bounded(body: Buffer, maxBytes: number): DecodedBody {
  return body.length <= maxBytes
    ? { body, end: 'whole' }
    : { body: body.subarray(0, maxBytes), end: 'too_large' };
}

/** What the last step gave; it is not whole when a step before was not. */
function worse(last: DecodedBody, before: DecodedBody): DecodedBody {
  return before.end === 'whole' ? last : { ...last, end: before.end };
}
