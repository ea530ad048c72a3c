import type { ContainerDetails, ContainerSummary } from '../model/container.js';
import type { Nanoseconds } from '../model/nanoseconds.js';

/** An event of the Engine, as far as collecting needs it. */
export interface ContainerEvent {
  readonly action: 'create' | 'start' | 'die' | 'destroy' | 'rename' | 'other';
  readonly containerId: string;
  /** By our clock; the latest that it can be. */
  readonly at: Nanoseconds;
  /** Of create, start, die and destroy: what the list would say. */
  readonly container: ContainerSummary | undefined;
}

export interface EventsAnswer {
  readonly events: readonly ContainerEvent[];
  /** Events may be missing before these: list everything again. */
  readonly relist: boolean;
  /** Events are known to be missing: the ring was overrun, the daemon restarted, or its clock set. */
  readonly overrun: boolean;
}

/** What the collector asks the Engine besides logs. Each call is one bounded request. */
export interface Engine {
  list(signal: AbortSignal): Promise<ContainerSummary[]>;
  /** Rejects with a PollardError of code `engine_not_found` when the container is gone. */
  inspect(containerId: string, signal: AbortSignal): Promise<ContainerDetails>;
  /** What happened since the last call. */
  events(signal: AbortSignal): Promise<EventsAnswer>;
}
