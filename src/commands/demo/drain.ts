import type { Clock } from '../../model/clock.js';
import type { ContainerStatus } from '../wiring/status-parts.js';

export interface DrainOptions {
  readonly clock: Clock;
  readonly containers: () => readonly ContainerStatus[];
  /** Whether all of a container that is due was read and delivered. */
  readonly isDone: (container: ContainerStatus) => boolean;
  /** Rises while lines come. */
  readonly lines: () => number;
  /** ms without any progress, after which it is given up. A busy machine needs long for everything. */
  readonly patience?: number;
  /** ms after which it is given up in any case. */
  readonly longest?: number;
}

const LOOK_MS = 100;
const PATIENCE = 60_000;
const LONGEST = 600_000;

/**
 * Waits until the collector has caught up with what was written.
 *
 * @returns the containers that it has not read to their end in all that time; none: it has caught up
 * @throws the signal's reason when it aborts
 */
export async function drained(options: DrainOptions, signal: AbortSignal): Promise<ContainerStatus[]> {
  const { clock, containers, isDone, lines, patience = PATIENCE, longest = LONGEST } = options;
  const begun = clock.monotonic();
  let progressAt = begun;
  let before = '';
  for (;;) {
    const left = containers().filter((container) => !isDone(container));
    if (left.length === 0) return [];
    const now = clock.monotonic();
    const progress = `${left.length} ${lines()}`;
    if (progress !== before) progressAt = now;
    before = progress;
    if (now - progressAt > patience || now - begun > longest) return left;
    await clock.sleep(LOOK_MS, signal);
  }
}

/** Of containers that have all ended: read to the end, and left alone. */
export function isLeftAlone({ life }: ContainerStatus): boolean {
  return life !== 'active';
}

/** Of containers that run on: read to the end by a poll that began after the writing to be collected. */
export function isReadSince(seconds: () => number): (container: ContainerStatus) => boolean {
  return ({ life, read_seconds_ago: read }) => life !== 'active' || (read !== null && read < seconds());
}
