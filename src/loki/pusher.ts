import type { Clock, Random } from '../model/clock.js';
import { joinedSignal } from '../model/joined-signal.js';
import { NS_PER_MS } from '../model/nanoseconds.js';
import { sharedController } from '../model/shared-controller.js';
import type { AgeLimits } from './age-limits.js';
import { AskFirst } from './ask-first.js';
import type { EntryBatch } from './batch.js';
import type { EntrySet } from './entry-set.js';
import { LinesTooNew, PushAborted } from './loki-error.js';
import { OldLines } from './old-lines.js';
import { PushAttempts, PushRequest } from './push-attempts.js';
import type { PushObserver, RejectedEntries } from './push-observer.js';
import { PushStateWatch, type PushState } from './push-state.js';
import type { Rejection } from './rejected-record.js';
import type { RejectedSink } from './rejected.js';
import { RequestCeiling } from './request-ceiling.js';
import { Settlement, type SettlementContext } from './settlement.js';
import { Semaphore } from './semaphore.js';
import type { LokiSettings } from './settings.js';
import { StreamReader } from './read/stream-reader.js';
import { StreamDoubts } from './stream-doubts.js';
import type { StreamTarget } from './stream-target.js';
import { oldestRefusedApart, waitForTooNew } from './too-new-lines.js';
import type { TooNewWaits } from './too-new-waits.js';
import type { LokiTransport } from './transport.js';
import type { UnstoredLines } from './unstored-lines.js';
import type { RefusalKind } from './verdict.js';

export interface PusherOptions {
  readonly transport: LokiTransport;
  readonly settings: Pick<
    LokiSettings,
    'encoding' | 'maxInFlight' | 'backoff' | 'limits' | 'query' | 'settleMs'
  >;
  readonly clock: Clock;
  readonly random: Random;
  /** Where refused entries are made durable before their push resolves. */
  readonly rejected: RejectedSink;
  /** Set: entries that are too old for Loki are skipped, and counted instead of copied. */
  readonly tooOld?: TooOldOptions;
  /** Set: entries that are too new for Loki are not refused at once, but sent again later. */
  readonly tooNew?: TooNewWaits;
  readonly events: PushObserver;
  /** Whose lines may have been sent before. Default: nobody's. */
  readonly doubts?: StreamDoubts;
}

export interface TooOldOptions {
  readonly limits: AgeLimits;
  /** Resolves when it is durable, or cannot be made so, that these lines were not stored. */
  readonly count: (lines: readonly UnstoredLines[]) => Promise<void>;
}

/** What became of a batch: `accepted + rejected` are its entries. */
export interface PushResult {
  readonly accepted: number;
  /** Refused by Loki, or skipped because it refuses lines of that age. */
  readonly rejected: number;
  /** Of the lines that were rejected. */
  readonly rejectedBytes: number;
}

export interface Pusher {
  /**
   * Resolves when each entry of the batch is stored by Loki, or refused and written to the rejected-lines file, or
   * reported as refused and not kept. What may heal is tried again, for ever by default. However it ends, the
   * batch's memory is given back.
   *
   * @throws PushAborted when the signal aborts, or after stop(): nothing counts as stored
   * @throws PushFailed after `backoff.maxRetries`: nothing counts as stored
   * @throws LinesTooNew when entries are too new for now and are to be sent again later: nothing counts as settled,
   *   though the others were sent
   * @throws what the rejected-lines file throws, likewise
   */
  push(batch: EntryBatch, signal: AbortSignal): Promise<PushResult>;
  state(): PushState;
  /** Loki does not answer, fails, or refuses everything. One that only limits the rate is not away. */
  readonly isAway: boolean;
  /** Loki has taken something, or said that it limits the rate, at some time. */
  readonly hasAnswered: boolean;
  /**
   * Sends one request without lines, which stores nothing, and does not change the state.
   *
   * @returns why Loki does not take what is sent; undefined: it has answered
   * @throws the signal's reason when it aborts
   */
  tryOut(target: StreamTarget, signal: AbortSignal): Promise<string | undefined>;
  /** Pushes under way. */
  readonly underWay: number;
  /** Gives up all pushes, those under way and those to come. */
  stop(): void;
  /** Does so, and resolves when none is under way any more. */
  close(): Promise<void>;
}

/** Makes the one pusher of a Loki: it bounds the requests under way, of all streams together. */
export function createPusher(options: PusherOptions): Pusher {
  return new LokiPusher(options);
}

