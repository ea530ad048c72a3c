import { describe, expect, test } from '@jest/globals';
import { ENGINE_PROFILES } from '../../../src/simulators/engine/index.js';
import { withCollector } from '../../support/collecting/index.js';
import { withSite } from '../../support/commands/site.js';

/** As Podman 3 to 5 answers: whole seconds, in the daemon's zone. */
const PODMAN = { ...ENGINE_PROFILES['20.10'], engineVersion: '4.3.1', stampDigits: 0 };
const EQUAL = 30;

describe.each([
  ['whole seconds', { profile: PODMAN }],
  ['milliseconds', { profile: { ...PODMAN, stampDigits: 3 } }],
])('an Engine that shows %s', (_, options) => {
  test.each([false, true])('is collected from (TTY: %s), every line once and in order', async (tty) => {
    await withCollector(options, async (world) => {
      const web = world.engine.addContainer({ name: 'web', tty });
      await world.start();
      for (let n = 0; n < 50; n++) web.writeLine('stdout', `line ${n}`);
      await world.caughtUp();
      await world.stop();
      for (let n = 50; n < 100; n++) web.writeLine('stdout', `line ${n}`);
      await world.start();
      await world.caughtUp();
      const stored = world.loki.entries().map(({ line }) => line);
      expect(stored).toEqual(Array.from({ length: 100 }, (_unused, n) => `line ${n}`));
      expect(world.log.messages.filter(({ level }) => level === 'error')).toEqual([]);
    });
  });
});

test('equal lines of a second are kept apart, also over polls and restarts', async () => {
  await withCollector({ profile: PODMAN }, async (world) => {
    const web = world.engine.addContainer({ name: 'web' });
    // One second of the Engine, whatever the test's own clock shows.
    const second = (world.clock.now() / 1_000_000_000n - 5n) * 1_000_000_000n;
    for (let round = 0; round < 3; round++) {
      await world.start();
      for (let n = 0; n < EQUAL; n++) {
        web.writeLine('stdout', 'tick', second + BigInt(round * EQUAL + n) * 1_000_000n);
      }
      await world.caughtUp();
      await world.stop();
    }
    const stored = world.loki.entries();
    expect(stored.map(({ line }) => line)).toEqual(Array<string>(3 * EQUAL).fill('tick'));
  });
});

test('`verify` finds all of them', async () => {
  await withSite({ profile: PODMAN, settings: { start: 'beginning' } }, async (site) => {
    const web = site.engine.addContainer({ name: 'web' });
    const now = BigInt(Date.now()) * 1_000_000n;
    for (let n = 0; n < 100; n++)
      web.writeLine('stdout', 'tick', now + BigInt(n) * 30_000_000n - 60n * 10n ** 9n);
    expect((await site.pollard(['catch-up'])).code).toBe(0);
    const { code, stdout } = await site.pollard(['verify', '--json']);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { totals: { delivered: 100, missing: 0 } }]);
  });
});
