import { describe, expect, test } from '@jest/globals';
import {
  EVENT_RING,
  eventJson,
  EventRing,
  type EngineEvent,
} from '../../../../src/simulators/engine/event-ring.js';
import { includesEvent, parseFilters } from '../../../../src/simulators/engine/filters.js';

function event(timeNs: bigint, over: Partial<EngineEvent> = {}): EngineEvent {
  return {
    type: 'container',
    action: 'start',
    actorId: 'c1',
    attributes: { name: 'one', image: 'shop:1', app: 'shop' },
    timeNs,
    ...over,
  };
}
const all = (): boolean => true;
const times = (events: EngineEvent[]): bigint[] => events.map(({ timeNs }) => timeNs);

describe('the ring of events (moby: daemon/events/events.go)', () => {
  test('keeps 256 of all types; a filter is applied afterwards', () => {
    const ring = new EventRing();
    ring.publish(event(0n));
    for (let n = 1n; n <= BigInt(EVENT_RING); n++) ring.publish(event(n, { type: 'image' }));
    const kept = ring.query({ since: 0n }, all);
    expect(kept).toHaveLength(EVENT_RING);
    expect(kept[0]?.timeNs).toBe(1n);
    expect(ring.query({ since: 0n }, ({ type }) => type === 'container')).toEqual([]);
    expect(ring.total).toBe(EVENT_RING + 1);
  });

  test('both ends are inclusive; without a range there is nothing', () => {
    const ring = new EventRing();
    for (const n of [1n, 2n, 3n, 4n]) ring.publish(event(n));
    expect(times(ring.query({ since: 2n, until: 3n }, all))).toEqual([2n, 3n]);
    expect(times(ring.query({ until: 2n }, all))).toEqual([1n, 2n]);
    expect(ring.query({}, all)).toEqual([]);
  });

  test('the search backwards ends at the first event older than since', () => {
    const ring = new EventRing();
    // The clock stepped back by 8 and ran on.
    for (const n of [10n, 11n, 3n, 12n]) ring.publish(event(n));
    expect(times(ring.query({ since: 10n }, all))).toEqual([12n]);
  });

  test('an event in the answer keeps its nanoseconds; API 1.52 has no status, id and from', () => {
    const text = eventJson(event(1_700_000_000_123_456_789n), true);
    expect(text).toContain('"timeNano":1700000000123456789}\n');
    expect(JSON.parse(text)).toMatchObject({
      status: 'start',
      id: 'c1',
      from: 'shop:1',
      Type: 'container',
      Action: 'start',
      Actor: { ID: 'c1', Attributes: { name: 'one', app: 'shop' } },
      scope: 'local',
      time: 1_700_000_000,
    });
    expect(Object.keys(JSON.parse(eventJson(event(1n), false)) as object)).toEqual([
      'Type',
      'Action',
      'Actor',
      'scope',
      'time',
      'timeNano',
    ]);
  });

  test.each([
    ['{"container":["c1"]}', true],
    ['{"container":{"one":true}}', true],
    ['{"container":["two"]}', false],
    ['{"type":["container"],"event":["die","start"]}', true],
    ['{"type":["image"]}', false],
    ['{"label":["app=shop","name"]}', true],
    ['{"label":["app=other"]}', false],
    ['{"image":["shop"]}', true],
    ['', true],
  ])('filters %s: %s', (filters, included) => {
    expect(includesEvent(parseFilters(filters)!, event(1n))).toBe(included);
  });

  test('what is no filter is refused', () => {
    for (const text of ['[', '[]', '3', '{"a":3}']) expect(parseFilters(text)).toBeUndefined();
  });

  test('health checks are found by their beginning', () => {
    const exec = event(1n, { action: 'exec_create: /bin/sh -c true' });
    expect(includesEvent(parseFilters('{"event":["exec_create"]}')!, exec)).toBe(true);
  });
});
