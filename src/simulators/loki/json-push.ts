import { NO_METADATA, type Entry, type PushedStream } from './entry.js';
import { formatLabels, type Label } from './labels.js';

/** What Loki's JSON reader (jsonparser) says of a value that is no string, or no object. */
const NOT_A_STRING = "Value is string, but can't find closing '\"' symbol";
const NOT_AN_OBJECT = "Value looks like object, but can't find closing '}' symbol";

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

/**
 * Reads a push in JSON: `{"streams":[{"stream":{"a":"b"},"values":[["<ns>","line",{"name":"value"}]]}]}`. Stamp
 * and line must be strings, structured metadata an object of strings (pkg/loghttp/query.go).
 *
 * @throws Error when it is none
 */
export function decodeJsonPush(body: Buffer): PushedStream[] {
  const request = JSON.parse(body.toString('utf8')) as unknown;
  if (!isObject(request)) throw new Error('readObjectStart: expect { or n');
  const streams = request['streams'] ?? [];
  if (!Array.isArray(streams)) throw new Error('decode slice: expect [ or n');
  return streams.map(readStream);
}

function readStream(stream: unknown): PushedStream {
  if (!isObject(stream)) throw new Error(NOT_AN_OBJECT);
  const values = stream['values'] ?? [];
  if (!Array.isArray(values)) throw new Error('Unknown value type');
  return { labels: readLabels(stream['stream']), entries: values.map(readEntry) };
}

/** Without `stream` the labels are the empty text, which no parser takes. */
function readLabels(labels: unknown): string {
  if (labels === undefined) return '';
  if (!isObject(labels)) throw new Error(NOT_AN_OBJECT);
  const list = Object.entries(labels).map(([name, value]): Label => {
    if (typeof value !== 'string') throw new Error(NOT_A_STRING);
    return { name, value };
  });
  return formatLabels(list.sort((a, b) => (a.name < b.name ? -1 : 1)));
}

function readEntry(entry: unknown): Entry {
  if (!Array.isArray(entry)) throw new Error('Unknown value type');
  const [stamp, line, metadata] = entry as unknown[];
  if (typeof stamp !== 'string' || typeof line !== 'string') throw new Error(NOT_A_STRING);
  if (!/^-?\d+$/.test(stamp)) throw new Error('Unknown value type');
  const ns = BigInt(stamp);
  if (ns < MIN_INT64 || ns > MAX_INT64) throw new Error('Value is number, but overflowed while parsing');
  return {
    stamp: ns,
    line: Buffer.from(line, 'utf8').toString('latin1'),
    metadata: metadata === undefined ? NO_METADATA : readMetadata(metadata),
  };
}

function readMetadata(metadata: unknown): Label[] {
  if (!isObject(metadata)) throw new Error(NOT_AN_OBJECT);
  return Object.entries(metadata).map(([name, value]) => {
    if (typeof value !== 'string') throw new Error(NOT_A_STRING);
    return { name, value };
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
