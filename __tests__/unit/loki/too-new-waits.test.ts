import { beforeEach, expect, test } from '@jest/globals';
import { TooNewWaits, type TooNewWait } from '../../../src/loki/too-new-waits.js';
import { ManualClock } from '../../support/manual-clock.js';
import { NOW, SECOND, testTarget } from '../../support/push-lines.js';

const MINUTE = 60n * SECOND;
const PATIENCE = 15 * 60_000;
const web = testTarget({ containerId: 'web-id' });
const other = testTarget({ containerId: 'web-id', labels: { service_name: 's', stream: 'b' } });

let clock: ManualClock;
let told: (readonly TooNewWait[])[];
let waits: TooNewWaits;

beforeEach(() => {
  clock = new ManualClock(NOW);
  told = [];
  waits = new TooNewWaits({ clock, patienceMs: PATIENCE, onChange: (waiting) => told.push(waiting) });
});

/** A batch with these timestamps, of which those from `from` on are refused. */
function batch(stamps: readonly bigint[], from: bigint, lokiTime?: bigint, target = web): string | undefined {
  const refused = stamps.filter((stamp) => stamp >= from);
  const oldest = refused[0];
  return waits.settled(
    target,
    (stamp) => stamps.includes(stamp),
    oldest === undefined ? undefined : { oldest, lokiTime },
  )?.text;
}

test('names the clock that is wrong, as far as it is known', () => {
  const behind = 'behind the clock here';
  expect(batch([NOW], NOW, NOW - 20n * MINUTE)).toBe(`Loki's clock is 20 minutes ${behind}`);
  const unknown = `Loki's clock is more than its creation_grace_period (10 minutes by default) ${behind}`;
  expect(batch([NOW], NOW)).toBe(unknown);
  // The time of a gateway.
  expect(batch([NOW], NOW, NOW - SECOND)).toBe(unknown);
  expect(batch([NOW + 30n * MINUTE], NOW, NOW)).toBe(
    'their timestamps are 30 minutes ahead of the clock here',
  );
  // One reason is told once.
  expect(told).toHaveLength(3);
});

test('waits for the patience, and then the refusal counts', async () => {
  expect(batch([NOW], NOW)).toBeDefined();
  await clock.pass(PATIENCE - 1);
  expect(batch([NOW, NOW + MINUTE], NOW)).toBeDefined();
  await clock.pass(1);
  expect(batch([NOW, NOW + MINUTE], NOW)).toBeUndefined();
  // For all that follows, until the log is read to its end.
  expect(batch([NOW + 2n * MINUTE], NOW)).toBeUndefined();
  waits.forget('web-id');
  expect(batch([NOW + 3n * MINUTE], NOW)).toBeDefined();
  expect(told.map(({ length }) => length)).toEqual([1, 0, 1]);
});

test('the patience begins anew when a line that waited is accepted', async () => {
  batch([NOW], NOW);
  await clock.pass(PATIENCE - 1);
  batch([NOW, NOW + MINUTE], NOW + MINUTE);
  expect(waits.refusedFrom(web)).toBe(NOW + MINUTE);
  await clock.pass(PATIENCE - 1);
  expect(batch([NOW + MINUTE], NOW + MINUTE)).toBeDefined();
  expect(batch([NOW + MINUTE, NOW + 2n * MINUTE], NOW + 3n * MINUTE)).toBeUndefined();
  expect(waits.refusedFrom(web)).toBeUndefined();
  expect(told.map(({ length }) => length)).toEqual([1, 0]);
});

test('other lines that are accepted prove nothing for one that waits', async () => {
  batch([NOW + 20n * MINUTE], NOW);
  await clock.pass(PATIENCE - 1);
  expect(batch([NOW, NOW + 20n * MINUTE], NOW + 20n * MINUTE)).toBeDefined();
  batch([NOW + MINUTE], NOW + 20n * MINUTE);
  batch([NOW + 2n * MINUTE, NOW + 25n * MINUTE], NOW + 20n * MINUTE);
  expect(waits.refusedFrom(web)).toBe(NOW + 20n * MINUTE);
  await clock.pass(1);
  expect(batch([NOW + 20n * MINUTE], NOW + 20n * MINUTE)).toBeUndefined();
});

test('each stream has its own; a container is forgotten with all of them', () => {
  batch([NOW + MINUTE], NOW);
  batch([NOW], NOW, undefined, other);
  expect([waits.refusedFrom(web), waits.refusedFrom(other)]).toEqual([NOW + MINUTE, NOW]);
  expect(waits.containerRefusedFrom('web-id')).toBe(NOW);
  waits.forget('web-id');
  waits.forget('web-id');
  expect(waits.containerRefusedFrom('web-id')).toBeUndefined();
  expect(told.map((waiting) => waiting.map(({ target }) => target))).toEqual([[web], [web, other], []]);
});

test('without patience nothing waits', () => {
  waits = new TooNewWaits({ clock, patienceMs: 0 });
  expect(batch([NOW], NOW)).toBeUndefined();
  expect(waits.refusedFrom(web)).toBeUndefined();
});
