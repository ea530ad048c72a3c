import type { MalformedItem } from '../docker/malformed.js';
import type { ContainerSummary } from '../model/container.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import type { Gap } from './gap.js';
import type { PollReport } from './poll.js';
import type { PossibleGap } from './possible-gap.js';

/** Why lines of a container may never have been seen. */
export type MissedReason =
  /** It came and went between two looks. */
  | 'never_polled'
  /** It was removed after its last poll, before the rest was read. */
  | 'removed_early'
  /** It was removed while no collector ran. */
  | 'removed_unwatched';

/** Told of all that happens to containers; turned into metrics and log lines by who wires things up. */
export interface CollectorObserver {
  polled(container: ContainerSummary, report: PollReport, seconds: number): void;
  /** The poll got no answer to read. */
  pollFailed(container: ContainerSummary, error: Error, seconds: number): void;
  /** The log of this container is refused (401, 403), while those of others are answered. */
  logRefused(container: ContainerSummary, error: Error): void;
  /** The logs of all containers are refused; reported again for each probe. */
  allLogsRefused(error: Error): void;
  /** A log was answered after all were refused. */
  logsGranted(): void;
  gap(container: ContainerSummary, gap: Gap): void;
  /** The beginning of its log may have been lost before it was first read. */
  possibleGap(container: ContainerSummary, gap: PossibleGap): void;
  /** @param since the last stamp that was delivered, 0n when none was */
  missed(container: ContainerSummary, reason: MissedReason, since: Nanoseconds): void;
  /** Its driver cannot be read. */
  unreadable(container: ContainerSummary, error: Error): void;
  /** Its driver keeps no logs. */
  unlogged(container: ContainerSummary): void;
  discovered(container: ContainerSummary): void;
  /** Its cursor is no longer kept. */
  forgotten(containerId: string): void;
  /** The Engine could not be asked for its containers or events. */
  discoveryFailed(error: Error): void;
  discoverySucceeded(): void;
  /** An item of a list or an answer with events could not be understood and is skipped. */
  malformed(item: MalformedItem): void;
  /** The ring of events was overrun, or the daemon restarted. */
  eventsOverrun(): void;
  /** The wall clock was set, by so many ms. */
  clockStepped(ms: number): void;
}
