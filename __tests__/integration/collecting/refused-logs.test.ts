import { expect, test } from '@jest/globals';
import { withCollector, type CollectingWorld } from '../../support/collecting/index.js';
import { until } from '../../support/until.js';

const COUNT = 30;
const FORBIDDEN = {
  kind: 'status',
  status: 403,
  message: 'Request forbidden by administrative rules.',
} as const;

/** Warnings and errors that are about a refused request. */
function refusals({ log }: CollectingWorld) {
  return log.messages.filter(({ level, fields }) => {
    const error = fields['error'] as { code?: unknown } | undefined;
    return level !== 'info' && error?.code === 'engine_permission';
  });
}

test('a proxy refuses the logs of all containers: one warning, not ready, and all is collected once it lets them through', async () => {
  await withCollector({}, async (world) => {
    const { engine, loki } = world;
    const containers = Array.from({ length: COUNT }, (_, i) => engine.addContainer({ name: `web-${i}` }));
    const lift = engine.fault({ endpoint: 'logs' }, FORBIDDEN);
    await world.start();
    for (const each of containers) each.writeLine('stdout', `from ${each.name}`);
    await until('it is not ready', async () => (await world.page('/readyz')).text.includes('ALLOW_LOGS'));
    expect((await world.page('/readyz')).status).toBe(503);
    expect(world.health.report().parts.containers.state).toBe('unhealthy');

    // Each was asked once or a few times until it was known; then one of them is asked now and then.
    const lists = engine.requests.count('list');
    await until('it was listed a few times more', () => engine.requests.count('list') > lists + 2);
    expect(refusals(world)).toHaveLength(1);
    expect(refusals(world)[0]).toMatchObject({ level: 'warn' });

    lift();
    await until('all is stored', () => loki.counts().entries === COUNT);
    await until('it is ready', async () => (await world.page('/readyz')).status === 200);
    expect(world.health.report().parts.containers.state).toBe('healthy');
  });
});

test('a plugin refuses the log of one container: the others are collected, and the warning names it', async () => {
  await withCollector({}, async (world) => {
    const { engine, loki } = world;
    const [secret, ...others] = ['secret', 'one', 'two', 'three'].map((name) =>
      engine.addContainer({ name }),
    );
    const message = 'authorization denied by plugin vault: not for you';
    engine.fault({ endpoint: 'logs', container: 'secret' }, { ...FORBIDDEN, message });
    await world.start();
    for (const each of [secret, ...others]) each?.writeLine('stdout', `from ${each.name}`);
    await until('the others are stored', () => loki.counts().entries === others.length);
    await until('it is reported', () => refusals(world).length > 0);
    expect(refusals(world)).toMatchObject([{ level: 'warn', fields: { container: 'secret' } }]);
    expect((await world.page('/readyz')).status).toBe(200);
    expect(world.health.report().parts.containers.state).toBe('degraded');
  });
});
