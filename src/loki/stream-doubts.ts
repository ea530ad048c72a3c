import type { Nanoseconds } from '../model/nanoseconds.js';
import type { StreamTarget } from './stream-target.js';

/** Of one stream: lines may have been sent before that the container's cursor does not cover. */
export interface Doubt {
  /** Loki was asked, and held no entry with a later timestamp; undefined: not asked yet. */
  readonly until: Nanoseconds | undefined;
  /** Batches that were sent although Loki could not be asked. */
  readonly unasked: number;
}

const UNKNOWN: Doubt = { until: undefined, unasked: 0 };

/**
 * Containers whose lines may have been sent without their cursor having moved: by an earlier process that did not end
 * in order, or by a poll whose batches were not all settled and committed. What is read of them next may be stored in
 * Loki already. One complete poll settles it: all that may have been sent is covered by the cursor then.
 */
export class StreamDoubts {
  /** All containers are in doubt but those that were settled. */
  readonly #all: boolean;
  readonly #settled = new Set<string>();
  /** By the container's id, and the stream's labels. */
  readonly #doubts = new Map<string, Map<string, Doubt>>();

  /** @param all the last process did not end in order, or it is not known */
  constructor(all: boolean) {
    this.#all = all;
  }

  /** Lines of this container were sent, or may have been, and its cursor will not cover them. */
  raise(containerId: string): void {
    this.#settled.delete(containerId);
    this.#doubts.set(containerId, new Map());
  }

  /** The container's log was read to its end, and all of it was settled and committed. */
  settle(containerId: string): void {
    this.#doubts.delete(containerId);
    if (this.#all) this.#settled.add(containerId);
  }

  /** The container is gone for good. */
  forget(containerId: string): void {
    this.#doubts.delete(containerId);
    this.#settled.delete(containerId);
  }

  /** A container was found to be in doubt, and is still. */
  get any(): boolean {
    return this.#doubts.size > 0;
  }

  /** Whether a container is in doubt. */
  has(containerId: string): boolean {
    return this.#doubts.has(containerId) || (this.#all && !this.#settled.has(containerId));
  }

  /** Undefined: what comes of this stream was never sent. */
  of({ containerId, labelString }: StreamTarget): Doubt | undefined {
    if (containerId === undefined || !this.has(containerId)) return undefined;
    return this.#doubts.get(containerId)?.get(labelString) ?? UNKNOWN;
  }

  /** Loki holds nothing newer of the stream; undefined: nothing at all. */
  bound(target: StreamTarget, until: Nanoseconds | undefined): void {
    this.#set(target, { until: until ?? NEVER, unasked: 0 });
  }

  /** A batch of the stream was sent although Loki could not be asked. */
  sentUnasked(target: StreamTarget): void {
    const { until, unasked } = this.of(target) ?? UNKNOWN;
    this.#set(target, { until, unasked: unasked + 1 });
  }

  #set({ containerId, labelString }: StreamTarget, doubt: Doubt): void {
    if (containerId === undefined || !this.has(containerId)) return;
    let streams = this.#doubts.get(containerId);
    if (streams === undefined) this.#doubts.set(containerId, (streams = new Map<string, Doubt>()));
    streams.set(labelString, doubt);
  }
}

/** Before every timestamp. */
const NEVER = -1n;
