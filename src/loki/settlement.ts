import type { Clock, Random } from '../model/clock.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import type { AskFirst } from './ask-first.js';
import { backoffMs } from './backoff.js';
import type { EntrySet } from './entry-set.js';
import { PushFailed } from './loki-error.js';
import { PushRequest, type PushAttempts } from './push-attempts.js';
import type { PushObserver } from './push-observer.js';
import type { PushStateWatch } from './push-state.js';
import type { Rejection } from './rejected-record.js';
import { SMALLEST_CEILING, type RequestCeiling } from './request-ceiling.js';
import type { LokiSettings } from './settings.js';
import type { Halt, Refused, Retry } from './verdict.js';

/** What all batches share. */
export interface SettlementContext {
  readonly attempts: PushAttempts;
  readonly asking: AskFirst;
  readonly watch: PushStateWatch;
  readonly ceiling: RequestCeiling;
  readonly settings: Pick<LokiSettings, 'encoding' | 'backoff'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: PushObserver;
}

/** Failures of one request after which a 429 or 500 is taken for a matter of size. */
const HALVE_EVERY = 4;

/** Something that Loki said of one entry, and that holds for others too. */
interface Bound {
  readonly stamp: Nanoseconds;
  readonly status: number;
  readonly refused: Refused;
}

/**
 * Brings the entries of one batch to their end: each is stored, or refused by Loki and its reason known.
 *
 * What Loki refuses is found by dividing. That is safe, because the entries of a refused request that Loki does
 * take are stored, and are folded when they are sent again. And it is short, because Loki's window for stamps
 * has a lower and an upper end (pkg/ingester/stream.go validateEntries, pkg/distributor/validator.go
 * ValidateEntry): what is older than an entry refused as too old is refused likewise, and need not be sent. For
 * `too-far-behind` that takes a batch whose span is not wider than the window; see BatchBounds.maxSpan. (Where
 * Loki divides a stream into shards, one of them may have stored what is called refused here: a line too many in
 * the rejected-lines file, never one too few.)
 */
export class Settlement {
  readonly #context: SettlementContext;
  readonly #signal: AbortSignal;
  readonly #rejections: Rejection[] = [];
  #accepted = 0;
  /** Refused with this stamp: older ones are too. */
  #tooOld: Bound | undefined;
  /** Refused with this stamp: newer ones are too, at present. */
  #tooNew: Bound | undefined;
  /** The endpoint takes requests as such. */
  #endpointProven = false;
  /** Where Loki said that its window begins was right so far. */
  #windowTrusted = true;

  constructor(context: SettlementContext, signal: AbortSignal) {
    this.#context = context;
    this.#signal = signal;
  }

  get accepted(): number {
    return this.#accepted;
  }

  get rejections(): readonly Rejection[] {
    return this.#rejections;
  }

  /**
   * Resolves when all of the entries are settled, some of which Loki may hold already.
   *
   * @throws as settle
   */
  async settleUnsent(entries: EntrySet): Promise<void> {
    const unsent = await this.#context.asking.unsent(entries, this.#signal);
    this.#held(entries.size - unsent.size);
    await this.settle(unsent, 0, unsent !== entries);
  }

  /**
   * Resolves when all of the entries are settled.
   *
   * @param failures failed tries of these entries so far
   * @param repeated they were sent before
   * @throws PushFailed after `maxRetries`; the signal's reason when it aborts
   */
  async settle(entries: EntrySet, failures = 0, repeated = false): Promise<void> {
    let open = this.#withoutKnown(entries);
    if (open.size === 0) return;
    const { attempts, asking, watch, settings, ceiling } = this.#context;
    let request = PushRequest.of(open, settings.encoding, repeated);
    let failed = failures;
    for (;;) {
      const { verdict, status } = await attempts.make(request, this.#signal);
      let trouble: Retry | Halt;
      switch (verdict.kind) {
        case 'accepted':
          watch.succeeded();
          this.#accepted += open.size;
          return;
        case 'shrink':
          if (open.size > 1) {
            ceiling.tooLarge(open.bytes);
            return this.#halves(open, failed);
          }
          if (open.bytes >= SMALLEST_CEILING) {
            watch.succeeded();
            return this.#reject(open, status, { kind: 'refused', why: 'too-large', reason: verdict.reason });
          }
          trouble = { kind: 'halt', reason: verdict.reason, ...ABSURDLY_SMALL };
          break;
        case 'refused': {
          const doubt = verdict.why === 'other' ? await this.#doubtOf(open, verdict) : undefined;
          if (doubt === undefined) {
            watch.succeeded();
            return this.#refused(await this.#unstored(open, verdict), status, verdict, failed);
          }
          trouble = doubt;
          break;
        }
        default:
          trouble = verdict;
      }
      failed++;
      await this.#wait(open, trouble, failed, status === 429);
      if (trouble.kind === 'retry' && trouble.fate !== 'not-stored') {
        const missing = await asking.missing(open, trouble.fate, this.#signal, failed);
        this.#held(open.size - missing.size);
        if (missing.size === 0) return;
        if (missing.size < open.size) request = PushRequest.of(missing, settings.encoding, true);
        open = missing;
      }
      const perhapsSize = trouble.kind === 'retry' && trouble.perhapsSize && failed % HALVE_EVERY === 0;
      if (perhapsSize && open.size > 1 && open.bytes > SMALLEST_CEILING) return this.#halves(open, failed);
    }
  }

  /** Loki was seen to hold so many of the entries. */
  #held(entries: number): void {
    if (entries === 0) return;
    this.#context.watch.succeeded();
    this.#accepted += entries;
  }

  async #halves(entries: EntrySet, failures: number): Promise<void> {
    const middle = entries.size >> 1;
    await this.settle(entries.slice(0, middle), failures, true);
    await this.settle(entries.slice(middle, entries.size), failures, true);
  }

