import { CONTAINER_ID, inspectContainer, listContainers } from '../docker/containers.js';
import type { EngineApi } from '../docker/engine-api.js';
import { EventWindow } from '../docker/event-window.js';
import { readEvents, type EngineEvent } from '../docker/events.js';
import { malformedItem, type MalformedItem } from '../docker/malformed.js';
import type { Clock } from '../model/clock.js';
import type { ContainerSummary, InspectedContainer } from '../model/container.js';
import type { ContainerEvent, Engine, EventsAnswer } from './engine.js';

const ACTIONS: ReadonlySet<string> = new Set(['create', 'start', 'die', 'destroy', 'rename']);
/** What an event says of a container besides its labels, unless a label hides it (Engine API, SystemEvents). */
const NOT_LABELS: ReadonlySet<string> = new Set([
  'image',
  'name',
  'oldName',
  'exitCode',
  'signal',
  'execDuration',
]);

/** The Engine as the collector asks it, over its API. */
export class DockerEngine implements Engine {
  readonly #api: EngineApi;
  readonly #clock: Clock;
  readonly #window = new EventWindow();

  constructor(api: EngineApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  async list(signal: AbortSignal, onSkipped?: (item: MalformedItem) => void): Promise<ContainerSummary[]> {
    return await listContainers(this.#api, signal, onSkipped);
  }

  async inspect(containerId: string, signal: AbortSignal): Promise<InspectedContainer> {
    return await inspectContainer(this.#api, containerId, signal);
  }

  async events(signal: AbortSignal): Promise<EventsAnswer> {
    // First, so that the Engine's clock is known: `until` must not lie in its future.
    await this.#api.version(signal);
    const until = this.#api.daemonClock.past(this.#clock.now());
    const range = this.#window.next(until, this.#clock.monotonic());
    const read = await readEvents(this.#api, range, signal);
    const { events, malformed, overrun, relist } = this.#window.take(read.events, read.malformed);
    const known: ContainerEvent[] = [];
    const skipped = [...malformed];
    for (const event of events) {
      if (event.type !== 'container') continue;
      if (ACTIONS.has(event.action) && !CONTAINER_ID.test(event.id)) skipped.push(withoutId(event));
      else known.push(this.#containerEvent(event));
    }
    return { events: known, overrun, relist, skipped };
  }

  #containerEvent(event: EngineEvent): ContainerEvent {
    const { id, timeNano, attributes } = event;
    const known = ACTIONS.has(event.action);
    const { name, image } = attributes;
    const told = known && event.action !== 'rename';
    return {
      action: known ? (event.action as ContainerEvent['action']) : 'other',
      containerId: id,
      at: this.#api.daemonClock.oursAtMost(timeNano),
      container: told
        ? {
            id,
            name: name ?? id.slice(0, 12),
            image: image ?? '',
            labels: Object.fromEntries(Object.entries(attributes).filter(([key]) => !NOT_LABELS.has(key))),
            state: event.action === 'create' ? 'created' : event.action === 'start' ? 'running' : 'exited',
            created: timeNano,
          }
        : undefined,
    };
  }
}

function withoutId({ action, id }: EngineEvent): MalformedItem {
  return malformedItem('event', id, 'Actor.ID: is not the id of a container', `${action} ${id}`);
}
