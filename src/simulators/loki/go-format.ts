import { NS_PER_MS, NS_PER_SECOND, type Nanoseconds } from '../../model/nanoseconds.js';

/** Go's time.RFC3339 in UTC: whole seconds, as Loki's messages have it. */
export function rfc3339(ns: Nanoseconds): string {
  return `${iso(ns)}Z`;
}

/** Go's Time.String() in UTC: `2025-01-02 03:04:05.6 +0000 UTC`, the fraction without trailing zeros. */
export function goTime(ns: Nanoseconds): string {
  const fraction = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  const digits = fraction === 0n ? '' : `.${fraction.toString().padStart(9, '0').replace(/0+$/, '')}`;
  return `${iso(ns).replace('T', ' ')}${digits} +0000 UTC`;
}

function iso(ns: Nanoseconds): string {
  const fraction = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  return new Date(Number((ns - fraction) / NS_PER_MS)).toISOString().slice(0, -5);
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** Go's strconv.Quote, with which Loki writes label values: two spellings of a value become one. */
export function goQuote(text: string): string {
  const body = text.replace(/[\\"]|[^\P{C}]|[^\P{Z} ]/gu, (char) => {
    const short = SHORT_ESCAPES[char];
    if (short !== undefined) return short;
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code < 0x10000
      ? `\\u${code.toString(16).padStart(4, '0')}`
      : `\\U${code.toString(16).padStart(8, '0')}`;
  });
  return `"${body}"`;
}