  /** Of the entries of a refused request, those that are not refused are stored (pkg/ingester/stream.go Push). */
  async #unstored(entries: EntrySet, { why }: Refused): Promise<EntrySet> {
    if (why === 'stream' || entries.size === 1) return entries;
    const unstored = await this.#context.asking.missing(entries, 'answered', this.#signal);
    this.#held(entries.size - unstored.size);
    return unstored;
  }

  async #refused(entries: EntrySet, status: number, refused: Refused, failures: number): Promise<void> {
    if (entries.size === 0) return;
    const { why } = refused;
    // One stream a request: what is wrong with the stream is wrong for all of them.
    if (why === 'stream') return this.#reject(entries, status, refused);
    if (entries.size === 1) {
      const bound = { stamp: entries.stampAt(0), status, refused };
      if (why === 'too-old' || why === 'too-far-behind') this.#tooOld = bound;
      if (why === 'too-new') this.#tooNew = bound;
      return this.#reject(entries, status, refused);
    }
    if (why === 'too-old' || why === 'too-far-behind') return this.#newestFirst(entries, refused, failures);
    return this.#halves(why === 'too-new' ? entries.byStamp() : entries, failures);
  }

  /** So that the newest refused entry is found first, which settles all that are older. */
  async #newestFirst(entries: EntrySet, { oldestAcceptable }: Refused, failures: number): Promise<void> {
    const sorted = entries.byStamp();
    const { size } = sorted;
    const behind =
      oldestAcceptable !== undefined && this.#windowTrusted ? countBefore(sorted, oldestAcceptable) : 0;
    if (behind === 0) {
      const middle = size >> 1;
      await this.settle(sorted.slice(middle, size), failures, true);
      await this.settle(sorted.slice(0, middle), failures, true);
      return;
    }
    await this.settle(sorted.slice(behind, size), failures, true);
    const before = this.#accepted;
    await this.settle(sorted.slice(behind - 1, behind), failures, true);
    if (this.#accepted > before) this.#windowTrusted = false;
    await this.settle(sorted.slice(0, behind - 1), failures, true);
  }

  /** Sets those aside of which it is known already that Loki refuses them; returns the others. */
  #withoutKnown(entries: EntrySet): EntrySet {
    let open = entries;
    const low = this.#tooOld;
    if (low !== undefined) {
      const [refused, others] = open.partition((stamp) => stamp <= low.stamp);
      this.#reject(refused, low.status, low.refused);
      open = others;
    }
    const high = this.#tooNew;
    if (high !== undefined) {
      const [refused, others] = open.partition((stamp) => stamp >= high.stamp);
      this.#reject(refused, high.status, high.refused);
      open = others;
    }
    return open;
  }

  #reject(entries: EntrySet, status: number, refused: Refused): void {
    if (entries.size === 0) return;
    const { why, reason, oldestAcceptable, answeredAt } = refused;
    const named = oldestAcceptable === undefined ? {} : { oldestAcceptable };
    const timed = answeredAt === undefined ? {} : { answeredAt };
    this.#rejections.push({ entries, status, kind: why, reason, ...named, ...timed });
  }

  /**
   * An unknown reason may be the endpoint's and not the entries': a gateway that answers everything with 400
   * must not empty the logs into the rejected-lines file. So a request without entries goes first.
   */
  async #doubtOf(entries: EntrySet, refused: Refused): Promise<Retry | Halt | undefined> {
    if (this.#endpointProven) return undefined;
    const { attempts, settings } = this.#context;
    const { verdict } = await attempts.make(
      PushRequest.empty(entries.target, settings.encoding),
      this.#signal,
    );
    if (verdict.kind === 'accepted') {
      this.#endpointProven = true;
      return undefined;
    }
    if (verdict.kind === 'retry' || verdict.kind === 'halt') return verdict;
    return { kind: 'halt', reason: refused.reason, ...REFUSES_EVERYTHING };
  }

  async #wait(
    entries: EntrySet,
    trouble: Retry | Halt,
    failures: number,
    isRateLimit: boolean,
  ): Promise<void> {
    const { watch, settings, clock, random, observer } = this.#context;
    const { backoff } = settings;
    const { kind, reason, hint, setting, afterMs } = trouble;
    const ofStream = trouble.kind === 'retry' && trouble.ofStream;
    // What only this stream suffers from must not keep all others from being read.
    if (ofStream) watch.succeeded();
    else watch.failed(kind === 'halt' ? 'halted' : 'retrying', trouble, isRateLimit);
    if (backoff.maxRetries > 0 && failures > backoff.maxRetries) {
      throw new PushFailed(entries.target.containerName, failures, reason, hint, setting);
    }
    const delayMs =
      kind === 'halt' ? Math.max(backoff.maxMs, afterMs ?? 0) : backoffMs(failures, backoff, random, afterMs);
    observer.onRetry({ delayMs, reason, hint, ofStream, target: entries.target });
    await clock.sleep(delayMs, this.#signal);
  }
}

const ABSURDLY_SMALL = {
  setting: 'loki.url',
  hint: 'even a request with one short line is called too large: look at the limits of what stands before Loki',
};

const REFUSES_EVERYTHING = {
  setting: 'loki.url',
  hint: 'even a request without any line is refused: check that loki.url is the one of Loki, and what stands before it',
};

/** How many of the entries, which are in order, lie before a stamp. */
function countBefore(sorted: EntrySet, stamp: Nanoseconds): number {
  let low = 0;
  let high = sorted.size;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted.stampAt(middle) < stamp) low = middle + 1;
    else high = middle;
  }
  return low;
}
