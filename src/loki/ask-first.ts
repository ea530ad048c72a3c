import type { Clock, Random } from '../model/clock.js';
import { PollardError } from '../model/errors.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import { backoffMs } from './backoff.js';
import { isNeverSent } from './connection-error.js';
import type { EntrySet } from './entry-set.js';
import { LokiRequestError, PushFailed } from './loki-error.js';
import { PushRequest, type Outcome, type PushAttempts } from './push-attempts.js';
import type { PushObserver } from './push-observer.js';
import type { PushStateWatch } from './push-state.js';
import { ReadAccess } from './read-access.js';
import type { StreamReader } from './read/stream-reader.js';
import type { LokiSettings } from './settings.js';
import type { StreamDoubts } from './stream-doubts.js';
import type { StreamTarget } from './stream-target.js';
import type { Retry } from './verdict.js';

export interface AskFirstOptions {
  readonly reader: StreamReader;
  readonly doubts: StreamDoubts;
  readonly attempts: PushAttempts;
  readonly watch: PushStateWatch;
  readonly settings: Pick<LokiSettings, 'query' | 'settleMs' | 'backoff' | 'encoding'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: PushObserver;
}

/** A push without entries got no answer, or an error. */
class PushUnanswered extends PollardError {
  override name = 'PushUnanswered';
  constructor({ reason, hint, setting }: Retry) {
    super('push_unanswered', reason, { hint, exit: 'loki', ...(setting === undefined ? {} : { setting }) });
  }
}

/** How far a stream's entries lie out of order at most: as far as Loki takes them by default, ns. */
const OUT_OF_ORDER = 3_600_000_000_000n;
/** Failed questions after which reading counts as broken, while Loki takes pushes. */
const READ_TRIES = 5;
/** Batches of a stream that a process may have under way, each of both streams of a poll; see Delivery. */
const MOST_UNDER_WAY = 6;

/**
 * Asks Loki before lines are sent again, and leaves out what it holds. Loki folds a repetition only inside the head
 * block of a chunk (pkg/chunkenc/memchunk.go), so it must not get lines twice.
 *
 * What Loki does not answer for is sent: a line too many in Loki, never one too few.
 */
export class AskFirst {
  readonly #options: AskFirstOptions;
  readonly #access: ReadAccess;

  constructor(options: AskFirstOptions) {
    this.#options = options;
    this.#access = new ReadAccess(options.settings.query, options.clock);
  }

