import type { Nanoseconds } from '../../model/nanoseconds.js';

/** How many events the daemon keeps (moby: daemon/events/events.go, eventsLimit). */
export const EVENT_RING = 256;

export interface EngineEvent {
  /** container, image, network, volume, daemon, … */
  readonly type: string;
  readonly action: string;
  readonly actorId: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly timeNs: Nanoseconds;
}

export interface EventRange {
  readonly since?: Nanoseconds | undefined;
  readonly until?: Nanoseconds | undefined;
}

type Include = (event: EngineEvent) => boolean;

/** The daemon's memory of events (moby: daemon/events/events.go). */
export class EventRing {
  #events: EngineEvent[] = [];
  #listeners = new Set<(event: EngineEvent) => void>();
  #total = 0;

  /** All events ever published. */
  get total(): number {
    return this.#total;
  }

  publish(event: EngineEvent): void {
    if (this.#events.length === EVENT_RING) this.#events.shift();
    this.#events.push(event);
    this.#total++;
    for (const listener of this.#listeners) listener(event);
  }

  /**
   * The events kept, oldest first. Without since and until: none. The search goes back from the newest and ends
   * at the first event older than `since`, even if younger stamps stand before it (loadBufferedEvents).
   */
  query(range: EventRange, include: Include): EngineEvent[] {
    if (range.since === undefined && range.until === undefined) return [];
    const found: EngineEvent[] = [];
    for (let index = this.#events.length - 1; index >= 0; index--) {
      const event = this.#events[index] as EngineEvent;
      if (range.since !== undefined && event.timeNs < range.since) break;
      if (range.until !== undefined && event.timeNs > range.until) continue;
      if (include(event)) found.push(event);
    }
    return found.reverse();
  }

  /** Tells of each event from now on. Returns how to end that. */
  subscribe(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** The daemon was restarted. */
  clear(): void {
    this.#events = [];
  }
}

/**
 * An event as a line of the answer (moby: api/types/events/events.go).
 *
 * @param legacy with `status`, `id` and `from`, which API 1.52 no longer has
 */
export function eventJson(event: EngineEvent, legacy: boolean): string {
  const old: Record<string, string> = {};
  if (legacy && (event.type === 'container' || event.type === 'image')) {
    old['status'] = event.action;
    old['id'] = event.actorId;
    if (event.type === 'container' && event.attributes['image']) old['from'] = event.attributes['image'];
  }
  const body = JSON.stringify({
    ...old,
    Type: event.type,
    Action: event.action,
    Actor: { ID: event.actorId, Attributes: event.attributes },
    scope: 'local',
    time: Number(event.timeNs / 1_000_000_000n),
  });
  // By hand, since a number of JavaScript would round it.
  return `${body.slice(0, -1)},"timeNano":${event.timeNs}}\n`;
}
