import pLimit from 'p-limit';
import type { MalformedItem } from '../docker/malformed.js';
import { LinesTooNew } from '../loki/loki-error.js';
import type { Clock } from '../model/clock.js';
import { PollardError } from '../model/errors.js';
import { sharedController } from '../model/shared-controller.js';
import { boundedSignal } from './bounded-signal.js';
import type { ContainerState } from './container-state.js';
import type { Engine } from './engine.js';
import type { Fleet } from './fleet.js';
import { isCutDue, type PollReport } from './poll.js';
import type { PollRunner } from './poll-runner.js';
import { runTogether } from './run-together.js';

export interface CatchUpOptions {
  readonly engine: Engine;
  readonly fleet: Fleet;
  readonly runner: PollRunner;
  readonly concurrency: number;
  readonly clock: Clock;
  /** Told after each poll, for a progress bar. */
  readonly onProgress?: (progress: CatchUpSummary, total: number) => void;
}

export interface CatchUpSummary {
  containers: number;
  /** Lines that Loki has now, and their bytes. */
  lines: number;
  bytes: number;
  /** Entries that were read again and not sent. */
  duplicatesDropped: number;
  gaps: number;
  /** Containers of which the beginning may have been lost. */
  possibleGaps: number;
  /** Lines that Loki does not accept: they are not in it. */
  rejected: number;
  /** Names of the containers that could not be read to the end, with the reason. */
  failed: CatchUpFailure[];
  unreadable: string[];
  /** Those whose driver keeps no logs. */
  noLog: string[];
}

export interface CatchUpFailure {
  readonly container: string;
  readonly reason: string;
  /** That of the error; empty when there was none, such as after an abort. */
  readonly code: string;
  /** What to do next, and the setting to look at, where they are known. */
  readonly hint?: string;
  readonly setting?: string;
}

/** A container that gets nowhere is given up after so many polls in a row. */
const TRIES = 3;

/**
 * From the cursors to now, once: every container is polled until nothing more comes. Resolves when Loki has
 * acknowledged all of it. Rejects when the Engine cannot be asked for its containers.
 */
export async function catchUp(options: CatchUpOptions, signal: AbortSignal): Promise<CatchUpSummary> {
  const { engine, fleet } = options;
  const turn = fleet.asks();
  const skipped: MalformedItem[] = [];
  const containers = await engine.list(signal, (item) => skipped.push(item));
  fleet.listed(containers, Infinity, turn, skipped);
  const summary: CatchUpSummary = {
    containers: 0,
    lines: 0,
    bytes: 0,
    duplicatesDropped: 0,
    gaps: 0,
    possibleGaps: 0,
    rejected: 0,
    failed: skipped.map(notUnderstood),
    unreadable: [],
    noLog: [],
  };
  const limit = pLimit(options.concurrency);
  const states = [...fleet.states()].filter((state) => state.life === 'active');
  // A Loki that takes nothing in all its tries will not take the next container's lines either.
  const hopeless = sharedController();
  const bounded = boundedSignal([signal, hopeless.signal]);
  try {
    await runTogether(bounded.signal, (ending) =>
      states.map(async (state) => {
        const isDone = () => limit(() => drain(options, state, summary, states.length, ending));
        // Others take its place in the pool meanwhile.
        while (!(await isDone())) await options.clock.sleep(waitOf(state), ending).catch(() => undefined);
        if (isHopeless(state)) hopeless.abort(state.lastError);
      }),
    );
    return summary;
  } finally {
    bounded.release();
  }
}

/** @returns false: some lines are too new for Loki, and the rest is to be read after a while */
async function drain(
  options: CatchUpOptions,
  state: ContainerState,
  summary: CatchUpSummary,
  total: number,
  signal: AbortSignal,
): Promise<boolean> {
  let fruitless = 0;
  let incomplete = true;
  while (incomplete && fruitless < TRIES && !signal.aborted && !isHopeless(state) && !isRefused(state)) {
    const report = await options.runner.run(state, signal);
    if (report) add(summary, report);
    fruitless = report && report.fresh > 0 ? 0 : fruitless + 1;
    incomplete =
      report === undefined
        ? state.life === 'active'
        : report.fault !== undefined || report.suspect || isCutDue(report.cursor);
    options.onProgress?.(summary, total);
    if (incomplete && waitOf(state) > 0) return false;
  }
  summary.containers++;
  if (state.life === 'unreadable') summary.unreadable.push(state.summary.name);
  else if (state.life === 'unlogged') summary.noLog.push(state.summary.name);
  else if (incomplete) summary.failed.push(failureOf(state, signal));
  options.onProgress?.(summary, total);
  return true;
}

/** ms until its lines are worth another try; 0: none is too new for Loki. */
function waitOf({ lastError }: ContainerState): number {
  return lastError instanceof LinesTooNew ? lastError.retryMs : 0;
}

/** Loki took nothing in all its tries. */
function isHopeless({ lastError }: ContainerState): boolean {
  return lastError instanceof PollardError && lastError.code === 'push_failed';
}

/** Its log is refused, and so it will be at once again. */
function isRefused({ lastError }: ContainerState): boolean {
  return lastError instanceof PollardError && lastError.code === 'engine_permission';
}

function failureOf(
  { summary: { name: container }, lastError }: ContainerState,
  signal: AbortSignal,
): CatchUpFailure {
  const given: unknown = signal.reason;
  if (lastError instanceof LinesTooNew) return failureBy(container, lastError);
  // Given up as a whole, and not for what this container's log last met with.
  if (given instanceof PollardError && given.code !== 'push_failed') return failureBy(container, given);
  if (lastError instanceof PollardError) return failureBy(container, lastError);
  if (lastError !== undefined) return { container, reason: lastError.message, code: '' };
  // What another container's lines met with is why these were not even read.
  if (given instanceof PollardError) {
    return { container, reason: 'not tried: Loki takes nothing', code: given.code };
  }
  const reason = signal.aborted ? 'interrupted' : 'the log could not be read to its end';
  return { container, reason, code: '' };
}

function failureBy(
  container: string,
  { message: reason, code, hint, setting }: PollardError,
): CatchUpFailure {
  const next = { ...(hint === undefined ? {} : { hint }), ...(setting === undefined ? {} : { setting }) };
  return { container, reason, code, ...next };
}

/** A container of which the entry in the list could not be understood. */
function notUnderstood({ containerId, excerpt, problem }: MalformedItem): CatchUpFailure {
  return {
    container: containerId ?? excerpt,
    reason: `its entry in the list of containers cannot be understood: ${problem}`,
    code: 'engine_bad_answer',
    hint: 'check that docker.host is a Docker Engine and that no proxy rewrites its answers',
    setting: 'docker.host',
  };
}

function add(summary: CatchUpSummary, report: PollReport): void {
  summary.lines += report.lines;
  summary.bytes += report.lineBytes;
  summary.duplicatesDropped += report.reread;
  summary.rejected += report.rejected;
  summary.gaps += report.gaps;
  if (report.possibleGap) summary.possibleGaps++;
}
