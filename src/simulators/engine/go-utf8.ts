import { isUtf8 } from 'node:buffer';

const REPLACEMENT = Buffer.from('\ufffd');

/**
 * What a text becomes on its way through a json-file log: every byte that is not UTF-8 turns into U+FFFD, one
 * each, a rune cut in two as well (moby: daemon/logger/jsonfilelog/jsonlog/jsonlogbytes.go, by Go's
 * utf8.DecodeRune; WHATWG decoders put one for several bytes).
 */
export function throughJson(text: Buffer): Buffer {
  if (isUtf8(text)) return text;
  const parts: Buffer[] = [];
  let from = 0;
  let at = 0;
  while (at < text.length) {
    const length = runeLength(text, at);
    if (length > 0) {
      at += length;
      continue;
    }
    parts.push(text.subarray(from, at), REPLACEMENT);
    at++;
    from = at;
  }
  parts.push(text.subarray(from));
  return Buffer.concat(parts);
}

/** Bytes of the rune at a place; 0 when there is none. */
function runeLength(text: Buffer, at: number): number {
  const first = text[at] as number;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  // Overlong forms, surrogates and values past U+10FFFF are refused too.
  return at + length <= text.length && isUtf8(text.subarray(at, at + length)) ? length : 0;
}
