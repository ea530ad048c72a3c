import { keepsNoLog, type ContainerDetails, type ContainerRef } from '../model/container.js';
import { reopened, type Cursor } from '../model/cursor.js';
import type { Clock, Random } from '../model/clock.js';
import { LinesTooNew } from '../loki/loki-error.js';
import { PollardError } from '../model/errors.js';
import { NS_PER_MS, type Nanoseconds } from '../model/nanoseconds.js';
import {
  type AfterEnd,
  grown,
  isSettled,
  notSeen,
  pauseBeforeLook,
  quiet,
  readAgain,
  readToEnd,
} from './after-end.js';
import { boundedSignal } from './bounded-signal.js';
import { containerRef, type ContainerState } from './container-state.js';
import { isPlaceAlone, lookAtEnd } from './end-look.js';
import type { Engine } from './engine.js';
import type { Fleet } from './fleet.js';
import { nextInterval, withJitter, type IntervalPolicy } from './interval.js';
import { hasLastWords } from './line-assembler.js';
import type { LogAccess } from './log-access.js';
import { anchorAtEnd } from './log-end.js';
import { Moment } from './moment.js';
import type { CollectorObserver } from './observer.js';
import { ranOutOfTime } from './out-of-time.js';
import { noteDelivered, pauseWithin, tailTroubleAfter } from './poll-outcome.js';
import { isCutDue, pollContainer, type PollContext, type PollReport } from './poll.js';
import { lastStamp } from './transfer.js';
import { nextRate } from './window.js';

/** From where a container without a cursor is read. A container born under watch: from its beginning. */
export type StartPolicy = 'end' | 'beginning' | { readonly backNs: Nanoseconds };

export interface PollRunnerOptions {
  readonly engine: Engine;
  readonly context: PollContext;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: CollectorObserver;
  readonly interval: IntervalPolicy;
  readonly start: StartPolicy;
  /** ms for one poll's reading, of all its answers. */
  readonly deadline: number;
  /** Idle polls between two looks at the log's last entry. */
  readonly verifyEvery: number;
  /** Owns who the containers are. */
  readonly fleet: Pick<Fleet, 'asks' | 'inspected'>;
  /** Learns which logs are refused. */
  readonly access: Pick<LogAccess, 'answered' | 'refused'>;
  /** Told when the container turned out to be removed. */
  readonly onRemoved: (state: ContainerState) => void;
}

/** What a first poll asks for when nothing is known of the container's rate, entries. */
const FIRST_EXPECTED = 200;
/** Codes of errors that are about one container and not about the Engine as a whole; see docker/engine-error.ts. */
const OWN_TROUBLE: ReadonlySet<string> = new Set([
  'engine_conflict',
  'engine_server_error',
  'engine_bad_answer',
  'engine_permission',
]);
/** Codes of errors with which the Engine itself answers a request for a log: no proxy refused it. */
const ANSWERS_OF_LOGS: ReadonlySet<string> = new Set(['engine_conflict', 'engine_not_implemented']);
/** A container is inspected so often in one poll, at most, while events of it come. */
const MOST_INSPECTS = 3;
/** A failing container is asked again ever later, up to this, ms. */
const MAX_FAILURE_INTERVAL = 10 * 60_000;
const MAX_DEADLINE_FACTOR = 64;
/** New entries of a poll that was cut short after which the rest is read without a window. */
const FAR_BEHIND = 10_000;

/** Polls one container and draws the conclusions: its next time, its life, what to tell. */
export class PollRunner {
  readonly #options: PollRunnerOptions;

  constructor(options: PollRunnerOptions) {
    this.#options = options;
  }