  /**
   * Before entries are sent for the first time in this push: leaves out those that Loki holds, where an earlier
   * process, or an earlier poll, may have sent them.
   *
   * @throws PushFailed after `maxRetries`; the signal's reason when it aborts
   */
  async unsent(entries: EntrySet, signal: AbortSignal): Promise<EntrySet> {
    const { doubts, reader } = this.#options;
    const { target } = entries;
    const doubt = doubts.of(target);
    if (doubt === undefined || entries.size === 0) return entries;
    const oldest = oldestOf(entries);
    let { until } = doubt;
    if (until === undefined) {
      // All that was sent has settled, and what is newer than the newest entry was not stored.
      const newest = await this.#ask(
        entries,
        'open',
        async () => ({ stamp: await reader.newest(target, oldest - OUT_OF_ORDER, signal) }),
        signal,
      );
      if (newest === undefined) {
        doubts.sentUnasked(target);
        if (doubt.unasked < MOST_UNDER_WAY) this.#sendUnasked(entries);
        return entries;
      }
      // What is older was not asked for: these entries may be far ahead of those that follow.
      until = newest.stamp ?? oldest - OUT_OF_ORDER;
      doubts.bound(target, until);
    }
    if (oldest > until) return entries;
    return await this.missing(entries, 'answered', signal);
  }

  /**
   * After entries were sent and it is not known whether Loki stored them: those that it does not hold.
   *
   * @param fate `open`: the request may still be under way
   * @param failed failed tries of these entries so far
   * @throws PushFailed after `maxRetries`; the signal's reason when it aborts
   */
  async missing(
    entries: EntrySet,
    fate: 'answered' | 'open',
    signal: AbortSignal,
    failed = 0,
  ): Promise<EntrySet> {
    const { reader, observer } = this.#options;
    const missing = await this.#ask(entries, fate, () => reader.missing(entries, signal), signal, failed);
    if (missing === undefined) {
      this.#sendUnasked(entries);
      return entries;
    }
    const { size: lines, target } = entries;
    observer.onAsked({ lines, held: lines - missing.size, target });
    return missing;
  }

  /**
   * Asks until there is an answer. Where a request may still be under way, the answer that counts is given only some
   * time after Loki was first seen to answer again, both a question and a push.
   *
   * @returns undefined when Loki may not be read, or does not answer questions although it takes pushes
   */
  async #ask<T>(
    entries: EntrySet,
    fate: 'answered' | 'open',
    question: () => Promise<T>,
    signal: AbortSignal,
    failed = 0,
  ): Promise<T | undefined> {
    const { reader, clock, settings } = this.#options;
    const { target } = entries;
    let settled = fate === 'answered';
    let unread = 0;
    for (let failures = failed + 1; this.#access.isOpen; failures++) {
      try {
        if (!settled) {
          await reader.newest(target, oldestOf(entries), signal);
          await this.#pushAnswered(target, signal);
          await clock.sleep(settings.settleMs, signal);
          settled = true;
        }
        const answer = await question();
        this.#access.worked();
        return answer;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof PollardError)) throw error;
        if (error.code === 'loki_query_refused') {
          this.#access.refused(error);
          break;
        }
        settled = fate === 'answered';
        unread = (await this.#takesPushes(target, error, signal)) ? unread + 1 : 0;
        if (unread >= READ_TRIES) {
          this.#access.broken(error);
          break;
        }
        await this.#wait(target, error, failures, unread > 0, signal);
      }
    }
    return undefined;
  }

  /**
   * As long as pushes are not answered, those before may be under way.
   *
   * @throws PushUnanswered
   */
  async #pushAnswered(target: StreamTarget, signal: AbortSignal): Promise<void> {
    const { verdict, status } = await this.#pushNothing(target, signal);
    if (verdict.kind === 'retry' && status !== 429) throw new PushUnanswered(verdict);
  }

  async #takesPushes(target: StreamTarget, error: PollardError, signal: AbortSignal): Promise<boolean> {
    if (error instanceof PushUnanswered) return false;
    if (error instanceof LokiRequestError && isNeverSent(error)) return false;
    return (await this.#pushNothing(target, signal)).verdict.kind === 'accepted';
  }

  /** A push without entries stores nothing, and shows whether Loki is there. */
  async #pushNothing(target: StreamTarget, signal: AbortSignal): Promise<Outcome> {
    const { attempts, settings } = this.#options;
    return await attempts.make(PushRequest.empty(target, settings.encoding), signal);
  }

  async #wait(
    target: StreamTarget,
    error: PollardError,
    failures: number,
    takesPushes: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { watch, settings, observer, clock, random } = this.#options;
    const { message: reason, hint = '', setting } = error;
    // What only questions suffer from must not keep others from being read.
    if (takesPushes) watch.succeeded();
    else if (watch.current.kind === 'ok')
      watch.failed('retrying', { reason, hint, ...(setting === undefined ? {} : { setting }) });
    const { maxRetries } = settings.backoff;
    if (!takesPushes && maxRetries > 0 && failures > maxRetries) {
      throw new PushFailed(target.containerName, failures, reason, hint, setting);
    }
    const delayMs = backoffMs(failures, settings.backoff, random);
    observer.onRetry({ delayMs, reason, hint, ofStream: false, target });
    await clock.sleep(delayMs, signal);
  }

  #sendUnasked(entries: EntrySet): void {
    const { observer } = this.#options;
    const { reason, hint } = this.#access.closed;
    observer.onReplayed({ lines: entries.size, reason, hint, target: entries.target });
  }
}

/** The lowest timestamp of entries, of which there is one at least. */
function oldestOf(entries: EntrySet): Nanoseconds {
  let oldest = entries.stampAt(0);
  for (let i = 1; i < entries.size; i++) {
    const stamp = entries.stampAt(i);
    if (stamp < oldest) oldest = stamp;
  }
  return oldest;
}
