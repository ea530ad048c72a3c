import { expect, test } from '@jest/globals';
import { EVENT_RING } from '../../../src/simulators/engine/index.js';
import { withCollector } from '../../support/collecting/index.js';
import { until } from '../../support/until.js';

test('the ring of events is overrun: noticed, said and counted, and who came meanwhile is found by the list', async () => {
  // The list alone would find nobody in the time of this test.
  await withCollector({ settings: { discovery: { list_interval: '1h' } } }, async (world) => {
    const { engine, loki } = world;
    const old = engine.addContainer({ name: 'old' });
    await world.start();
    old.writeLine('stdout', 'before');
    await world.caughtUp();
    expect(await world.metric('pollard_events_overruns_total')).toBe(0);

    engine.addContainer({ name: 'crowded-out' }).writeLine('stdout', 'meanwhile');
    for (let i = 0; i <= EVENT_RING; i++) engine.publishEvent('network', 'connect', `network ${i}`);
    await until('it is counted', async () => (await world.metric('pollard_events_overruns_total')) === 1);
    await until('who came meanwhile is collected', () =>
      loki.entries().some(({ line }) => line === 'meanwhile'),
    );
    const said = world.log.messages.filter(({ message }) =>
      message.includes('events of the Engine are missing'),
    );
    expect(said).toMatchObject([{ level: 'warn' }]);
  });
});

test('the ring is overrun again and again: the list is not asked for each time, unless an event tells of someone new', async () => {
  // Once in ten minutes, and at the first overrun.
  await withCollector({ settings: { discovery: { list_interval: '1h' } } }, async (world) => {
    const { engine, loki } = world;
    const web = engine.addContainer({ name: 'web' });
    const crowd = (of: string): void => {
      for (let i = 0; i <= EVENT_RING; i++) engine.publishEvent('container', 'exec_start: healthcheck', of);
    };
    const overruns = async (): Promise<number> => await world.metric('pollard_events_overruns_total');
    await world.start();
    await world.caughtUp();
    for (let count = 1; count <= 6; count++) {
      crowd(web.id);
      await until('it is counted', async () => (await overruns()) >= count);
    }
    expect(engine.requests.count('list')).toBeLessThanOrEqual(3);

    const late = engine.addContainer({ name: 'late' });
    late.writeLine('stdout', 'somebody new');
    // All that the ring shows of it.
    crowd(late.id);
    await until('it is collected', () => loki.entries().some(({ line }) => line === 'somebody new'));
  });
});

test('a container ends and is started again, and the event of its start is lost: what it writes is collected', async () => {
  // Only what follows the overrun lists it again, and then it runs as it did at the first list.
  await withCollector({ settings: { discovery: { list_interval: '1h' } } }, async (world) => {
    const { engine, loki } = world;
    const web = engine.addContainer({ name: 'web' });
    await world.start();
    web.writeLine('stdout', 'first run');
    await world.caughtUp();
    web.die(0);
    await world.drained();

    web.start();
    web.writeLine('stdout', 'second run');
    for (let i = 0; i <= EVENT_RING; i++) engine.publishEvent('network', 'connect', `network ${i}`);
    await until('what it wrote is collected', () => loki.entries().some(({ line }) => line === 'second run'));
  });
});

test('containers that come and go before they can be polled are named and counted, each once', async () => {
  await withCollector({}, async (world) => {
    const { engine } = world;
    const early = engine.addContainer({ name: 'early' });
    await world.start();
    early.writeLine('stdout', 'before');
    await world.caughtUp();
    expect(await world.metric('pollard_missed_containers_total')).toBe(0);

    for (const name of ['one', 'two', 'three']) {
      const brief = engine.addContainer({ name });
      brief.writeLine('stdout', 'nobody hears it');
      brief.die(0);
      brief.remove();
    }
    // Made and removed without having run: nothing of it can be missing.
    engine.addContainer({ name: 'never', started: false }).remove();
    await until(
      'they are counted',
      async () => (await world.metric('pollard_missed_containers_total')) === 3,
    );
    const lists = engine.requests.count('list');
    await until('they are looked for again', () => engine.requests.count('list') > lists + 1);
    expect(await world.metric('pollard_missed_containers_total')).toBe(3);
    const named = world.log.messages.filter(({ fields }) => fields['reason'] === 'never_polled');
    expect(named.map(({ level, fields }) => [level, fields['container']])).toEqual([
      ['warn', 'one'],
      ['warn', 'two'],
      ['warn', 'three'],
    ]);
    const status = JSON.parse((await world.page('/status')).text) as { missed: { name: string }[] };
    expect(status.missed.map(({ name }) => name).sort()).toEqual(['one', 'three', 'two']);
  });
});
