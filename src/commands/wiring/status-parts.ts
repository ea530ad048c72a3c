import { ageOfLastLine } from '../../collector/poll-runner.js';
import type { ContainerState } from '../../collector/container-state.js';
import type { Fleet } from '../../collector/fleet.js';
import type { Config } from '../../config/schema.js';
import type { Clock } from '../../model/clock.js';
import type { Logger } from '../../model/logger.js';
import { formatStamp, NS_PER_MS } from '../../model/nanoseconds.js';
import type { ResourceSample } from '../../observe/resources.js';
import type { ContainerLag } from '../../observe/sampled-gauges.js';
import type { StatusSources } from '../../observe/status-pages.js';
import { startStatusServer, type StatusServer } from '../../observe/status-server.js';
import type { ContainerCounts, MissedContainer } from './container-counters.js';
import { statusTls, statusToken } from './status-access.js';

/**
 * Starts the status page as the configuration says.
 *
 * @throws PollardError `status_file_unusable`, and what startStatusServer throws
 */
export async function statusServer(
  config: Config,
  sources: StatusSources,
  logger: Logger,
  clock: Clock,
): Promise<StatusServer> {
  const token = await statusToken(config);
  const tls = await statusTls(config);
  return await startStatusServer({
    listen: config.status.listen,
    sources,
    logger,
    clock,
    ...(token === undefined ? {} : { token }),
    ...(tls === undefined ? {} : { tls }),
  });
}

/** One container as `/status` shows it. */
export interface ContainerStatus {
  readonly name: string;
  readonly id: string;
  readonly image: string;
  readonly state: string;
  readonly life: string;
  /** Seconds since its last poll began; null before the first. */
  readonly polled_seconds_ago: number | null;
  /** Seconds since the last poll that read its log to the end began; null before the first one. */
  readonly read_seconds_ago: number | null;
  /** The age of the oldest line that is known and not acknowledged by Loki, 0: there is none; null before the first poll. */
  readonly lag_seconds: number | null;
  /** The age of the last entry delivered, seconds; null when there is none. */
  readonly last_line_seconds_ago: number | null;
  readonly entries_per_second: number;
  /** Delivered since the process began, and in the last minute. */
  readonly lines: number;
  readonly lines_per_minute: number;
  /** Of the lines. */
  readonly bytes: number;
  /** Lines that Loki refused. */
  readonly rejected: number;
  readonly gaps: number;
  /** Times that the beginning of its log may have been lost. */
  readonly possible_gaps: number;
  /** It was removed before its log was read to the end. */
  readonly missed: boolean;
  /** Entries that the last poll asked for; `whole`: the whole log; null: there was none yet. */
  readonly window: number | 'whole' | null;
  readonly interval_seconds: number;
  readonly failures: number;
  readonly last_error: string | null;
}

export function containerStatus(
  state: ContainerState,
  counts: ContainerCounts,
  clock: Clock,
): ContainerStatus {
  const { summary } = state;
  const { lines, linesPerMinute, bytes, rejected, gaps, possibleGaps, missed, window } = counts;
  const now = clock.now();
  const lag = lagOf(state, clock);
  const age = ageOfLastLine(state, now);
  return {
    name: summary.name,
    id: summary.id.slice(0, 12),
    image: summary.image,
    state: summary.state,
    life: state.life,
    polled_seconds_ago:
      state.polledAt === undefined ? null : round((clock.monotonic() - state.polledAt) / 1000),
    read_seconds_ago: state.readToEnd === undefined ? null : round(state.readToEnd.age / 1000),
    lag_seconds: lag === undefined ? null : round(lag),
    last_line_seconds_ago: age === 0 ? null : round(age / 1000),
    entries_per_second: round(state.rate),
    lines,
    lines_per_minute: linesPerMinute,
    bytes,
    rejected,
    gaps,
    possible_gaps: possibleGaps,
    missed,
    window: window === undefined ? null : (window ?? 'whole'),
    interval_seconds: round(state.interval / 1000),
    failures: state.failures,
    last_error: state.lastError?.message ?? null,
  };
}

/** Of the containers that are collected now. */
export function* containerLags(fleet: Fleet, clock: Clock): Generator<ContainerLag> {
  for (const state of fleet.states()) {
    if (state.life !== 'active') continue;
    const seconds = lagOf(state, clock);
    if (seconds !== undefined) yield { container: state.summary.name, seconds };
  }
}

/** How many containers are in each state of their life. */
export function containerCounts(fleet: Fleet): Record<string, number> {
  const counts: Record<string, number> = {
    active: 0,
    waiting: 0,
    drained: 0,
    unreadable: 0,
    unlogged: 0,
    gone: 0,
  };
  for (const { life } of fleet.states()) counts[life] = (counts[life] ?? 0) + 1;
  return counts;
}

/** The age of the oldest line that is known and not acknowledged, seconds; undefined before the first poll. */
function lagOf({ undelivered, polledAt }: ContainerState, clock: Clock): number | undefined {
  const { oldest } = undelivered;
  if (oldest === undefined) return polledAt === undefined ? undefined : 0;
  // The clock of a remote Engine may be ahead.
  return Math.max(0, Number((clock.now() - oldest) / NS_PER_MS) / 1000);
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** The service itself as `/status` shows it. */
export function processStatus(startedAt: bigint, version: string) {
  return { version, pid: process.pid, started: formatStamp(startedAt), node: process.versions.node };
}

/** What the process holds, as of the last sample. */
export function resourceStatus({ fds, fdLimit, rss, heapUsed, liveTotal, lag }: ResourceSample) {
  return {
    fds: fds ?? null,
    // JSON has no Infinity.
    fd_limit: fdLimit === undefined || fdLimit === Infinity ? null : fdLimit,
    rss,
    heap_used: heapUsed,
    live: liveTotal,
    event_loop_lag_seconds: round(lag),
  };
}

/** A container whose last lines may never have been seen. */
export function missedStatus({ name, id, reason, at }: MissedContainer) {
  return { name, id: id.slice(0, 12), reason, at: formatStamp(at) };
}
