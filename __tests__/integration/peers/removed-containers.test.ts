import { expect, test } from '@jest/globals';
import { withCollector, type CollectingWorld } from '../../support/collecting/index.js';
import { eachOnce, expectNothingHeld, figuresOf } from '../../support/peers/index.js';
import { until } from '../../support/until.js';

/** As many as the report's collector had gathered on a machine. */
const REMOVED = 55;
const ROUNDS = 8;

/** How often each container was asked for although it was not there any more, by its id. */
function askedInVain({ engine }: CollectingWorld): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { status, path } of engine.requests.all) {
    const id = /\/containers\/([0-9a-f]{64})\//.exec(path)?.[1];
    if (status === 404 && id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

function warnings({ log }: CollectingWorld): string[] {
  return log.messages
    .filter(({ level, fields }) => ['error', 'warn'].includes(level) && fields['code'] === undefined)
    .map(({ message, fields }) => [message, fields['container']].join(': '));
}

async function untilGone(world: CollectingWorld): Promise<void> {
  await until('all are known to be gone', () => {
    return world.service.containers().filter(({ life }) => life === 'gone').length === REMOVED;
  });
}

/** Lists, looks at events, and polls of one that lives, go by. */
async function roundsGoBy(world: CollectingWorld, living: string): Promise<void> {
  const lists = world.engine.requests.count('list');
  const polls = world.pollsOf(living);
  await until('rounds go by', () => {
    return world.engine.requests.count('list') >= lists + 2 && world.pollsOf(living) >= polls + ROUNDS;
  });
}

test('grafana/alloy#6309: containers that were removed are asked for once at most, and no error is told', async () => {
  await withCollector({}, async (world) => {
    const { engine } = world;
    const stays = engine.addContainer({ name: 'stays' });
    const replaced = Array.from({ length: REMOVED }, (_, i) => engine.addContainer({ name: `release-${i}` }));
    for (const container of [stays, ...replaced]) container.writeLine('stdout', 'serving');
    await world.start();
    await world.caughtUp();

    // As a deployment does: each is stopped, read to its end, and removed.
    for (const container of replaced) container.stop();
    const drained = () => world.service.containers().filter(({ life }) => life === 'drained').length;
    await until('all are read to their ends', () => drained() === REMOVED);
    for (const container of replaced) container.remove();
    await untilGone(world);
    await roundsGoBy(world, stays.id);
    // They had been read to their ends. A look at one that has just ended may meet with its removal.
    expect([...askedInVain(world).values()].filter((times) => times > 1)).toEqual([]);
    expect(warnings(world)).toEqual([]);
    expect(world.missed).toEqual([]);
    expect(world.health.report().state).toBe('healthy');
    expect(await figuresOf(world)).toEqual(eachOnce(REMOVED + 1));
    await expectNothingHeld(world);
  });
});

test('grafana/alloy#6309: containers that are removed in the middle of their work are named once each', async () => {
  await withCollector({}, async (world) => {
    const { engine } = world;
    const stays = engine.addContainer({ name: 'stays' });
    const removed = Array.from({ length: REMOVED }, (_, i) => engine.addContainer({ name: `release-${i}` }));
    for (const container of [stays, ...removed]) container.writeLine('stdout', 'serving');
    await world.start();
    await world.caughtUp();
    for (const container of removed) {
      container.writeLine('stdout', 'last words that nobody reads');
      container.remove();
    }
    await untilGone(world);
    await roundsGoBy(world, stays.id);
    await until('each is reported', () => world.missed.length >= REMOVED);
    // By a poll that was due before it was known.
    expect([...askedInVain(world).values()].filter((times) => times > 1)).toEqual([]);
    expect(world.missed).toHaveLength(REMOVED);
    expect(new Set(world.missed.map(({ container, reason }) => `${container.name} ${reason}`))).toEqual(
      new Set(removed.map(({ name }) => `${name} removed_early`)),
    );
    expect(warnings(world).sort()).toEqual(
      removed
        .map(({ name }) =>
          [
            'a container was removed before its log was read to the end: its last lines may be missing',
            name,
          ].join(': '),
        )
        .sort(),
    );
    expect(await world.metric('pollard_missed_containers_total')).toBe(REMOVED);
    expect(world.health.report().state).toBe('healthy');
    await expectNothingHeld(world);
    // Nor are they named once more by the next one.
    await world.start();
    await world.caughtUp();
    expect(world.missed).toHaveLength(REMOVED);
  });
});

test('grafana/alloy#6309: a container that cannot be removed to its end (409) is asked for no oftener than others, and told once', async () => {
  await withCollector({}, async (world) => {
    const { engine } = world;
    const stays = engine.addContainer({ name: 'stays' });
    const dead = engine.addContainer({ name: 'dead' });
    dead.writeLine('stdout', 'hello');
    await world.start();
    await world.caughtUp();
    dead.beginRemoval('dead');
    const refused = (): number => engine.requests.all.filter(({ status }) => status === 409).length;
    await until('it is refused', () => refused() > 0);
    await roundsGoBy(world, stays.id);
    const polls = world.pollsOf(stays.id);
    const before = refused();
    await roundsGoBy(world, stays.id);
    // Give or take what the intervals are spread by.
    expect(refused() - before).toBeLessThanOrEqual(2 * (world.pollsOf(stays.id) - polls));
    expect(warnings(world).filter((text) => text.endsWith(': dead'))).toEqual([
      'a container could not be polled: dead',
    ]);
    expect(world.health.report().state).toBe('degraded');
    dead.remove();
    await until('it is gone', () => world.service.containers().some(({ life }) => life === 'gone'));
    await expectNothingHeld(world);
  });
});
