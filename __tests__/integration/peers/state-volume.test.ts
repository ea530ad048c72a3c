import { describe, expect, test } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import { withSite, type Site } from '../../support/commands/site.js';
import type { Service } from '../../support/collector/index.js';
import type { ProgramOptions } from '../../support/collector/program.js';
import { inAContainer } from '../../support/peers/index.js';

const LINES = 30;
const AT = '/pollard-data';
const SETTINGS = { start: 'beginning', 'collector.state_dir': `${AT}/state` };

/** How the Engine keeps a volume of this name; undefined: there is none. */
function container(site: Site, volume: string | undefined): ProgramOptions {
  const root = site.path('root');
  mkdirSync(root, { recursive: true });
  let source: string | undefined;
  if (volume !== undefined) {
    source = site.path('volumes', volume, '_data');
    mkdirSync(source, { recursive: true });
  }
  return { before: inAContainer(root, { source, at: AT }) };
}

function notices(service: Service): { code: unknown; hint: unknown }[] {
  return service
    .said('warn')
    .filter(({ code }) => String(code).startsWith('state_'))
    .map(({ code, hint }) => ({ code, hint }));
}

function speak(site: Site): void {
  const web = site.engine.addContainer({ name: 'web' });
  for (let i = 0; i < LINES; i++) web.writeLine('stdout', `line ${i}`);
}

const HINT = `mount a named volume on ${AT} or on ${AT}/state`;

describe('a state directory that goes with its container (a common mistake)', () => {
  test.each([
    ['on no volume', undefined, 'state_not_on_a_volume'],
    ['on a volume without a name', 'c0ffee'.repeat(11).slice(0, 64), 'state_on_anonymous_volume'],
  ])('%s: told at start and by check, with what to mount', async (_name, volume, code) => {
    await withSite({ settings: SETTINGS }, async (site) => {
      speak(site);
      const service = await site.run({}, container(site, volume));
      await site.untilStored(LINES);
      expect(notices(service)).toEqual([{ code, hint: HINT }]);
      expect((await service.health()).status).toBe(200);
      expect(await service.stop()).toEqual({ code: 0, signal: null });

      // Also before there is one: what is tried out is what would be.
      const check = site.launch(['check', '--ascii'], {}, container(site, volume));
      expect((await check.ended).code).toBe(0);
      expect(check.stdout).toContain('state would be lost when the container is replaced');
      expect(check.stdout).toContain(HINT);
    });
  });

  test('on a named volume: nothing is said, and the next container goes on where this one was', async () => {
    await withSite({ settings: SETTINGS }, async (site) => {
      speak(site);
      const first = await site.run({}, container(site, 'pollard'));
      await site.untilStored(LINES);
      expect(notices(first)).toEqual([]);
      expect(await first.stop()).toEqual({ code: 0, signal: null });
      const check = site.launch(['check', '--ascii'], {}, container(site, 'pollard'));
      expect((await check.ended).code).toBe(0);
      expect(check.stdout).not.toContain('would be lost');

      const second = await site.run({}, container(site, 'pollard'));
      await second.readsAll();
      expect(await second.stop()).toEqual({ code: 0, signal: null });
      expect(site.loki.counts()).toMatchObject({ received: LINES, entries: LINES, refused: {} });
    });
  });

  test('lost after all: what is sent again is equal to what was sent, and Loki folds it', async () => {
    await withSite({ settings: SETTINGS }, async (site) => {
      speak(site);
      for (let replaced = 1; replaced <= 3; replaced++) {
        const service = await site.run({}, container(site, undefined));
        await service.readsAll();
        expect(await service.stop()).toEqual({ code: 0, signal: null });
        expect(site.loki.counts()).toMatchObject({
          received: replaced * LINES,
          entries: LINES,
          strictDuplicates: (replaced - 1) * LINES,
          refused: {},
        });
      }
    });
  });
});
