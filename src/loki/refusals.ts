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

/** What stands for a stream in Loki's messages. Its values are other people's text, and may say anything. */
const STREAM_IN_MESSAGE = /\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\}/g;

/**
 * What Loki's text says is wrong; undefined: nothing that Pollard knows. Of several reasons the first named
 * counts: what comes behind it may quote labels.
 */
export function readRefusal(text: string, shown: string): Refused | Halt | undefined {
  const plain = text.replace(STREAM_IN_MESSAGE, '{}');
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

function readWindow(text: string): Nanoseconds | undefined {
  const stamp = /oldest acceptable timestamp is: ([0-9T:.Zz+-]{20,35})/i.exec(text)?.[1];
  return stamp === undefined ? undefined : parseStamp(stamp.replace(/[.+-]+$/, ''));
}
