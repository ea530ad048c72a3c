import type { Clock, Random } from '../../model/clock.js';
import type { Nanoseconds } from '../../model/nanoseconds.js';
import { SimulatedContainer, type ContainerHost, type ContainerOptions } from './container.js';
import { ContainerRegistry } from './container-registry.js';
import { EventRing, type EngineEvent } from './event-ring.js';
import { FaultBoard } from './faults.js';
import type { EngineProfile } from './profile.js';
import { RequestLog } from './request-log.js';

export interface DaemonOptions {
  readonly profile: EngineProfile;
  readonly clock: Clock;
  readonly random: Random;
  /** The daemon's zone, in minutes east of Greenwich. */
  readonly zoneOffset: number;
}

/** The daemon behind the endpoints: its containers, its events, and what was asked of it. */
export class Daemon implements ContainerHost {
  readonly profile: EngineProfile;
  readonly clock: Clock;
  readonly random: Random;
  readonly zoneOffset: number;
  readonly containers = new ContainerRegistry();
  readonly events = new EventRing();
  readonly faults: FaultBoard;
  readonly requests = new RequestLog();
  /** Also those that are removed. */
  readonly everyContainer: SimulatedContainer[] = [];
  #lastReading: Nanoseconds | undefined;
  #readings = 0n;

  constructor(options: DaemonOptions) {
    this.profile = options.profile;
    this.clock = options.clock;
    this.random = options.random;
    this.zoneOffset = options.zoneOffset;
    this.faults = new FaultBoard(options.random);
  }

  /** The clock, a nanosecond further for each reading of a coarse one. */
  now(): Nanoseconds {
    const reading = this.clock.now();
    this.#readings = reading === this.#lastReading ? this.#readings + 1n : 0n;
    this.#lastReading = reading;
    return reading + this.#readings;
  }

  addContainer(options: ContainerOptions): SimulatedContainer {
    this.containers.checkName(options.name);
    const container = new SimulatedContainer({ ...options, id: options.id ?? this.#newId() }, this);
    this.containers.add(container);
    this.everyContainer.push(container);
    return container;
  }

  publish(event: Omit<EngineEvent, 'timeNs'>): void {
    this.events.publish({ ...event, timeNs: this.now() });
  }

  rename(container: SimulatedContainer, name: string): void {
    this.containers.rename(container, name);
  }

  forget(container: SimulatedContainer): void {
    this.containers.delete(container);
  }

  #newId(): string {
    let id = '';
    while (id.length < 64)
      id += Math.floor(this.random() * 0x100000000)
        .toString(16)
        .padStart(8, '0');
    return id;
  }
}
