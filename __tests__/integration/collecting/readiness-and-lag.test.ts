import { expect, test } from '@jest/globals';
import type { ContainerStatus } from '../../../src/commands/wiring/status-parts.js';
import { withCollector, type CollectingWorld } from '../../support/collecting/index.js';
import { PassingClock } from '../../support/passing-clock.js';
import { until } from '../../support/until.js';

const MINUTE = 60_000;
/** A container is polled by chance only while time passes. */
const SELDOM = { interval: '1h', min_interval: '1h', max_interval: '2h' };

async function ready(world: CollectingWorld): Promise<{ status: number; reason: string }> {
  const { status, text } = await world.page('/readyz');
  return { status, reason: (JSON.parse(text) as { reason: string }).reason };
}

async function statusOf(world: CollectingWorld, name: string): Promise<Partial<ContainerStatus>> {
  const { containers } = JSON.parse((await world.page('/status')).text) as { containers: ContainerStatus[] };
  return containers.find((container) => container.name === name) ?? {};
}

test('not ready before Loki has answered, also if nothing is to be sent', async () => {
  await withCollector({}, async (world) => {
    const { engine, loki } = world;
    engine.addContainer({ name: 'idle' });
    await loki.stopListening();
    await world.start();
    await until('the Engine was listed', () => world.service.containers().length === 1);
    await until('Loki was tried', async () => (await world.metric('pollard_pushes_total')) > 0);
    expect(await ready(world)).toEqual({
      status: 503,
      reason: expect.stringMatching(/Loki has not answered.*ECONNREFUSED/),
    });

    await loki.listen();
    await until('it is ready', async () => (await ready(world)).status === 200);
    expect(loki.counts()).toMatchObject({ received: 0, refused: {} });

    // Later outages heal by themselves: to start the service anew would not help.
    await loki.stopListening();
    engine.addContainer({ name: 'web' }).writeLine('stdout', 'during an outage');
    await until('Loki is away', () => world.health.report().parts.loki.state !== 'healthy');
    expect(await ready(world)).toEqual({ status: 200, reason: '' });
    await loki.listen();
    await world.caughtUp();
  });
});

test('the lag is 0 when all is delivered, however long ago the last poll was', async () => {
  const clock = new PassingClock();
  await withCollector({ clock, settings: { poll: SELDOM } }, async (world) => {
    const web = world.engine.addContainer({ name: 'web' });
    web.writeLine('stdout', 'a');
    await world.start();
    await until('it is read to its end', async () => {
      const { read_seconds_ago: read, lines } = await statusOf(world, 'web');
      return typeof read === 'number' && lines === 1;
    });
    clock.pass(20 * MINUTE);
    expect(await statusOf(world, 'web')).toMatchObject({ life: 'active', lag_seconds: 0 });
    expect((await statusOf(world, 'web')).read_seconds_ago).toBeGreaterThanOrEqual(20 * 60);
    expect(await world.metric('pollard_cursor_lag_max_seconds')).toBe(0);
    expect(await world.metric('pollard_cursor_lag_seconds')).toBe(0);
  });
});

test('the lag is the age of the oldest line that Loki has not acknowledged', async () => {
  const clock = new PassingClock();
  await withCollector({ clock }, async (world) => {
    const { engine, loki } = world;
    const [web, idle] = [engine.addContainer({ name: 'web' }), engine.addContainer({ name: 'idle' })];
    for (const container of [web, idle]) container.writeLine('stdout', 'before');
    await world.start();
    await world.caughtUp();

    const lift = loki.outage({ status: 503 });
    web.writeLine('stdout', 'first');
    await until('it is known', async () => ((await statusOf(world, 'web')).lag_seconds ?? 0) > 0);
    clock.pass(10 * MINUTE);
    web.writeLine('stdout', 'second');
    const { lag_seconds: lag } = await statusOf(world, 'web');
    expect(lag).toBeGreaterThanOrEqual(10 * 60);
    expect((await statusOf(world, 'idle')).lag_seconds).toBe(0);
    expect(await world.metric('pollard_cursor_lag_max_seconds')).toBeGreaterThanOrEqual(10 * 60);

    lift();
    await world.caughtUp();
    expect(await statusOf(world, 'web')).toMatchObject({ lag_seconds: 0, lines: 3 });
    expect(await world.metric('pollard_cursor_lag_max_seconds')).toBe(0);
  });
});