  /**
   * One poll. Never rejects: what goes wrong is kept in the state and told to the observer.
   *
   * @param signal stops the reading; what was read by then is delivered and committed
   * @returns the report, or undefined when there was no answer to read
   */
  async run(state: ContainerState, signal: AbortSignal): Promise<PollReport | undefined> {
    const { clock, observer, access } = this.#options;
    const began = clock.monotonic();
    const moment = (state.pollBegan = new Moment(clock));
    state.again = false;
    let isLookAlone = state.life === 'drained';
    try {
      let details = await this.#details(state, signal);
      if (details === undefined) return undefined;
      if (keepsNoLog(details)) {
        this.#leaveUnlogged(state);
        return undefined;
      }
      if (details.startedAt <= 0n && !details.running) {
        // An event that came since may be that of its start.
        if (!wasWoken(state)) state.life = 'waiting';
        return undefined;
      }
      if (isReadBefore(state, details)) {
        const looked = await this.#lookAtEnd(state, details, moment, signal);
        if (looked !== undefined) return looked;
        // The log has grown: the container may have been started since it was inspected.
        state.details = undefined;
        details = await this.#details(state, signal);
        if (details === undefined) return undefined;
      }
      isLookAlone = false;
      await this.#reopen(state, details);
      const report = await this.#poll(state, details, began, signal);
      access.answered(state.summary.id);
      observer.polled(state.summary, report, (clock.monotonic() - began) / 1000);
      if (report.fault === undefined && !report.suspect) {
        state.readToEnd = moment;
        state.lastWordsHeld = details.tty && !hasLastWords(details);
      }
      if (hasEnded(details) && report.fresh > 0) await this.#lookAgain(state, details, signal);
      this.#conclude(state, details, report, moment);
      await this.#complete(state);
      return report;
    } catch (error) {
      this.#fail(state, error as Error, began, signal);
      return undefined;
    } finally {
      state.undelivered.stop();
      // A look does not show whether the container was started since.
      if (!isLookAlone) state.polledAt = began;
      if (wasWoken(state)) state.dueAt = clock.monotonic();
    }
  }

