import { expect, test } from '@jest/globals';
import type { EngineProfileName } from '../../../src/simulators/engine/index.js';
import { withCollector } from '../../support/collecting/index.js';
import { eachOnce, expectNothingHeld, figuresOf, untilStored } from '../../support/peers/index.js';
import { until } from '../../support/until.js';

const PROFILES: readonly EngineProfileName[] = ['20.10', '24', '28.5'];
const RESTARTS = 5;
const LINES = 10;

const text = (run: number, line: number): string => `run ${run}, line ${line}`;

test.concurrent.each(PROFILES)(
  'grafana/loki#5259, grafana/alloy#691: a container that is restarted is collected on (Engine %s)',
  async (profile) => {
    await withCollector({ profile }, async (world) => {
      const { engine } = world;
      const other = engine.addContainer({ name: 'other' });
      const container = engine.addContainer({ name: 'web' });
      await world.start();
      for (let run = 0; run <= RESTARTS; run++) {
        if (run > 0) container.restart();
        for (let line = 0; line < LINES; line++) container.writeLine('stdout', text(run, line));
        other.writeLine('stdout', text(run, 0));
        // Behind each restart, and not only at the end.
        await untilStored(world, (run + 1) * (LINES + 1));
        await world.caughtUp();
        expect(await figuresOf(world)).toEqual(eachOnce((run + 1) * (LINES + 1)));
      }
      // Sent once, and not again from the log's beginning.
      expect(world.loki.counts()).toMatchObject({ received: (RESTARTS + 1) * (LINES + 1), refused: {} });
      expect(world.log.messages.filter(({ level }) => level === 'error')).toEqual([]);
      await expectNothingHeld(world);
    });
  },
);

test.concurrent(
  'grafana/loki#5259: one that was stopped for long is collected on when it is started again',
  async () => {
    await withCollector({}, async (world) => {
      const { engine } = world;
      const container = engine.addContainer({ name: 'web' });
      container.writeLine('stdout', text(0, 0));
      await world.start();
      await world.caughtUp();
      container.stop();
      await world.drained();
      // Left alone, but for a look at its last entry after a second, and ever less often after that.
      const asked = engine.requests.of('logs').length;
      const looks = engine.requests.count('events');
      await until('looks go by', () => engine.requests.count('events') >= looks + 10);
      const looked = engine.requests.of('logs').slice(asked);
      expect(looked.map(({ query }) => query['tail'])).toEqual(looked.map(() => '1'));
      expect(looked.length).toBeLessThan(5);

      container.start();
      container.writeLine('stdout', text(1, 0));
      await untilStored(world, 2);
      expect(await figuresOf(world)).toEqual(eachOnce(2));
      expect(world.loki.counts().received).toBe(2);
      await expectNothingHeld(world);
    });
  },
);

test.concurrent.each([
  ['its containers with it', false],
  ['its containers run on (live-restore)', true],
])('vectordotdev/vector#19681: the service docker is restarted, %s', async (_name, liveRestore) => {
  await withCollector({}, async (world) => {
    const { engine } = world;
    const containers = Array.from({ length: 5 }, (_, i) => engine.addContainer({ name: `c-${i}` }));
    const speak = (): void => {
      for (const container of containers) container.writeLine('stderr', 'I am here');
    };
    await world.start();
    for (let restart = 1; restart <= RESTARTS; restart++) {
      speak();
      await untilStored(world, (2 * restart - 1) * containers.length);
      await engine.restartDaemon({ liveRestore });
      speak();
      await untilStored(world, 2 * restart * containers.length);
      expect(await figuresOf(world)).toEqual(eachOnce(2 * restart * containers.length));
    }
    expect(world.loki.counts()).toMatchObject({ received: 2 * RESTARTS * containers.length, refused: {} });
    await until('it is healthy', () => world.health.report().state === 'healthy');
    await expectNothingHeld(world);
  });
});

test.concurrent(
  'vectordotdev/vector#16806: the Engine is not there yet when the collector starts',
  async () => {
    await withCollector({}, async (world) => {
      const { engine } = world;
      const container = engine.addContainer({ name: 'web' });
      for (let line = 0; line < LINES; line++) container.writeLine('stdout', text(0, line));
      await engine.stopDaemon();
      await world.start();
      const told = () =>
        world.log.messages.filter(
          ({ message }) => message === 'the Engine cannot be asked for its containers',
        );
      await until('it is told', () => told().length > 0);
      expect(world.health.report().state).toBe('unhealthy');
      expect((await world.page('/readyz')).status).toBe(503);

      await engine.startDaemon();
      await world.caughtUp();
      await until('it is healthy', () => world.health.report().state === 'healthy');
      expect((await world.page('/readyz')).status).toBe(200);
      // However often it was tried.
      expect(told()).toHaveLength(1);
      expect(await figuresOf(world)).toEqual(eachOnce(LINES));
      await expectNothingHeld(world);
    });
  },
);