class LokiPusher implements Pusher {
  readonly #options: PusherOptions;
  readonly #watch: PushStateWatch;
  readonly #context: SettlementContext;
  readonly #stopping = sharedController();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(options: PusherOptions) {
    const { transport, settings, clock, random, events: observer } = options;
    const { doubts = new StreamDoubts(false) } = options;
    const slots = new Semaphore(settings.maxInFlight);
    const attempts = new PushAttempts(transport, slots, clock, observer);
    const reader = new StreamReader({ transport, slots, clock, random });
    this.#options = options;
    this.#watch = new PushStateWatch(clock, (state) => observer.onState(state));
    this.#context = {
      attempts,
      asking: new AskFirst({
        reader,
        doubts,
        attempts,
        watch: this.#watch,
        settings,
        clock,
        random,
        observer,
      }),
      watch: this.#watch,
      ceiling: new RequestCeiling(settings.limits.maxRequestBytes, clock),
      settings,
      clock,
      random,
      observer,
    };
  }

  state(): PushState {
    return this.#watch.current;
  }

  get isAway(): boolean {
    return this.#watch.isAway;
  }

  get hasAnswered(): boolean {
    return this.#watch.hasAnswered;
  }

  async tryOut(target: StreamTarget, signal: AbortSignal): Promise<string | undefined> {
    const { attempts, settings } = this.#context;
    const request = PushRequest.empty(target, settings.encoding);
    const { verdict, status } = await attempts.make(request, signal);
    if (verdict.kind !== 'accepted' && status !== 429) return verdict.reason;
    this.#watch.answered();
    return undefined;
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  stop(): void {
    if (!this.#stopping.signal.aborted) this.#stopping.abort(new Error('the pushes were stopped'));
  }

  async close(): Promise<void> {
    this.stop();
    await Promise.allSettled(this.#underWay);
    this.#options.events.onClosed?.();
  }

  async push(batch: EntryBatch, signal: AbortSignal): Promise<PushResult> {
    const ending = joinedSignal([signal, this.#stopping.signal]);
    const pushing = this.#push(batch, ending.signal);
    this.#underWay.add(pushing);
    try {
      return await pushing;
    } catch (error) {
      // Nothing is under way any more that would show whether Loki is back.
      if (this.#underWay.size === 1 && !this.#stopping.signal.aborted) this.#watch.gaveUp();
      throw error;
    } finally {
      this.#underWay.delete(pushing);
      ending.release();
    }
  }

  async #push(batch: EntryBatch, signal: AbortSignal): Promise<PushResult> {
    const { tooOld } = this.#options;
    const settlement = new Settlement(this.#context, signal);
    const old = tooOld && new OldLines(batch.target, tooOld.limits);
    try {
      for (const entries of this.#parts(batch, settlement, old)) await settlement.settleUnsent(entries);
      this.#checkTooNew(batch, settlement.rejections);
      await this.#setAside(settlement.rejections, old);
      const { accepted, rejections } = settlement;
      const refusedBytes = rejections.reduce((sum, { entries }) => sum + entries.lineBytes, 0);
      return {
        accepted,
        rejected: batch.entries - accepted,
        rejectedBytes: refusedBytes + (old?.skippedBytes ?? 0),
      };
    } catch (error) {
      throw signal.aborted ? new PushAborted(batch.target.containerName, error) : error;
    } finally {
      batch.release();
    }
  }

  /** @throws LinesTooNew */
  #checkTooNew(batch: EntryBatch, rejections: readonly Rejection[]): void {
    const { tooNew, settings } = this.#options;
    if (tooNew === undefined) return;
    const skew = waitForTooNew(tooNew, batch, rejections);
    if (skew === undefined) return;
    const refused = rejections.reduce(
      (sum, { kind, entries }) => sum + (kind === 'too-new' ? entries.size : 0),
      0,
    );
    throw new LinesTooNew(batch.target.containerName, skew.text, {
      retryMs: settings.backoff.maxMs,
      isAllThatFollows: refused === batch.entries && !skew.isOfLines,
    });
  }

  /** What Loki may refuse, as far as its limits are known, goes apart from the rest and after it. */
  *#parts(batch: EntryBatch, settlement: Settlement, old: OldLines | undefined): Generator<EntrySet> {
    if (old?.skipsAll(batch) === true) return;
    const { settings, clock } = this.#options;
    const { maxLineBytes, maxAgeMs } = settings.limits;
    const assumed = clock.now() - BigInt(maxAgeMs) * NS_PER_MS;
    const known = old?.skipBefore ?? assumed;
    const oldest = known > assumed ? known : assumed;
    const all = batch.all();
    const groups: EntrySet[] = [];
    let last: EntrySet | undefined;
    if (batch.longestLine <= maxLineBytes && batch.oldest >= oldest) groups.push(all);
    else {
      const [long, fitting] = all.partition((stamp, bytes) => stamp >= oldest && bytes > maxLineBytes);
      const [aged, good] = fitting.partition((stamp) => stamp < oldest);
      groups.push(good, long);
      last = aged;
    }
    for (const group of this.#knownTooNewLast(groups)) {
      if (group.size > 0) yield* group.upTo(this.#context.ceiling.bytes);
    }
    if (last === undefined || last.size === 0) return;
    for (const group of old?.toSend(last, settlement) ?? [last]) {
      if (group.size > 0) yield* group.upTo(this.#context.ceiling.bytes);
    }
  }

  #knownTooNewLast(groups: readonly EntrySet[]): readonly EntrySet[] {
    const from = groups[0] && this.#options.tooNew?.refusedFrom(groups[0].target);
    return from === undefined ? groups : groups.flatMap((group) => oldestRefusedApart(group, from));
  }

  /** Keeps a copy of what Loki refused, or reports that there is none. Nothing counts as settled before. */
  async #setAside(rejections: readonly Rejection[], old: OldLines | undefined): Promise<void> {
    const { rejected, tooOld: options, events } = this.#options;
    const { toStore, tooOld } = old?.divide(rejections) ?? { toStore: rejections, tooOld: [] };
    if (tooOld.length > 0) {
      await options?.count(tooOld);
      for (const lines of tooOld) events.onTooOld(lines);
    }
    if (toStore.length === 0) return;
    const { lines: notKept, why } = await rejected.write(toStore);
    for (const told of byKind(toStore, notKept)) events.onRejected(told);
    for (const lines of notKept) events.onNotKept(lines, why);
  }
}

function byKind(rejections: readonly Rejection[], notKept: readonly UnstoredLines[]): RejectedEntries[] {
  const kinds = new Map<RefusalKind, RejectedEntries>();
  for (const { kind, reason, entries } of rejections) {
    const before = kinds.get(kind);
    kinds.set(kind, {
      kind,
      entries: (before?.entries ?? 0) + entries.size,
      notKept: notKept.reduce((sum, each) => (each.kind === kind ? sum + each.lines : sum), 0),
      reason: before?.reason ?? reason,
      target: entries.target,
    });
  }
  return [...kinds.values()];
}
