import { expect, test } from '@jest/globals';
import type { LokiSimulator, Outage } from '../../../src/simulators/loki/index.js';
import { withCollector, type CollectingWorld, type Settings } from '../../support/collecting/index.js';
import { withSite } from '../../support/commands/site.js';
import { expectNothingHeld, figuresOf } from '../../support/peers/index.js';
import { until } from '../../support/until.js';

const LINES = 50;
/** Looks at the containers that go by under an outage. */
const LOOKS = 5;

function talk({ engine }: Pick<CollectingWorld, 'engine'>, name: string): void {
  const container = engine.find(name) ?? engine.addContainer({ name });
  for (let i = 0; i < LINES; i++) container.writeLine('stdout', `${name} ${i}`);
}

/** Nothing is read any more, while the containers are looked at as ever, each time on a connection of its own. */
async function expectNothingHeldMeanwhile({ engine }: CollectingWorld): Promise<void> {
  await until('no connection is held', () => engine.connections().open === 0);
  const reads = engine.requests.count('logs');
  const looks = engine.requests.count('events');
  await until('it goes on to look at the containers', () => {
    return engine.requests.count('events') >= looks + LOOKS;
  });
  expect(engine.requests.count('logs')).toBe(reads);
  await until('no connection is held', () => engine.connections().open === 0);
}

type Away = readonly [string, (loki: LokiSimulator) => Promise<() => Promise<void> | void>, Settings?];

const outage =
  (kind: Outage): Away[1] =>
  (loki) =>
    Promise.resolve(loki.outage(kind, { endpoint: 'push' }));
const AWAY: readonly Away[] = [
  [
    'grafana/loki#4082: nobody listens at the address of Loki',
    async (loki) => {
      await loki.stopListening();
      return () => loki.listen();
    },
  ],
  [
    'grafana/loki#2361: Loki is not reachable, and requests hang',
    outage('hang'),
    { loki: { timeout: '1s' } },
  ],
  ['grafana/loki#2361: Loki is not reachable, and connections are reset', outage('reset')],
  ['grafana/loki#13339: Loki is stopped behind its gateway', outage({ status: 502 })],
];

test.each(AWAY)('%s: the Engine serves nobody, and containers stop, start and go', async (...away) => {
  const [, goAway, settings = {}] = away;
  await withCollector({ settings }, async (world) => {
    const { engine, loki } = world;
    for (const name of ['stays', 'stops', 'restarts', 'goes']) talk(world, name);
    await world.start();
    await world.caughtUp();

    const comeBack = await goAway(loki);
    for (const name of ['stays', 'stops', 'restarts', 'goes']) talk(world, name);
    await until('it is told', () => world.health.report().state !== 'healthy');
    await expectNothingHeldMeanwhile(world);

    expect(loki.counts().entries).toBe(4 * LINES);
    engine.find('stops')?.stop();
    engine.find('restarts')?.restart();
    engine.find('goes')?.remove();
    talk(world, 'restarts');
    talk(world, 'new');
    await expectNothingHeldMeanwhile(world);

    await comeBack();
    await world.caughtUp();
    await until('it is healthy', () => world.health.report().state === 'healthy');
    // What was removed meanwhile is no longer there for anybody. It is reported once its last poll is delivered.
    await until('the removed container is reported', () => world.missed.length > 0);
    expect(world.missed.map(({ container, reason }) => [container.name, reason])).toEqual([
      ['goes', 'removed_early'],
    ]);
    const accounts = [...(await world.accounts()).values()];
    const inLoki = new Map(accounts.map((account) => [account.name, account.inLoki]));
    // What was read before Loki was known to be away waited in memory, and is delivered.
    expect([LINES, 2 * LINES]).toContain(inLoki.get('goes'));
    inLoki.delete('goes');
    expect(Object.fromEntries(inLoki)).toEqual({
      new: LINES,
      restarts: 3 * LINES,
      stays: 2 * LINES,
      stops: 2 * LINES,
    });
    expect(loki.counts().refused).toEqual({});
    expect(await figuresOf(world)).toMatchObject({ lost: 0, twice: 0, unknown: 0, marks: 0 });
    await expectNothingHeld(world);
  });
});

test('moby/moby#42705: the collector is killed while Loki is away, and the daemon waits for nobody', async () => {
  await withSite({ settings: { start: 'beginning' } }, async (site) => {
    talk(site, 'stops');
    talk(site, 'runs');
    await site.loki.stopListening();
    const first = await site.run();
    await first.logged('Loki does not take what is sent');
    expect(await first.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    await until('the Engine has no connection open', () => site.engine.connections().open === 0);
    site.engine.find('stops')?.kill();
    talk(site, 'runs');

    const second = await site.run();
    await second.logged('Loki does not take what is sent');
    await site.loki.listen();
    await site.untilStored(3 * LINES);
    expect(await second.stop()).toEqual({ code: 0, signal: null });
    expect(site.loki.counts()).toMatchObject({
      received: 3 * LINES,
      entries: 3 * LINES,
      strictDuplicates: 0,
      refused: {},
    });
    expect(site.engine.requests.violations).toEqual([]);
    expect(site.engine.connections().open).toBe(0);
  });
});
