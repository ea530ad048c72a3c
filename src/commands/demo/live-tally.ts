import type { PollWitness } from '../wiring/poll-witness.js';

/** What was collected of one container so far. */
export interface ContainerTally {
  /** Lines that Loki has acknowledged. */
  readonly lines: number;
  readonly gaps: number;
}

const NOTHING: ContainerTally = { lines: 0, gaps: 0 };

/** Counts what polls bring, container by container. */
export class LiveTally implements PollWitness {
  readonly #byId = new Map<string, { lines: number; gaps: number }>();
  #lines = 0;
  #polls = 0;
  #gaps = 0;

  get lines(): number {
    return this.#lines;
  }

  get polls(): number {
    return this.#polls;
  }

  get gaps(): number {
    return this.#gaps;
  }

  /** @param containerId the whole id, or the beginning that the status page shows */
  of(containerId: string): ContainerTally {
    return this.#byId.get(shortId(containerId)) ?? NOTHING;
  }

  readonly polled: NonNullable<PollWitness['polled']> = (container, report) => {
    this.#polls++;
    this.#lines += report.lines;
    this.#entry(container.id).lines += report.lines;
  };

  readonly pollFailed: NonNullable<PollWitness['pollFailed']> = () => {
    this.#polls++;
  };

  readonly gap: NonNullable<PollWitness['gap']> = (container) => {
    this.#gaps++;
    this.#entry(container.id).gaps++;
  };

  #entry(containerId: string): { lines: number; gaps: number } {
    const id = shortId(containerId);
    let entry = this.#byId.get(id);
    if (entry === undefined) this.#byId.set(id, (entry = { lines: 0, gaps: 0 }));
    return entry;
  }
}

/** As the status page shows it, and as Docker does. */
export function shortId(containerId: string): string {
  return containerId.slice(0, 12);
}
