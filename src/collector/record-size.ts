import type { LogLimit } from '../model/container.js';

/** `{"log":"` ... `","stream":"stdout","time":"` ... `"}` and a newline, without the time. */
const JSON_FRAME_BYTES = '{"log":"","stream":"stdout","time":""}\n'.length;
/** RFC 3339 up to the seconds, and the zone. */
const JSON_SECONDS_BYTES = '2006-01-02T15:04:05Z'.length;
const JSON_ESCAPED_NEWLINE_BYTES = 2;
/**
 * Two lengths of 4 bytes around a protobuf message of source, time and line (moby: daemon/logger/local/local.go,
 * marshal; api/types/plugins/logdriver/entry.proto), without the length and the text of the line.
 */
const LOCAL_FRAME_BYTES = 4 + 4 + 8 + 10 + 1;
/** `partial` and `partial_log_metadata`, which has an id of 64 characters. */
const LOCAL_PARTIAL_BYTES = 2 + 2 + 66 + 4;

/** How many bytes more each byte takes in JSON than in the text. */
const ESCAPED = new Uint8Array(256);
ESCAPED.fill(5, 0, 0x20);
for (const character of '\n\r"\\') ESCAPED[character.charCodeAt(0)] = 1;
for (const character of '<>&') ESCAPED[character.charCodeAt(0)] = 5;

/**
 * How many bytes an entry takes in the file of the log, or a few more: what the Engine has replaced (bytes that are
 * not UTF-8) may have been shorter, and counts as if it had been.
 *
 * @param tty the newline had a carriage return before it, which is not in the entry
 */
export function recordBytes(
  { format, attributeBytes }: LogLimit,
  tty: boolean,
  nanos: number,
  source: Buffer,
  start: number,
  end: number,
  terminated: boolean,
): number {
  const length = end - start;
  const hasReturn = tty && terminated;
  if (format === 'local') {
    const text = length + (hasReturn ? 1 : 0);
    return LOCAL_FRAME_BYTES + varintBytes(text) + text + (terminated ? 0 : LOCAL_PARTIAL_BYTES);
  }
  return (
    JSON_FRAME_BYTES +
    JSON_SECONDS_BYTES +
    fractionBytes(nanos) +
    attributeBytes +
    length +
    escapedBytes(source, start, end) +
    (terminated ? JSON_ESCAPED_NEWLINE_BYTES : 0) +
    (hasReturn ? 2 : 0)
  );
}

/** moby: daemon/logger/jsonfilelog/jsonlog/jsonlogbytes.go, ffjsonWriteJSONBytesAsString. */
function escapedBytes(source: Buffer, start: number, end: number): number {
  let more = 0;
  for (let i = start; i < end; i++) {
    const byte = source[i] as number;
    more += ESCAPED[byte] as number;
    // U+2028, U+2029 and U+FFFD: six characters instead of three bytes.
    if (byte === 0xe2 && source[i + 1] === 0x80 && ((source[i + 2] as number) & 0xfe) === 0xa8) more += 3;
    else if (byte === 0xef && source[i + 1] === 0xbf && source[i + 2] === 0xbd) more += 3;
  }
  return more;
}

/** The point and the digits behind it; Go leaves out zeros at the end (time.RFC3339Nano). */
function fractionBytes(nanos: number): number {
  if (nanos === 0) return 0;
  let digits = 9;
  while (nanos % 10 === 0) {
    nanos /= 10;
    digits--;
  }
  return 1 + digits;
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : 3;
}
