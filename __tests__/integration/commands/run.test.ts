import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { withSite, type Site } from '../../support/commands/site.js';
import { until } from '../../support/until.js';

const BEGINNING = { settings: { start: 'beginning' } };

function speaking(site: Site, name: string, lines: number): void {
  const container = site.engine.addContainer({ name });
  for (let i = 0; i < lines; i++) container.writeLine('stdout', `${name} ${i}`);
}

describe('pollard run', () => {
  test('with collector.enabled: false nothing is asked, all else is there, and it ends in order', async () => {
    await withSite({ settings: { ...BEGINNING.settings, 'collector.enabled': 'false' } }, async (site) => {
      speaking(site, 'web', 5);
      const service = site.launch(['run']);
      await service.logged('collecting is switched off (collector.enabled)');
      await service.ready();
      const status = await service.status();
      expect(status).toMatchObject({ collecting: false, engine_sockets: 0, containers: [] });
      expect((await service.health()).status).toBe(200);
      // A few intervals of polls and discovery go by.
      await delay(1000);
      const shown = await site.pollard(['status'], { 'status.listen': new URL(service.url).host });
      expect([shown.code, shown.stdout]).toEqual([
        0,
        expect.stringMatching(/collector\.enabled|switched off/),
      ]);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      expect(site.engine.connections().total).toBe(0);
      expect(site.loki.requests).toEqual([]);
    });
  });

  test('with collector.enabled: false an Engine that refuses us does not matter', async () => {
    await withSite({ settings: { 'collector.enabled': 'false' } }, async (site) => {
      const service = site.launch(['run'], { 'docker.host': `unix://${site.path('none.sock')}` });
      await service.ready();
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      expect(service.said('error')).toEqual([]);
    });
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: what was read is delivered and committed',
    async (signal) => {
      await withSite(BEGINNING, async (site) => {
        speaking(site, 'web', 500);
        const service = await site.run();
        await site.untilStored(1);
        service.signal(signal);
        expect(await service.ended).toEqual({ code: 0, signal: null });
        await service.logged('stopped').catch(() => undefined);
        expect(service.records.at(-1)).toMatchObject({ message: 'stopped', engine_sockets: 0 });
        expect(site.engine.connections().open).toBe(0);
        const { received } = site.loki.counts();
        const after = await site.pollard(['catch-up', '--json']);
        expect(JSON.parse(after.stdout)).toMatchObject({ lines: 500 - received });
        expect(site.loki.counts()).toMatchObject({ entries: 500, strictDuplicates: 0 });
      });
    },
  );

  test('a second signal ends it at once: 130, nothing lost, and the state directory is free', async () => {
    await withSite(BEGINNING, async (site) => {
      speaking(site, 'web', 100);
      const lift = site.loki.outage('hang-after-accept', { endpoint: 'push' });
      const service = await site.run({ 'shutdown.timeout': '10m' });
      await until('a push hangs', () => site.loki.outagesStruck > 0);
      service.signal('SIGTERM');
      await service.logged('asked to stop');
      expect(service.running).toBe(true);
      service.signal('SIGINT');
      expect(await service.ended).toEqual({ code: 130, signal: null });
      lift();
      expect((await site.pollard(['catch-up'])).code).toBe(0);
      expect(site.loki.entries()).toHaveLength(100);
    });
  });

  test('a signal while it begins', async () => {
    await withSite(BEGINNING, async (site) => {
      site.engine.fault({ endpoint: 'ping' }, { kind: 'hang_before_header' });
      const service = site.launch(['run']);
      await site.untilStruck();
      service.signal('SIGTERM');
      expect(await service.ended).toEqual({ code: 0, signal: null });
    });
  });

  test('two on one state directory: the second says who has it, and ends with 5', async () => {
    await withSite(BEGINNING, async (site) => {
      const service = await site.run();
      const second = site.launch(['run']);
      expect(await second.ended).toEqual({ code: 5, signal: null });
      expect(second.stderr).toContain(`process ${service.pid}`);
      expect(second.stderr).toMatch(/-> let the running one do the work/);
      expect(service.running).toBe(true);
      expect(await service.stop()).toMatchObject({ code: 0 });
    });
  });

  test('what was opened is given back when it cannot begin: the port is taken, the directory is free', async () => {
    await withSite(BEGINNING, async (site) => {
      const service = await site.run();
      const listen = new URL(service.url).host;
      const second = site.launch(['run'], {
        'status.listen': listen,
        'collector.state_dir': site.path('other'),
      });
      expect(await second.ended).toEqual({ code: 2, signal: null });
      expect(second.stderr).toMatch(/status\.listen/);
      expect(second.stderr).not.toMatch(/Warning|garbage/i);
      expect(existsSync(join(site.path('other'), 'lock'))).toBe(true);
      expect((await site.pollard(['catch-up'], { 'collector.state_dir': site.path('other') })).code).toBe(0);
      await service.stop();
    });
  });

  test('a damaged cursor: kept aside, said, and the start policy applies; no crash loop', async () => {
    await withSite(BEGINNING, async (site) => {
      speaking(site, 'web', 5);
      expect((await site.pollard(['catch-up'])).code).toBe(0);
      const id = site.engine.find('web')?.id ?? '';
      const dir = join(site.stateDir, 'cursors');
      writeFileSync(join(dir, `${id}.json`), Buffer.alloc(300));
      const service = await site.run();
      expect(await service.logged('a cursor is damaged')).toMatchObject({
        level: 'error',
        reason: 'nul_bytes',
      });
      site.engine.find('web')?.writeLine('stdout', 'new');
      await site.untilStored(6);
      expect(await service.stop()).toMatchObject({ code: 0 });
      expect(readdirSync(dir).some((name) => name.includes('.corrupt-'))).toBe(true);
      const again = await site.run();
      expect(again.said('error')).toEqual([]);
      expect(await again.stop()).toMatchObject({ code: 0 });
    });
  });
});
