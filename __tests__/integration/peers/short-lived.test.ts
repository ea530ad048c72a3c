import { expect, test } from '@jest/globals';
import { withCollector } from '../../support/collecting/index.js';
import { eachOnce, expectNothingHeld, figuresOf, untilStored } from '../../support/peers/index.js';
import { until } from '../../support/until.js';

const COUNT = 30;

test('grafana/alloy#3681: containers that are never seen running are collected', async () => {
  await withCollector({}, async (world) => {
    const { engine } = world;
    const hello = (name: string): void => {
      const container = engine.addContainer({ name });
      container.writeLine('stdout', `hello from ${name}`);
      container.writeLine('stderr', 'and good bye');
      container.die(0);
    };
    // Over before the collector began,
    for (let i = 0; i < COUNT; i++) hello(`before-${i}`);
    await world.start();
    await world.drained();
    expect(await figuresOf(world)).toEqual(eachOnce(2 * COUNT));
    // and between two looks.
    for (let i = 0; i < COUNT; i++) hello(`between-${i}`);
    await untilStored(world, 4 * COUNT);
    await world.drained();
    expect(await figuresOf(world)).toEqual(eachOnce(4 * COUNT));
    expect(world.missed).toEqual([]);
    expect(world.loki.counts()).toMatchObject({ received: 4 * COUNT, refused: {} });
    await expectNothingHeld(world);
  });
});

const RUNS = 25;

test('grafana/alloy#3681: a container in a restart loop is collected, each of its runs', async () => {
  await withCollector({}, async (world) => {
    const { engine } = world;
    const container = engine.addContainer({ name: 'loop', started: false });
    await world.start();
    for (let run = 0; run < RUNS; run++) {
      container.start();
      container.writeLine('stderr', `run ${run}: cannot reach the database`);
      container.die(1);
      // Some runs fall between two looks, some do not.
      if (run % 5 === 0) await untilStored(world, run + 1);
    }
    await untilStored(world, RUNS);
    await world.drained();
    expect(await figuresOf(world)).toEqual(eachOnce(RUNS));
    expect(world.loki.counts()).toMatchObject({ received: RUNS, refused: {} });
    await expectNothingHeld(world);
  });
});

test('DataDog/datadog-agent#3955: containers that are removed as soon as they end are delivered, or named as missed', async () => {
  await withCollector({}, async (world) => {
    const { engine } = world;
    await world.start();
    const ids = new Map<string, string>();
    for (let i = 0; i < COUNT; i++) {
      const container = engine.addContainer({ name: `ping-${i}` });
      ids.set(container.id, container.name);
      container.writeLine('stdout', 'begin');
      // Every other one lives until it was polled; the rest come and go between two looks.
      if (i % 2 === 0) await until('it is polled', () => world.pollsOf(container.id) > 0);
      container.writeLine('stdout', 'end');
      container.remove();
    }
    await until('all are known', () => {
      const known = world.service.containers();
      return known.length === COUNT && known.every(({ life }) => life === 'gone');
    });
    await world.stop();

    const missed = new Map(world.missed.map(({ container, reason }) => [container.id, reason]));
    expect(missed.size).toBe(world.missed.length);
    for (const [id, { inLoki, lost }] of await world.accounts()) {
      // Each is there to its last line, or its name is told; none is silently short of lines.
      if (missed.has(id)) expect([ids.get(id), inLoki < 2]).toEqual([ids.get(id), true]);
      else expect([ids.get(id), inLoki, lost]).toEqual([ids.get(id), 2, 0]);
    }
    const neverPolled = [...missed.values()].filter((reason) => reason === 'never_polled');
    expect(neverPolled).toHaveLength(COUNT / 2);
    const named = world.log.messages.filter(({ fields }) => fields['reason'] === 'never_polled');
    expect(named.map(({ fields }) => fields['container']).sort()).toEqual(
      [...ids.values()].filter((name) => Number(name.slice(5)) % 2 === 1).sort(),
    );
    await expectNothingHeld(world);
  });
});

test('DataDog/datadog-agent#3955: one that is kept for a moment behind its end is never missed', async () => {
  await withCollector({}, async (world) => {
    const { engine } = world;
    await world.start();
    for (let i = 0; i < COUNT; i++) {
      const container = engine.addContainer({ name: `ping-${i}` });
      container.writeLine('stdout', 'begin');
      container.writeLine('stdout', 'end');
      container.die(0);
      await untilStored(world, 2 * (i + 1));
      const life = () => world.service.containers().find(({ name }) => name === container.name)?.life;
      await until('it is read to its end', () => life() === 'drained');
      container.remove();
    }
    expect(world.missed).toEqual([]);
    expect(await figuresOf(world)).toEqual(eachOnce(2 * COUNT));
    await expectNothingHeld(world);
  });
});