  /**
   * What inspect shows, asked for only if what is known of the container may be outdated. An event that came while it
   * was asked for may be newer than the answer, and the container have another name: then it is asked for again.
   *
   * @returns undefined: the container is not collected
   */
  async #details(state: ContainerState, signal: AbortSignal): Promise<ContainerDetails | undefined> {
    const { engine, fleet } = this.#options;
    if (state.details !== undefined && state.identity.isCurrent) return state.details;
    for (let inspects = 1; ; inspects++) {
      state.again = false;
      const turn = fleet.asks();
      const details = await engine.inspect(state.summary.id, signal);
      const found = fleet.inspected(state, details, turn);
      if (found === 'passed_over') return undefined;
      if (found === 'unknown') throw notUnderstood(state);
      if (!state.identity.hasChangedSince(turn) && !wasWoken(state)) {
        state.details = details;
        // It was started since it died last, also where the event of that is lost.
        if (details.running && details.startedAt > details.finishedAt) {
          state.diedAt = undefined;
          state.afterEnd = undefined;
        }
        return details;
      }
      if (inspects === MOST_INSPECTS) return details;
    }
  }

  /**
   * What was read may be of a life that began behind the look at the container, and its event lost, or heard by
   * nobody in a catch-up: then its log is not read to the end for good. Wakes the state if that may be so.
   */
  async #lookAgain(state: ContainerState, before: ContainerDetails, signal: AbortSignal): Promise<void> {
    if (wasWoken(state)) return;
    const now = await this.#options.engine.inspect(state.summary.id, signal).catch(() => undefined);
    if (now?.running === false && now.finishedAt === before.finishedAt) return;
    state.details = undefined;
    state.again = true;
  }

  /**
   * Looks at the end of a log that was read to its end, of a container that has ended.
   *
   * @returns undefined when there is more in it, or its end was not shown: then it is to be polled
   */
  async #lookAtEnd(
    state: ContainerState,
    details: ContainerDetails,
    moment: Moment,
    signal: AbortSignal,
  ): Promise<PollReport | undefined> {
    const { context, clock, deadline, observer, access } = this.#options;
    const bounded = boundedSignal([signal], deadline);
    const container = containerRef(state, details);
    const looked = lookAtEnd(context, container, state.cursor as Cursor, bounded.signal);
    const { found, report } = await looked.finally(() => bounded.release());
    access.answered(container.id);
    // An event that came meanwhile may tell of another start.
    const isAsItWas = found === 'same' && !wasWoken(state);
    if (isAsItWas) {
      state.afterEnd = afterPoll(state, details, moment, false);
      state.readToEnd = moment;
      this.#drain(state);
      await this.#complete(state);
      observer.polled(state.summary, report, moment.age / 1000);
      return report;
    }
    if (found === 'grown' && !wasWoken(state)) {
      state.afterEnd = grown(state.afterEnd ?? newlyRead(state, details, moment), clock.monotonic());
    }
    state.life = 'active';
    return undefined;
  }

  /** There is no log, and never will be: the driver of a container does not change. */
  #leaveUnlogged(state: ContainerState): void {
    state.life = 'unlogged';
    state.lastError = undefined;
    state.failures = 0;
    this.#options.observer.unlogged(state.summary);
  }

  /** Nothing is left to be read; the end of the log is looked at again after a while. */
  #drain(state: ContainerState): void {
    state.life = 'drained';
    state.dueAt = this.#nextLook(state);
  }

  /** Monotonic ms; Infinity when no look is needed any more. */
  #nextLook({ afterEnd }: ContainerState): number {
    const { clock, interval: policy, random } = this.#options;
    const now = clock.monotonic();
    const pause = afterEnd && pauseBeforeLook(afterEnd, now);
    return pause === undefined ? Infinity : now + withJitter(policy, pause, random);
  }

  async #poll(
    state: ContainerState,
    details: ContainerDetails,
    began: number,
    signal: AbortSignal,
  ): Promise<PollReport> {
    const timeout = this.#options.deadline * Math.min(2 ** state.stalls, MAX_DEADLINE_FACTOR);
    const bounded = boundedSignal([signal], timeout);
    try {
      return await this.#read(state, details, began, bounded.signal);
    } finally {
      bounded.release();
    }
  }

  async #read(
    state: ContainerState,
    details: ContainerDetails,
    began: number,
    signal: AbortSignal,
  ): Promise<PollReport> {
    const { context, verifyEvery } = this.#options;
    const container = containerRef(state, details);
    const start = state.cursor ? undefined : await this.#start(state, container, signal);
    const elapsed = state.polledAt === undefined ? undefined : (began - state.polledAt) / 1000;
    const idle = state.idlePolls;
    const report = await pollContainer(
      {
        ...context,
        commit: async (cursor) => await this.#commit(state, cursor),
        onDelivering: (pending) => state.undelivered.follow(pending),
      },
      {
        container,
        cursor: (state.cursor ?? start?.cursor) as Cursor,
        expected: state.behind ? Infinity : elapsed === undefined ? FIRST_EXPECTED : state.rate * elapsed,
        ...(start?.from === undefined ? {} : { from: start.from }),
        ended: hasEnded(details),
        // The first idle polls after a busy time look closely, later ones now and then, and the last of all.
        verify:
          idle === 0 ||
          idle === 2 ||
          idle % verifyEvery === verifyEvery - 1 ||
          state.suspect ||
          hasEnded(details),
        suspect: state.suspect,
        tailTrouble: state.tailTrouble,
        reach: state.reach,
        readable: state.readable,
        stalls: state.stalls,
        signal,
      },
    );
    // Nothing was written in the time looked back to: what comes next is new, what is older is not wanted.
    if (start?.from !== undefined && report.entries === 0 && report.fault === undefined) {
      return { ...report, cursor: await this.#endOf(container, start.cursor, signal) };
    }
    return report;
  }

  /** Makes the first cursor of a container, as the start policy says. */
  async #start(
    state: ContainerState,
    container: ContainerRef,
    signal: AbortSignal,
  ): Promise<{ cursor: Cursor; from?: Nanoseconds }> {
    const { start, clock } = this.#options;
    const cursor: Cursor = {
      containerId: container.id,
      containerName: container.name,
      anchor: [],
      open: [],
      moved: {},
      committedAt: clock.now(),
    };
    if (state.bornUnderWatch || start === 'beginning') return { cursor };
    if (start !== 'end') return { cursor, from: clock.now() - start.backNs };
    return { cursor: await this.#endOf(container, cursor, signal) };
  }

  /** The cursor at the end of the log as it is now, committed. */
  async #endOf(container: ContainerRef, cursor: Cursor, signal: AbortSignal): Promise<Cursor> {
    const { context } = this.#options;
    const size = context.settings.anchor;
    const anchor = await anchorAtEnd(context.read, container, size, signal);
    const atEnd: Cursor = { ...cursor, anchor };
    await context.commit(atEnd);
    return atEnd;
  }

  /**
   * Takes that back for one that was started again, or whose log has grown: if it is removed now while no collector
   * runs, something is missing, also if nothing of it could be read until then.
   */
  async #reopen(state: ContainerState, details: ContainerDetails): Promise<void> {
    const hasMore = details.running || state.afterEnd?.grew === true;
    if (state.cursor?.complete !== true || !hasMore) return;
    await this.#commit(state, reopened(state.cursor));
  }

  /** What is durable is the place to go on from, however a poll ends. */
  async #commit(state: ContainerState, cursor: Cursor): Promise<void> {
    await this.#options.context.commit(cursor);
    state.cursor = cursor;
    state.undelivered.committed(lastStamp(cursor.anchor));
  }

  /** Writes down that a drained container's log was read to its end: if it is removed later, nothing is missing. */
  async #complete(state: ContainerState): Promise<void> {
    const { cursor } = state;
    if (state.life !== 'drained' || cursor === undefined || cursor.complete) return;
    if (state.afterEnd !== undefined && !isSettled(state.afterEnd, state.diedAt)) return;
    await this.#commit(state, { ...cursor, complete: true });
  }

  #conclude(state: ContainerState, details: ContainerDetails, report: PollReport, moment: Moment): void {
    const { clock, interval: policy, random } = this.#options;
    const began = moment.monotonic;
    state.cursor = report.cursor;
    if (report.fault instanceof LinesTooNew) return this.#waitForLoki(state, report.fault);
    state.suspect = report.suspect;
    state.tailTrouble = tailTroubleAfter(state, report);
    state.reach = report.reach ?? state.reach;
    // What is written goes behind the damage, too.
    state.readable = report.readable ?? (state.readable && state.readable + report.fresh);
    state.behind = report.fault !== undefined && report.fresh >= FAR_BEHIND;
    state.lastError = report.fault;
    state.failures = 0;
    noteDelivered(state, report);
    const seconds = (began - (state.polledAt ?? began)) / 1000;
    state.rate = nextRate(state.rate, report.fresh, seconds);
    state.idlePolls = report.fresh === 0 ? state.idlePolls + 1 : 0;
    // A cut answer that brought nothing needs more time: the Engine may still have been looking for `since`.
    const isStalled = report.fault !== undefined && report.fresh === 0;
    // One that stays unreadable is settled again at once after a look at its end.
    if (report.unreadable !== true) state.stalls = isStalled ? state.stalls + 1 : 0;
    state.outOfTime = ranOutOfTime(report.fault);
    const now = clock.monotonic();
    const complete = report.fault === undefined && !report.suspect;
    if (complete && hasEnded(details) && !wasWoken(state)) {
      state.afterEnd = afterPoll(state, details, moment, report.fresh > 0);
      this.#drain(state);
      return;
    }
    state.interval = nextInterval(policy, state.interval, {
      entries: report.fresh,
      rate: state.rate,
      more: (report.fault !== undefined && report.fresh > 0) || report.suspect || isCutDue(report.cursor),
      young: now - state.seenAt < policy.interval && state.bornUnderWatch,
      longest: pauseWithin(details, state, report),
    });
    state.dueAt = now + withJitter(policy, state.interval, random);
  }

  /** Its lines are too new for Loki: they stay in its log for a while. That says nothing about the container. */
  #waitForLoki(state: ContainerState, error: LinesTooNew): void {
    const { clock, interval: policy, random } = this.#options;
    state.lastError = error;
    state.failures = 0;
    state.outOfTime = false;
    state.idlePolls = 0;
    state.interval = error.retryMs;
    state.dueAt = clock.monotonic() + withJitter(policy, error.retryMs, random);
  }

  #fail(state: ContainerState, error: Error, began: number, signal: AbortSignal): void {
    const { clock, observer, interval: policy, random, access, onRemoved } = this.#options;
    const now = clock.monotonic();
    if (signal.aborted) {
      // Cut short from outside, before there was an answer: nothing is known to be wrong.
      state.dueAt = now + policy.min;
      return;
    }
    if (error instanceof LinesTooNew) return this.#waitForLoki(state, error);
    const code = error instanceof PollardError ? error.code : '';
    state.lastError = error;
    state.outOfTime = ranOutOfTime(error);
    if (code === 'engine_not_found') {
      onRemoved(state);
      return;
    }
    if (ANSWERS_OF_LOGS.has(code)) access.answered(state.summary.id);
    if (code === 'engine_permission') access.refused(state, error);
    if (state.life === 'drained') {
      // All of it was delivered. An Engine that is away is reported elsewhere, and the log is looked at again.
      if (state.afterEnd !== undefined) state.afterEnd = notSeen(state.afterEnd);
      state.dueAt = this.#nextLook(state);
      return;
    }
    if (code === 'engine_not_implemented') {
      state.life = 'unreadable';
      observer.unreadable(state.summary, error);
      return;
    }
    state.failures++;
    observer.pollFailed(state.summary, error, (now - began) / 1000);
    const wait = Math.min(policy.interval * 2 ** Math.min(state.failures - 1, 20), MAX_FAILURE_INTERVAL);
    // An Engine that is away heals for all at once; only a container's own trouble is asked for ever later.
    const own = OWN_TROUBLE.has(code) || code.startsWith('log_');
    state.interval = own ? wait : policy.interval;
    state.dueAt = now + withJitter(policy, state.interval, random);
  }
}

