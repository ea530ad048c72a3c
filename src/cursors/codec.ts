import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { AnchorEntry, Cursor, LogPlace, MovedStamp, OpenLine } from '../model/cursor.js';
import { CursorCorrupt, CursorTooNew } from './cursor-errors.js';

/** The format of a cursor file that this Pollard writes. */
export const CURSOR_VERSION = 1;
/** A file larger than this is no cursor: the open lines, the only large part, are bounded far below. */
export const MAX_CURSOR_BYTES = 64 * 1024 * 1024;
/** The identity of a log, and the name of its file: nothing else gets near a path. */
export const CONTAINER_ID = /^[0-9a-f]{64}$/;

const bigintText = z
  .string()
  .regex(/^(?:0|-?[1-9]\d{0,24})$/)
  .transform(BigInt);
const stream = z.enum(['stdout', 'stderr']);
const base64Bytes = z
  .string()
  .regex(/^[A-Za-z0-9+/]*={0,2}$/)
  .transform((text) => new Uint8Array(Buffer.from(text, 'base64')));
const movedStamp = z.strictObject({ stamp: bigintText, assigned: bigintText });

const deliveredPieces = z.strictObject({ count: z.int().min(1), lineId: bigintText });

const placeShape = z.strictObject({
  anchor: z.array(z.strictObject({ stamp: bigintText, stream, hash: z.string().regex(/^[0-9a-f]{16}$/) })),
  open: z.array(
    z.strictObject({
      stream,
      stamp: bigintText,
      text: base64Bytes,
      cut: z.boolean(),
      delivered: deliveredPieces.optional(),
    }),
  ),
  moved: z.strictObject({ stdout: movedStamp.optional(), stderr: movedStamp.optional() }),
});

const startShape = z.strictObject({
  stamp: bigintText,
  stream,
  fullFiles: z.number().int().nonnegative(),
  bytes: z.number().int().nonnegative(),
});

const cursorShape = placeShape.extend({
  containerId: z.string().regex(CONTAINER_ID),
  containerName: z.string(),
  complete: z.literal(true).optional(),
  soundUpTo: placeShape.optional(),
  start: startShape.optional(),
  committedAt: bigintText,
});

const fileShape = z.strictObject({
  version: z.literal(CURSOR_VERSION),
  sha256: z.string(),
  cursor: z.record(z.string(), z.unknown()),
});

/**
 * The text of a cursor file: one JSON document of one line with `version`, the cursor, and a SHA-256 over both.
 * Bigints are decimal strings, bytes are base64.
 */
export function encodeCursor(cursor: Cursor): string {
  const payload = {
    containerId: cursor.containerId,
    containerName: cursor.containerName,
    ...placeJson(cursor),
    ...(cursor.complete ? { complete: true } : {}),
    ...(cursor.soundUpTo ? { soundUpTo: placeJson(cursor.soundUpTo) } : {}),
    ...(cursor.start ? { start: { ...cursor.start, stamp: String(cursor.start.stamp) } } : {}),
    committedAt: String(cursor.committedAt),
  };
  const sha256 = checksum(JSON.stringify(payload));
  return `${JSON.stringify({ version: CURSOR_VERSION, sha256, cursor: payload })}\n`;
}

/**
 * Reads the bytes of a cursor file.
 *
 * @throws CursorCorrupt with the reason, for anything that encodeCursor did not write
 * @throws CursorTooNew for the format of a later Pollard
 */
