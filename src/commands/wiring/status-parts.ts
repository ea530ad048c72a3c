import { readFile } from 'node:fs/promises';
import { lagOf } from '../../collector/poll-runner.js';
import type { ContainerState } from '../../collector/container-state.js';
import type { Fleet } from '../../collector/fleet.js';
import type { Config } from '../../config/schema.js';
import type { Clock } from '../../model/clock.js';
import { PollardError } from '../../model/errors.js';
import type { Logger } from '../../model/logger.js';
import { formatStamp } from '../../model/nanoseconds.js';
import type { ContainerLag } from '../../observe/sampled-gauges.js';
import type { StatusSources } from '../../observe/status-pages.js';
import { startStatusServer, type StatusServer } from '../../observe/status-server.js';

/**
 * Starts the status page as the configuration says.
 *
 * @throws PollardError `status_token_unreadable`, `status_tls_unreadable`, and what startStatusServer throws
 */
export async function statusServer(
  config: Config,
  sources: StatusSources,
  logger: Logger,
  clock: Clock,
): Promise<StatusServer> {
  const { listen, token_file: tokenFile, tls } = config.status;
  const token = tokenFile === undefined ? undefined : await readToken(tokenFile);
  return await startStatusServer({
    listen,
    sources,
    logger,
    clock,
    ...(token === undefined ? {} : { token }),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            cert: await readSecret('status.tls.cert_file', tls.cert_file),
            key: await readSecret('status.tls.key_file', tls.key_file),
          },
        }),
  });
}

async function readToken(path: string): Promise<string> {
  const token = (await readSecret('status.token_file', path)).trim();
  if (token !== '' && !/\s/.test(token)) return token;
  throw new PollardError('status_file_unusable', `status.token_file: ${path} holds no token`, {
    setting: 'status.token_file',
    hint: 'write one word into it, such as the output of: openssl rand -hex 32',
    exit: 'usage',
  });
}

async function readSecret(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new PollardError(
      'status_file_unusable',
      `${setting}: ${path} cannot be read: ${(error as Error).message}`,
      {
        setting,
        hint: 'check the path and its permissions',
        exit: 'usage',
        cause: error,
      },
    );
  }
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
  /** Seconds since its log was last read to the end and delivered; null before the first time. */
  readonly lag_seconds: number | null;
  /** The age of the last entry delivered, seconds; null when there is none. */
  readonly last_line_seconds_ago: number | null;
  readonly entries_per_second: number;
  readonly interval_seconds: number;
  readonly failures: number;
  readonly last_error: string | null;
}

export function containerStatus(state: ContainerState, clock: Clock): ContainerStatus {
  const { summary } = state;
  const now = clock.now();
  const lag = readLag(state, clock);
  const age = lagOf(state, now);
  return {
    name: summary.name,
    id: summary.id.slice(0, 12),
    image: summary.image,
    state: summary.state,
    life: state.life,
    polled_seconds_ago:
      state.polledAt === undefined ? null : round((clock.monotonic() - state.polledAt) / 1000),
    lag_seconds: lag === undefined ? null : round(lag),
    last_line_seconds_ago: age === 0 ? null : round(age / 1000),
    entries_per_second: round(state.rate),
    interval_seconds: round(state.interval / 1000),
    failures: state.failures,
    last_error: state.lastError?.message ?? null,
  };
}

/** Of the containers that are collected now. */
export function* containerLags(fleet: Fleet, clock: Clock): Generator<ContainerLag> {
  for (const state of fleet.states()) {
    if (state.life !== 'active') continue;
    const seconds = readLag(state, clock);
    if (seconds !== undefined) yield { container: state.summary.name, seconds };
  }
}

/** How many containers are in each state of their life. */
export function containerCounts(fleet: Fleet): Record<string, number> {
  const counts: Record<string, number> = { active: 0, waiting: 0, drained: 0, unreadable: 0, gone: 0 };
  for (const { life } of fleet.states()) counts[life] = (counts[life] ?? 0) + 1;
  return counts;
}

/** Seconds since the last poll that read to the end began; one never read counts from when it was found. */
function readLag(state: ContainerState, clock: Clock): number | undefined {
  if (state.readToEndAt === 0n) return (clock.monotonic() - state.seenAt) / 1000;
  return Math.max(Number(clock.now() - state.readToEndAt) / 1e9, 0);
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** The service itself as `/status` shows it. */
export function processStatus(startedAt: bigint, version: string) {
  return { version, pid: process.pid, started: formatStamp(startedAt), node: process.versions.node };
}
