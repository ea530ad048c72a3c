import type { MalformedItem } from '../docker/malformed.js';
import type { ContainerSummary, InspectedContainer } from '../model/container.js';
import type { Nanoseconds } from '../model/nanoseconds.js';

/** An event of the Engine, as far as collecting needs it. */
export interface ContainerEvent {
  readonly action: 'create' | 'start' | 'die' | 'destroy' | 'rename' | 'other';
  readonly containerId: string;
  /** By our clock; the latest that it can be. */
  readonly at: Nanoseconds;
  /**
   * Of create, start, die and destroy: what the event says of the container. Its labels are not to be relied on (see
   * Identity): they only help to guess whether a container that is gone again would have been collected.
   */
  readonly container: ContainerSummary | undefined;
}

export interface EventsAnswer {
  readonly events: readonly ContainerEvent[];
  /** Events may be missing before these: list everything again. */
  readonly relist: boolean;
  /** Events are known to be missing: the ring was overrun, the daemon restarted, or its clock set. */
  readonly overrun: boolean;
  /** Items that could not be understood, each once. */
  readonly skipped?: readonly MalformedItem[];
}

/** What the collector asks the Engine besides logs. Each call is one bounded request. */
export interface Engine {
  /** @param onSkipped called for each entry that could not be understood */
  list(signal: AbortSignal, onSkipped?: (item: MalformedItem) => void): Promise<ContainerSummary[]>;
  /** Rejects with a PollardError of code `engine_not_found` when the container is gone. */
  inspect(containerId: string, signal: AbortSignal): Promise<InspectedContainer>;
  /** What happened since the last call. */
  events(signal: AbortSignal): Promise<EventsAnswer>;
}