/** Inspect did not show what is needed, and no list has shown it yet. */
function notUnderstood({ summary: { name } }: ContainerState): PollardError {
  return new PollardError('engine_bad_answer', `inspect does not tell the name and the labels of ${name}`, {
    hint: 'it is collected as soon as the list of containers shows it; check that no proxy rewrites the answers of the Engine',
    setting: 'docker.host',
    exit: 'engine',
  });
}

/** An event came while the container was being polled. */
function wasWoken(state: ContainerState): boolean {
  return state.again;
}

/** It has ended, and its log was read to its end before, perhaps by a process before this one. */
function isReadBefore({ cursor, life, tailTrouble }: ContainerState, details: ContainerDetails): boolean {
  if (cursor === undefined || tailTrouble !== undefined || !hasEnded(details) || !isPlaceAlone(cursor))
    return false;
  return life === 'drained' || cursor.complete === true;
}

/** Of a log that was read to its end. @param hadMore it had more than was delivered before */
function afterPoll(
  state: ContainerState,
  details: ContainerDetails,
  moment: Moment,
  hadMore: boolean,
): AfterEnd {
  if (state.afterEnd === undefined) return newlyRead(state, details, moment);
  return hadMore ? readAgain(state.afterEnd, moment.monotonic) : quiet(state.afterEnd, moment.monotonic);
}

function newlyRead(
  { diedAt }: ContainerState,
  { logDriver, finishedAt }: ContainerDetails,
  moment: Moment,
): AfterEnd {
  return readToEnd({ logDriver, finishedAt, diedAt, began: moment.monotonic, beganAt: moment.wall });
}

function hasEnded(details: ContainerDetails): boolean {
  return !details.running && details.finishedAt > 0n;
}

/** The age of the last entry delivered, ms; 0: there is none. */
export function ageOfLastLine(state: ContainerState, now: Nanoseconds): number {
  const stamp = lastStamp(state.cursor?.anchor ?? []);
  return stamp === 0n ? 0 : Number((now - stamp) / NS_PER_MS);
}
