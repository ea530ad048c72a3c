import { parseStamp, type Nanoseconds } from '../model/nanoseconds.js';
import type { Halt, RefusalKind, Refused } from './verdict.js';

interface Rule {
  readonly says: RegExp;
  readonly means: RefusalKind | Omit<Halt, 'kind' | 'reason'>;
}

/** Loki's words for what it refuses (pkg/validation/validate.go, pkg/chunkenc/interface.go; case differs by version). */
const RULES: readonly Rule[] = [
  { says: /timestamp too old/i, means: 'too-old' },
  { says: /timestamp too new/i, means: 'too-new' },
  // The second with `unordered_writes: false`.
  { says: /entry too far behind|entry out of order/i, means: 'too-far-behind' },
  { says: /max entry size '?\d+'? bytes exceeded/i, means: 'line-too-long' },
  { says: /has \d+ label names; limit \d+/i, means: 'stream' },
  { says: /has (?:label (?:name|value) too long|duplicate label name)/i, means: 'stream' },
  { says: /has (?:structured metadata too large|too many structured metadata)/i, means: 'stream' },
  { says: /at least one label pair is required/i, means: 'stream' },
  { says: /error parsing labels|couldn't parse labels/i, means: 'stream' },
  // gRPC between the parts of Loki; the words are grpc-go's.
  { says: /received message larger than max|trying to send message larger than max/i, means: 'too-large' },
  {
    says: /includes structured metadata, but this feature is disallowed/i,
    means: {
      setting: 'labels.structured_metadata',
      hint: 'switch the structured metadata off here, or set limits_config.allow_structured_metadata in Loki (schema v13)',
    },
  },
  {
    says: /missing required labels/i,
    means: { setting: 'labels.static', hint: 'add the labels that this Loki demands (enforced_labels)' },
  },
  {
    says: /ingestion blocked for user/i,
    means: {
      setting: 'loki.tenant',
      hint: 'ask the administrator of Loki why the tenant is blocked (block_ingestion_until); the lines are kept',
    },
  },
  {
    says: /no org id|multiple org ids? present|tenant id .{0,200}(?:unsupported|too long|is '\.)/i,
    means: { setting: 'loki.tenant', hint: 'set loki.tenant to the tenant of this Loki' },
  },
];

/**
 * What Loki's text says is wrong; undefined: nothing that Pollard knows. Of several reasons the first named
 * counts: what comes behind it may quote labels.
 */
export function readRefusal(text: string, shown: string): Refused | Halt | undefined {
  const plain = withoutStreams(text);
  let first: { at: number; means: Rule['means'] } | undefined;
  for (const { says, means } of RULES) {
    const at = plain.search(says);
    if (at >= 0 && (first === undefined || at < first.at)) first = { at, means };
  }
  if (first === undefined) return undefined;
  const { means } = first;
  if (typeof means !== 'string') return { kind: 'halt', reason: shown, ...means };
  const oldestAcceptable = readWindow(plain);
  return {
    kind: 'refused',
    why: means,
    reason: shown,
    ...(oldestAcceptable === undefined ? {} : { oldestAcceptable }),
  };
}

/**
 * Leaves out what stands for streams, `{a="b"}`: the values are other people's text, and may say anything. One
 * that does not end was cut off, and all behind its beginning belongs to it. In one pass, because such a text
 * can be made to look like ever new beginnings.
 */
export function withoutStreams(text: string): string {
  let plain = '';
  let kept = 0;
  let open = text.indexOf('{');
  while (open >= 0) {
    const end = endOfStream(text, open + 1);
    if (end < 0) return `${plain}${text.slice(kept, open)}{`;
    // Another `{` outside of quotes: what began before is no stream.
    if (text[end] === '{') {
      open = end;
      continue;
    }
    plain += `${text.slice(kept, open)}{}`;
    kept = end + 1;
    open = text.indexOf('{', kept);
  }
  return plain + text.slice(kept);
}

/** The place of the next brace outside of quotes; negative: there is none. */
function endOfStream(text: string, from: number): number {
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '"') quoted = !quoted;
    else if (quoted && char === '\\') at++;
    else if (!quoted && (char === '{' || char === '}')) return at;
  }
  return -1;
}

function readWindow(text: string): Nanoseconds | undefined {
  const stamp = /oldest acceptable timestamp is: ([0-9T:.Zz+-]{20,35})/i.exec(text)?.[1];
  return stamp === undefined ? undefined : parseStamp(stamp.replace(/[.+-]+$/, ''));
}
