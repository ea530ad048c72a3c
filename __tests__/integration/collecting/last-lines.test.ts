import { expect, test } from '@jest/globals';
import type { Clock } from '../../../src/model/clock.js';
import { NS_PER_MS } from '../../../src/model/nanoseconds.js';
import { withCollector } from '../../support/collecting/index.js';
import { PassingClock } from '../../support/passing-clock.js';
import { until } from '../../support/until.js';

const MINUTE_MS = 60_000;

/** A clock that differs from another one by so much. */
function shifted(clock: Clock, ms: number): Clock {
  return {
    now: () => clock.now() + BigInt(ms) * NS_PER_MS,
    monotonic: () => clock.monotonic(),
    sleep: async (time, signal) => await clock.sleep(time, signal),
  };
}

/** By what the clocks show, the last poll would seem to have begun behind the death of its container. */
test.each([
  { how: 'the clock is set back meanwhile', step: -MINUTE_MS, engineAhead: 0 },
  { how: "the Engine's clock is behind", step: 0, engineAhead: -MINUTE_MS },
  { how: "the Engine's clock is ahead, which hides nothing", step: 0, engineAhead: MINUTE_MS },
])(
  'a container writes, dies and is removed behind its last poll, and $how: named as missed',
  async ({ step, engineAhead }) => {
    const clock = new PassingClock();
    const engineClock = shifted(clock, engineAhead);
    await withCollector({ clock, engineClock, settings: { start: 'beginning' } }, async (world) => {
      const { engine, loki } = world;
      const web = engine.addContainer({ name: 'web' });
      await world.start();
      web.writeLine('stdout', 'before');
      await world.caughtUp();

      const lift = loki.outage({ status: 503 }, { endpoint: 'push' });
      web.writeLine('stdout', 'read by the poll that waits for Loki');
      await until('the poll waits for Loki, and all that was asked of the Engine is answered', () => {
        const asked = engine.requests.of('logs');
        return loki.outagesStruck > 0 && asked.every(({ bytes }) => bytes !== undefined);
      });
      clock.step(step);
      web.writeLine('stdout', 'behind that poll');
      web.die(0);
      web.remove();
      await until('its removal is known', () =>
        world.service.containers().every(({ life }) => life === 'gone'),
      );
      lift();
      await until('the poll has brought what it read', () => loki.entries().length === 2);
      await world.stop();

      expect(world.missed).toMatchObject([{ container: { name: 'web' }, reason: 'removed_early' }]);
    });
  },
);

test('a poll that takes it for one that runs holds back the last words of a TTY: named as missed', async () => {
  // Nobody tells of the death until the container is gone.
  const settings = { discovery: { list_interval: '1h' } };
  await withCollector({ settings }, async (world) => {
    const { engine } = world;
    const shell = engine.addContainer({ name: 'shell', tty: true });
    await world.start();
    shell.writeLine('stdout', 'before');
    await world.caughtUp();

    const lift = engine.fault({ endpoint: 'events' }, { kind: 'refuse' });
    const struck = engine.faultsStruck;
    await until('no look at the events is under way', () => engine.faultsStruck > struck);
    shell.writeChunk('stdout', 'last words');
    shell.die(0);
    const polls = world.pollsOf(shell.id);
    await until('it was polled behind its death', () => world.pollsOf(shell.id) >= polls + 2);
    shell.remove();
    lift();
    await until('its removal is known', () =>
      world.service.containers().every(({ life }) => life === 'gone'),
    );
    await world.stop();

    expect(world.missed).toMatchObject([{ container: { name: 'shell' }, reason: 'removed_early' }]);
  });
});
