import { NS_PER_MS } from '../model/nanoseconds.js';
import { isNeverSent } from './connection-error.js';
import type { LokiRequestError, LokiRequestErrorCode } from './loki-error.js';
import { readRefusal, withoutStreams } from './refusals.js';
import { readHttpDate, readRetryAfter } from './retry-after.js';
import type { LokiAnswer } from './transport.js';
import type { Halt, Refused, Verdict } from './verdict.js';

/** How much of an answer is shown. */
const SHOWN = 500;

/**
 * What an answer to a push of one stream means. For a push of several streams even 204 would prove nothing: the
 * ingester keeps only the last stream's error.
 *
 * @param nowMs wall clock, ms since 1970, for a Retry-After that is a date
 * @param entries of the request
 */
export function classifyAnswer(answer: LokiAnswer, nowMs: number, entries = 0): Verdict {
  const { status } = answer;
  if (status === 204) return { kind: 'accepted' };
  const reason = `${status} ${shownText(answer)}`.trim();
  const afterMs = answer.retryAfter === undefined ? undefined : readRetryAfter(answer.retryAfter, nowMs);
  const wait = afterMs === undefined ? {} : { afterMs };
  const verdict = byStatus(answer, reason, entries);
  if (verdict.kind === 'refused' && verdict.why === 'too-new') return { ...verdict, ...timeOf(answer) };
  return verdict.kind === 'retry' || verdict.kind === 'halt' ? { ...verdict, ...wait } : verdict;
}

function timeOf({ date = '' }: LokiAnswer): Pick<Refused, 'answeredAt'> {
  const ms = readHttpDate(date);
  return ms === undefined ? {} : { answeredAt: BigInt(ms) * NS_PER_MS };
}

/** What it means that there was no answer. */
export function classifyFailure(error: LokiRequestError): Verdict {
  const { message: reason, hint = '', setting } = error;
  if (HOPELESS.has(error.code)) return { kind: 'halt', reason, hint, setting: setting ?? 'loki.url' };
  // Over a slow line, half of it may arrive in time.
  const perhapsSize = error.code === 'loki_timeout';
  const named = setting === undefined ? {} : { setting };
  const fate = isNeverSent(error) ? 'not-stored' : 'open';
  return { kind: 'retry', reason, hint, perhapsSize, ofStream: false, fate, ...named };
}

/** What does not heal by waiting. */
const HOPELESS: ReadonlySet<LokiRequestErrorCode> = new Set(['loki_tls', 'loki_not_http', 'loki_proxy']);

function byStatus(answer: LokiAnswer, reason: string, entries: number): Verdict {
  const { status } = answer;
  if (status === 413) return { kind: 'shrink', reason };
  const text = isPage(answer) ? '' : answer.body;
  const read = readRefusal(text, reason);
  if (read?.kind === 'refused' && read.why === 'too-large') return { kind: 'shrink', reason };
  // Who blocks a tenant chooses the status.
  if (read?.kind === 'halt') return read;
  if (status >= 200 && status < 300) return successful(answer, reason);
  if (status === 400 || status === 422) {
    if (isPage(answer)) return wrongUrl(reason);
    return read ?? { kind: 'refused', why: 'other', reason };
  }
  if (status === 429) return limited(text, reason, entries);
  if (status >= 500 || status === 408 || status === 425) {
    const hint = 'look at the log of Loki, and of what stands before it; Pollard goes on trying';
    const fate = PERHAPS_UNDER_WAY.has(status) ? 'open' : 'answered';
    return { kind: 'retry', reason, hint, perhapsSize: PERHAPS_SIZE.has(status), ofStream: false, fate };
  }
  return { kind: 'halt', reason, ...haltFor(answer) };
}

/** What a gateway answers while the request may still be with Loki: it waited too long, or lost the connection. */
const PERHAPS_UNDER_WAY: ReadonlySet<number> = new Set([408, 502, 504]);

/** 408 and 504: it took too long. */
const PERHAPS_SIZE: ReadonlySet<number> = new Set([500, 408, 504]);

