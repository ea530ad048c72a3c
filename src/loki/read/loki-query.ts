import { backoffMs } from '../backoff.js';
import { LokiRequestError } from '../loki-error.js';
import type { LokiAnswer, LokiTransport } from '../transport.js';
import type { Clock, Random } from '../../model/clock.js';
import { PollardError } from '../../model/errors.js';
import type { LabelSet } from '../../model/labels.js';
import { readPiece, type LinePiece } from '../../model/line-piece.js';
import type { StampRange } from './stamp-range.js';

/** One entry as Loki gives it back. */
export interface LokiEntry {
  /** Whole seconds since 1970. */
  readonly seconds: number;
  readonly nanos: number;
  /** What is no UTF-8 is replaced. */
  readonly line: string;
  /** The structured metadata `container_id`; undefined where the line was stored without. */
  readonly containerId: string | undefined;
  /** All structured metadata, with what Loki added; from a Loki before 2.9, the labels too. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The labels of its stream; the same object for all entries of a stream in one answer. */
  readonly labels: LabelSet;
  /** Which part of a long line it is, as its structured metadata says; undefined: a whole line, or not known. */
  readonly piece: LinePiece | undefined;
}

export interface PageQuestion {
  /** A stream selector of LogQL, `{a="b"}`. */
  readonly selector: string;
  readonly range: StampRange;
  readonly limit: number;
  readonly direction: 'forward' | 'backward';
}

export type PageAnswer =
  | {
      readonly kind: 'page';
      /** Sorted by stamp, in the direction asked for. */
      readonly entries: readonly LokiEntry[];
      /** Entries that could not be understood, and are not among these. */
      readonly malformed: number;
      /** Of the answer's text. */
      readonly bytes: number;
    }
  /** No answer, as happens when it would be over 4 MiB: ask for less. */
  | { readonly kind: 'too-large'; readonly error: Error }
  /** `max_entries_limit_per_query` is so many. */
  | { readonly kind: 'limit'; readonly max: number }
  /** The range is longer than `max_query_length`. */
  | { readonly kind: 'too-long'; readonly error: Error };

export interface LokiQueriesOptions {
  readonly transport: Pick<LokiTransport, 'get'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly tenant?: string;
  /** Tries of one question while Loki is away or busy. Default 6. */
  readonly tries?: number;
}

const TRIES = 6;
const BACKOFF = { minMs: 500, maxMs: 15_000 };
const QUERY_RANGE = '/loki/api/v1/query_range';

const HEADERS = {
  // Structured metadata beside each line, and not among the labels.
  'x-loki-response-encoding-flags': 'categorize-labels',
  // The frontend remembers stretches of time that were empty (queryrange/log_result_cache.go); a repaired one is not.
  'cache-control': 'no-cache',
};

/** Asks one Loki for pages of `query_range`; what is away or busy is asked again for a while. */
export class LokiQueries {
  readonly #options: LokiQueriesOptions;

  constructor(options: LokiQueriesOptions) {
    this.#options = options;
  }

  /**
   * @throws LokiRequestError, PollardError `loki_query_failed`, `loki_query_refused`; the signal's reason when it
   *   aborts
   */
  async page(question: PageQuestion, signal: AbortSignal): Promise<PageAnswer> {
    const { clock, random, tries = TRIES } = this.#options;
    for (let failures = 1; ; failures++) {
      const answer = await this.#once(question, signal);
      if (!(answer instanceof Error)) return answer;
      if (failures >= tries) throw answer;
      await clock.sleep(backoffMs(failures, BACKOFF, random), signal);
    }
  }

  /** An error is returned when it may heal by itself, and thrown when not. */
  async #once(question: PageQuestion, signal: AbortSignal): Promise<PageAnswer | PollardError> {
    const { transport, tenant } = this.#options;
    const { selector, range, limit, direction } = question;
    try {
      const answer = await transport.get(
        QUERY_RANGE,
        {
          parameters: {
            query: selector,
            start: String(range.from),
            end: String(range.until),
            limit: String(limit),
            direction,
          },
          headers: HEADERS,
          ...(tenant === undefined ? {} : { tenant }),
        },
        signal,
      );
      return readAnswer(answer, direction);
    } catch (error) {
      if (!(error instanceof LokiRequestError)) throw error;
      if (mayBeSize(error)) return { kind: 'too-large', error };
      if (error.code === 'loki_unreachable') return error;
      throw error;
    }
  }
}

const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET']);

/** An answer over 4 MiB does not come: nothing for a minute, then 504 or the end of the connection. */
function mayBeSize(error: LokiRequestError): boolean {
  if (error.code === 'loki_timeout' || error.code === 'loki_answer_too_large') return true;
  const cause = error.cause as { readonly code?: unknown } | undefined;
  return typeof cause?.code === 'string' && BROKEN.has(cause.code);
}

