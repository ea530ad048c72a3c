import type { EngineEvent } from './event-ring.js';

/** The values asked for, by filter name. Values of one name are alternatives, names must all hold. */
export type Filters = ReadonlyMap<string, readonly string[]>;

/**
 * Reads `filters`: `{"name":["value"]}`, or the older `{"name":{"value":true}}` (moby: api/types/filters,
 * FromJSON). Undefined for what is neither.
 */
export function parseFilters(text: string | null): Filters | undefined {
  if (text === null || text === '') return new Map();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const filters = new Map<string, readonly string[]>();
  for (const [name, wanted] of Object.entries(value as Record<string, unknown>)) {
    if (Array.isArray(wanted)) filters.set(name, wanted.map(String));
    else if (typeof wanted === 'object' && wanted !== null) filters.set(name, Object.keys(wanted));
    else return undefined;
  }
  return filters;
}

/** Whether one of the values fits; no filter of that name lets all pass. */
export function passes(filters: Filters, name: string, fits: (value: string) => boolean): boolean {
  const values = filters.get(name);
  return values === undefined || values.length === 0 || values.some(fits);
}

/** `key` or `key=value` against labels. All that are asked for must hold (moby: filters, MatchKVList). */
export function passesLabels(filters: Filters, labels: Readonly<Record<string, string>>): boolean {
  return (filters.get('label') ?? []).every((wanted) => {
    const at = wanted.indexOf('=');
    if (at < 0) return Object.hasOwn(labels, wanted);
    return labels[wanted.slice(0, at)] === wanted.slice(at + 1);
  });
}

/** Whether an event is asked for (moby: daemon/events/filter.go; the filters a collector of logs may use). */
export function includesEvent(filters: Filters, event: EngineEvent): boolean {
  const name = event.attributes['name'] ?? '';
  const image = event.attributes['image'] ?? '';
  return (
    passes(filters, 'type', (value) => value === event.type) &&
    // exec_create and its like stand with their command behind a colon.
    passes(filters, 'event', (value) => event.action === value || event.action.startsWith(`${value}:`)) &&
    passes(filters, 'container', (value) => event.actorId.startsWith(value) || name.startsWith(value)) &&
    passes(filters, 'image', (value) => value === image || value === image.split(':')[0]) &&
    passes(filters, 'scope', (value) => value === 'local') &&
    passesLabels(filters, event.attributes)
  );
}