export function decodeCursor(bytes: Uint8Array): Cursor {
  const document = parseDocument(bytes);
  refuseNewer(document);
  const file = fileShape.safeParse(document);
  if (!file.success) throw new CursorCorrupt('not_a_cursor', whatIsWrong(file.error));
  // Over the document printed again, so that only values count; JSON.parse keeps the order of keys.
  if (file.data.sha256 !== checksum(JSON.stringify(file.data.cursor))) {
    throw new CursorCorrupt('bad_checksum', 'the checksum does not fit');
  }
  const cursor = cursorShape.safeParse(file.data.cursor);
  if (!cursor.success) throw new CursorCorrupt('not_a_cursor', whatIsWrong(cursor.error));
  const { complete, soundUpTo, start, ...rest } = cursor.data;
  return {
    ...rest,
    ...placeOf(rest),
    ...(complete ? { complete } : {}),
    ...(soundUpTo ? { soundUpTo: placeOf(soundUpTo) } : {}),
    ...(start ? { start } : {}),
  };
}

function placeOf({ anchor, open: lines, moved }: z.infer<typeof placeShape>): LogPlace {
  const { stdout, stderr } = moved;
  const open = lines.map(({ delivered, ...line }) => ({ ...line, ...(delivered ? { delivered } : {}) }));
  return { anchor, open, moved: { ...(stdout ? { stdout } : {}), ...(stderr ? { stderr } : {}) } };
}

function parseDocument(bytes: Uint8Array): unknown {
  if (bytes.length === 0) throw new CursorCorrupt('empty', 'the file is empty');
  if (bytes.length > MAX_CURSOR_BYTES) {
    throw new CursorCorrupt('too_large', `the file is larger than ${MAX_CURSOR_BYTES} bytes`);
  }
  // JSON.stringify never lets a raw NUL through.
  if (bytes.includes(0)) throw new CursorCorrupt('nul_bytes', 'the file contains NUL bytes');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new CursorCorrupt(cutOr('not_json', bytes), 'the file is not UTF-8', error);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = cutOr('not_json', bytes);
    throw new CursorCorrupt(
      reason,
      reason === 'cut_short' ? 'the file is cut short' : 'the file is not JSON',
      error,
    );
  }
}

/** A document is one line: what begins like one and has no newline at its end has lost its end. */
function cutOr(reason: 'not_json', bytes: Uint8Array): 'cut_short' | 'not_json' {
  return bytes[0] === 0x7b && bytes.at(-1) !== 0x0a ? 'cut_short' : reason;
}

function refuseNewer(document: unknown): void {
  const version: unknown =
    typeof document === 'object' && document !== null && 'version' in document ? document.version : undefined;
  if (typeof version === 'number' && Number.isInteger(version) && version > CURSOR_VERSION) {
    throw new CursorTooNew(version, CURSOR_VERSION);
  }
}

function checksum(payload: string): string {
  return createHash('sha256').update(`${CURSOR_VERSION}\n${payload}`).digest('hex');
}

function whatIsWrong(error: z.ZodError): string {
  const [issue] = error.issues;
  const path = issue?.path.join('.') ?? '';
  return `not a cursor: ${path === '' ? '' : `${path}: `}${issue?.message ?? 'unknown shape'}`.slice(0, 300);
}

function placeJson({ anchor, open, moved }: LogPlace): object {
  return { anchor: anchor.map(anchorJson), open: open.map(openJson), moved: movedJson(moved) };
}

function anchorJson(entry: AnchorEntry): object {
  return { stamp: String(entry.stamp), stream: entry.stream, hash: entry.hash };
}

function openJson(line: OpenLine): object {
  const { buffer, byteOffset, byteLength } = line.text;
  return {
    stream: line.stream,
    stamp: String(line.stamp),
    text: Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
    cut: line.cut,
    ...(line.delivered
      ? { delivered: { count: line.delivered.count, lineId: String(line.delivered.lineId) } }
      : {}),
  };
}

function movedJson(moved: Cursor['moved']): object {
  const json = (stamp: MovedStamp): object => ({
    stamp: String(stamp.stamp),
    assigned: String(stamp.assigned),
  });
  return {
    ...(moved.stdout ? { stdout: json(moved.stdout) } : {}),
    ...(moved.stderr ? { stderr: json(moved.stderr) } : {}),
  };
}