/**
 * Loki says 204. Some gateways make an empty 200 or 202 of it. Anything with a text of its own was written by
 * something that is no Loki, and proves nothing.
 */
function successful(answer: LokiAnswer, reason: string): Verdict {
  const known = answer.status === 200 || answer.status === 201 || answer.status === 202;
  if (known && answer.body.trim() === '') return { kind: 'accepted' };
  return wrongUrl(reason);
}

function wrongUrl(reason: string): Halt {
  return {
    kind: 'halt',
    reason,
    setting: 'loki.url',
    hint: 'this is not how Loki answers a push: check that loki.url is the one of Loki, with the right scheme, port and path',
  };
}

function limited(text: string, reason: string, entries: number): Verdict {
  const plain = withoutStreams(text);
  if (/active stream limit exceeded/i.test(plain)) {
    const hint =
      'this Loki takes no further stream of the tenant: use fewer labels or values, or raise max_global_streams_per_user';
    return { kind: 'retry', reason, hint, perhapsSize: false, ofStream: true, fate: 'not-stored' };
  }
  const hint = 'Pollard goes on at the rate that Loki allows; if this stays, raise the limits of the tenant';
  const ofStream = /per stream rate limit exceeded/i.test(plain);
  const fate = ofStream && !refusesAll(plain, entries) ? 'answered' : 'not-stored';
  return { kind: 'retry', reason, hint, perhapsSize: true, ofStream, fate };
}

/**
 * Whether no entry of a request was stored. Over the rate of a stream, Loki refuses single entries where it does not
 * divide streams into shards, and single shards where it does (pkg/ingester/stream.go errorForFailedEntries).
 */
function refusesAll(text: string, entries: number): boolean {
  const [, ignored, total] = /total ignored: (\d+) out of (\d+) for stream/i.exec(text) ?? [];
  return Number(ignored) === entries && Number(total) === entries;
}

function haltFor(answer: LokiAnswer): { setting: string; hint: string } {
  const { status, location } = answer;
  switch (status) {
    case 401:
      return {
        setting: 'loki.basic_auth',
        hint: 'set loki.basic_auth or loki.bearer_token_file, and loki.tenant, to what this Loki expects',
      };
    case 403:
      return { setting: 'loki.basic_auth', hint: 'this user or token may not push: check its rights' };
    case 404:
    case 405:
    case 410:
      return { setting: 'loki.url', hint: 'nothing takes pushes there: check the path of loki.url' };
    case 407:
      return { setting: 'loki.proxy_url', hint: 'give user and password of the proxy in loki.proxy_url' };
    case 415:
      return {
        setting: 'loki.encoding',
        hint: 'what stands there does not take this encoding: try the other',
      };
  }
  if (status >= 300 && status < 400) {
    const to =
      location === undefined ? 'elsewhere' : `to ${clean(withoutSecrets(location, answer)).slice(0, 200)}`;
    return { setting: 'loki.url', hint: `the server sends us ${to}: set loki.url to where Loki really is` };
  }
  return { setting: 'loki.url', hint: 'Loki does not answer so: look at what stands before it' };
}

/** A page for people, which Loki never sends. */
function isPage({ contentType, body }: LokiAnswer): boolean {
  return /^\s*text\/html/i.test(contentType) || /^\s*<(?:!doctype|html|head|body)/i.test(body.slice(0, 200));
}

function shownText(answer: LokiAnswer): string {
  const text = withoutSecrets(answer.body, answer);
  if (!isPage(answer)) return clean(text.slice(0, 4 * SHOWN)).slice(0, SHOWN);
  const title = /<title[^>]{0,200}>([^<]{0,200})/i.exec(text)?.[1];
  return title === undefined ? '(a page of HTML)' : `(a page of HTML: ${clean(title)})`;
}

/** Some gateways repeat what they were sent. */
function withoutSecrets(text: string, { secrets = [] }: LokiAnswer): string {
  // The longest first: one may be a part of another.
  const known = [...secrets].sort((a, b) => b.length - a.length);
  return known.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
}

/** On one line, and nothing in it that moves a terminal's cursor. */
function clean(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\s\x00-\x1f\x7f-\x9f]+/g, ' ').trim();
}