function readAnswer(answer: LokiAnswer, direction: PageQuestion['direction']): PageAnswer | PollardError {
  const { status, body } = answer;
  if (status === 200) return { kind: 'page', ...entriesOf(body, direction), bytes: body.length };
  const error = queryFailed(answer);
  const max = /max entries limit per query exceeded.{0,80}\(\d+ > (\d+)\)/i.exec(body)?.[1];
  if (max !== undefined) return { kind: 'limit', max: Number(max) };
  if (/query time range exceeds the limit/i.test(body)) return { kind: 'too-long', error };
  if (status === 504 || status === 413 || /message larger than max/i.test(body)) {
    return { kind: 'too-large', error };
  }
  if (mayHeal(status)) return error;
  throw error;
}

function mayHeal(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

function queryFailed({ status, body }: LokiAnswer): PollardError {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const said = body.replace(/[\s\x00-\x1f\x7f-\x9f]+/g, ' ').trim();
  const refused = status >= 400 && status < 500 && !mayHeal(status);
  const code = refused ? 'loki_query_refused' : 'loki_query_failed';
  return new PollardError(code, `Loki answers a query with ${status} ${said.slice(0, 300)}`, {
    hint:
      status === 401 || status === 403
        ? 'this user, token or tenant may not read: check loki.basic_auth, loki.bearer_token_file and loki.tenant'
        : 'check that loki.url serves reading as well as pushing, and look at the log of Loki',
    setting: 'loki.url',
    exit: 'loki',
  });
}

/** Entries of an answer could not be understood, and the rest is not enough. */
export function notUnderstood(): PollardError {
  return new PollardError('loki_query_failed', "entries of Loki's answer to a query cannot be understood", {
    hint: 'check that no proxy before Loki rewrites its answers',
    setting: 'loki.url',
    exit: 'loki',
  });
}

interface Answer {
  readonly data?: { readonly encodingFlags?: unknown; readonly result?: unknown };
}

const NO_METADATA: Readonly<Record<string, string>> = {};

interface Stream {
  readonly stream: LabelSet;
  readonly values: readonly unknown[];
}

/** `[stamp, line, {structuredMetadata}]` */
type Value = readonly [string, string, { structuredMetadata?: Readonly<Record<string, string>> }?];

const STAMP = /^\d{10,20}$/;

/**
 * Reads the answer's streams (pkg/util/marshal/query.go encodeStreams) into one list, sorted by stamp. An entry that
 * cannot be understood is counted; the others are not affected.
 *
 * @throws PollardError `loki_query_failed` when the answer is none of Loki's
 */
function entriesOf(
  body: string,
  direction: PageQuestion['direction'],
): { readonly entries: readonly LokiEntry[]; readonly malformed: number } {
  const { data } = answerOf(body);
  const entries: LokiEntry[] = [];
  let malformed = 0;
  // A Loki before 2.9 does not know the flag, and has the metadata, if any, among the labels.
  const flags = data?.encodingFlags;
  const beside = Array.isArray(flags) && flags.includes('categorize-labels');
  for (const each of data?.result as readonly unknown[]) {
    if (!isStream(each)) {
      malformed++;
      continue;
    }
    const { stream: labels, values } = each;
    for (const value of values) {
      if (!isValue(value)) {
        malformed++;
        continue;
      }
      const [stamp, line, more] = value;
      const metadata = (beside ? more?.structuredMetadata : labels) ?? NO_METADATA;
      const whole = stamp.length - 9;
      entries.push({
        seconds: Number(stamp.slice(0, whole)),
        nanos: Number(stamp.slice(whole)),
        line,
        containerId: metadata['container_id'],
        metadata,
        labels,
        piece: readPiece(metadata),
      });
    }
  }
  const sign = direction === 'forward' ? 1 : -1;
  // Stable: what came first at a stamp stays first.
  entries.sort((a, b) => sign * (a.seconds - b.seconds || a.nanos - b.nanos));
  return { entries, malformed };
}

function answerOf(body: string): Answer {
  try {
    const answer = JSON.parse(body) as Answer;
    if (!Array.isArray(answer.data?.result)) throw new TypeError('no result');
    return answer;
  } catch (cause) {
    throw new PollardError('loki_query_failed', `Loki's answer to a query is none: ${body.slice(0, 100)}`, {
      hint: 'check that loki.url is the one of Loki: something else answers there',
      setting: 'loki.url',
      exit: 'loki',
      cause,
    });
  }
}

function isStream(value: unknown): value is Stream {
  if (typeof value !== 'object' || value === null) return false;
  const { stream, values } = value as Partial<Stream>;
  return typeof stream === 'object' && (stream as object | null) !== null && Array.isArray(values);
}

function isValue(value: unknown): value is Value {
  if (!Array.isArray(value)) return false;
  const [stamp, line, more] = value as readonly unknown[];
  if (typeof stamp !== 'string' || !STAMP.test(stamp) || typeof line !== 'string') return false;
  return more === undefined || (typeof more === 'object' && more !== null);
}
