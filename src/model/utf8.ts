import { isUtf8 } from 'node:buffer';

/** Bytes of U+FFFD in UTF-8, by which a decoder replaces what is not UTF-8. */
const REPLACEMENT_BYTES = 3;
/** Bytes of the longest character. */
const LONGEST = 4;

/**
 * Where the unit that begins at a byte ends: a character, or the bytes that a decoder replaces by one U+FFFD
 * (the "maximal subpart" of Unicode 3.9 and the WHATWG Encoding Standard). Never further than `end`.
 */
export function unitEnd(source: Uint8Array, at: number, end: number): number {
  const lead = source[at] as number;
  const length = sequenceLength(lead);
  let next = at + 1;
  while (next < end && next < at + length && mayFollow(source, at, next)) next++;
  return next;
}

/**
 * How many bytes at the end of `source[start, end)` are the beginning of a character whose rest has not come yet:
 * 0 to 3.
 */
export function incompleteTail(source: Uint8Array, start: number, end: number): number {
  for (let at = end - 1; at >= start && at > end - LONGEST; at--) {
    const byte = source[at] as number;
    if (isContinuation(byte)) continue;
    const isOpen = sequenceLength(byte) > end - at && unitEnd(source, at, end) === end;
    return isOpen ? end - at : 0;
  }
  return 0;
}

/** The last place up to `at` that is not inside of a unit; `source[start, end)` begins with a whole one. */
function boundaryUpTo(source: Uint8Array, start: number, end: number, at: number): number {
  if (at >= end) return end;
  for (let lead = at; lead >= start && lead > at - LONGEST; lead--) {
    if (isContinuation(source[lead] as number)) continue;
    return unitEnd(source, lead, end) > at ? lead : at;
  }
  return at;
}

/**
 * Bytes of a text as it is sent.
 *
 * @param asText it is sent as text, in which each unit that is not UTF-8 becomes U+FFFD
 */
export function sentBytes(source: Buffer, start: number, end: number, asText: boolean): number {
  if (!asText || isUtf8(source.subarray(start, end))) return end - start;
  let bytes = 0;
  for (let at = start; at < end;) {
    const next = unitEnd(source, at, end);
    bytes += sentUnit(source, at, next);
    at = next;
  }
  return bytes;
}

/**
 * Where `source[start, end)` is to be cut so that what comes before has at most `room` bytes as it is sent: never
 * inside of a character. Returns `start` where not even one fits.
 *
 * @param asText see sentBytes
 */
export function cutPlace(source: Buffer, start: number, end: number, room: number, asText: boolean): number {
  const limit = Math.min(end, start + room);
  if (!asText || isUtf8(source.subarray(start, end))) return boundaryUpTo(source, start, end, limit);
  let left = room;
  let at = start;
  while (at < end) {
    const next = unitEnd(source, at, end);
    left -= sentUnit(source, at, next);
    if (left < 0) break;
    at = next;
  }
  return at;
}

function sentUnit(source: Uint8Array, at: number, next: number): number {
  return sequenceLength(source[at] as number) === next - at ? next - at : REPLACEMENT_BYTES;
}

/** Of the character that a byte begins; 0: it begins none. */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Whether a byte may stand in the character that begins at `lead` (Unicode 3.9, table 3-7). */
function mayFollow(source: Uint8Array, lead: number, at: number): boolean {
  const byte = source[at] as number;
  if (at > lead + 1) return isContinuation(byte);
  switch (source[lead]) {
    case 0xe0:
      return byte >= 0xa0 && byte <= 0xbf;
    case 0xed:
      return byte >= 0x80 && byte <= 0x9f;
    case 0xf0:
      return byte >= 0x90 && byte <= 0xbf;
    case 0xf4:
      return byte >= 0x80 && byte <= 0x8f;
    default:
      return isContinuation(byte);
  }
}
