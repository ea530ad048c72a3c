import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates, type TestCertificates } from '../../support/certificates.js';
import { freePort } from '../../support/free-port.js';
import { PAGE, withBadServer } from '../../support/commands/bad-server.js';
import type { SettingTexts } from '../../support/collector/index.js';
import { withSite, type Site } from '../../support/commands/site.js';
import { until } from '../../support/until.js';

const TOKEN = 'canary-status-token-3f81';

let folder: string;
let made: TestCertificates;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pollard-status-'));
  made = makeCertificates(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

function speaking(site: Site, name: string, lines: number): void {
  const container = site.engine.addContainer({ name });
  for (let i = 0; i < lines; i++) container.writeLine('stdout', `${name} ${i}`);
}

/** A service with these settings of its status page, and what `pollard status` is told of it. */
async function withService(
  more: (site: Site) => SettingTexts,
  use: (site: Site, settings: SettingTexts) => Promise<void>,
): Promise<void> {
  await withSite({ settings: { start: 'beginning' } }, async (site) => {
    speaking(site, 'web', 5);
    speaking(site, 'db', 2);
    const settings = { 'status.listen': `127.0.0.1:${await freePort()}`, ...more(site) };
    const service = site.launch(['run'], settings);
    await service.listening();
    await site.untilStored(7);
    await use(site, settings);
    expect(await service.stop()).toEqual({ code: 0, signal: null });
  });
}

const tls = (): SettingTexts => ({
  'status.tls.cert_file': made.server.certFile,
  'status.tls.key_file': made.server.keyFile,
});

function withToken(site: Site, token = TOKEN): SettingTexts {
  const file = site.path('status-token');
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  return { 'status.token_file': file };
}

const ways: readonly [string, (site: Site) => SettingTexts][] = [
  ['plain', () => ({})],
  ['with a token', withToken],
  ['with TLS', tls],
  ['with both', (site) => ({ ...tls(), ...withToken(site) })],
];

describe('pollard status', () => {
  test.each(ways)('%s: how it is, and each of its containers', async (_, more) => {
    await withService(more, async (site, settings) => {
      await until('both were polled', async () => {
        const { stdout } = await site.pollard(['status', '--json'], settings);
        return (JSON.parse(stdout) as { totals: { lines: number } }).totals.lines === 7;
      });
      const text = await site.pollard(['status'], settings);
      expect(text).toMatchObject({ code: 0, stderr: '' });
      expect(text.stdout).toMatch(/^health +HEALTHY/m);
      expect(text.stdout).toMatch(/^web +/m);
      expect(text.stdout).toMatch(/^db +/m);
      const json = await site.pollard(['status', '--json'], settings);
      const status = JSON.parse(json.stdout) as { containers: { name: string; lines: number }[] };
      expect(status.containers.map(({ name, lines }) => [name, lines]).sort()).toEqual([
        ['db', 2],
        ['web', 5],
      ]);
      expect(text.all + json.all).not.toContain(TOKEN);
    });
  });

  test('with another token: says so, and does not show it', async () => {
    await withService(withToken, async (site, settings) => {
      const other = withToken(site, 'canary-other-token-77');
      const { code, stdout, all, stderr } = await site.pollard(['status'], { ...settings, ...other });
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/token/);
      expect(stderr).toMatch(/status\.token_file/);
      expect(stderr).toMatch(/ {2}-> \S/);
      expect(all).not.toMatch(/canary-/);
      // None at all.
      const none = await site.pollard(['status'], { ...settings, 'status.token_file': undefined });
      expect(none.code).toBe(1);
      expect(none.stderr).toMatch(/status\.token_file/);
      // The check knows that it is a Pollard.
      const check = await site.pollard(['check', '--ascii'], { ...settings, ...other });
      expect(check.stdout).toMatch(/status page +\S+ is taken by a Pollard/);
      expect(check.all).not.toMatch(/canary-/);
    });
  });

  test('with another certificate than the one that is shown: the token is not told', async () => {
    await withService(tls, async (site, settings) => {
      const { certFile, keyFile } = made.stranger;
      const others = { 'status.tls.cert_file': certFile, 'status.tls.key_file': keyFile };
      const { code, stderr } = await site.pollard(['status'], { ...settings, ...others, ...withToken(site) });
      expect(code).toBe(1);
      expect(stderr).toMatch(/shows another certificate than status\.tls\.cert_file/);
    });
  });

  test('a service that is unhealthy: the code says so', async () => {
    await withSite({ settings: { start: 'beginning', 'shutdown.timeout': '1s' } }, async (site) => {
      speaking(site, 'web', 5);
      site.loki.outage({ status: 401 });
      const service = await site.run();
      const settings = { 'status.listen': new URL(service.url).host };
      await service.logged('health of loki: unhealthy');
      const { code, stdout } = await site.pollard(['status'], settings);
      expect(code).toBe(1);
      expect(stdout).toMatch(/UNHEALTHY/);
      expect(stdout).toMatch(/401/);
      await service.stop();
    });
  });

  test('nobody runs: says so, and how to begin', async () => {
    await withSite({}, async (site) => {
      const settings = { 'status.listen': `127.0.0.1:${await freePort()}` };
      const { code, stdout, stderr } = await site.pollard(['status'], settings);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/does not answer at http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
      expect(stderr).toMatch(/ {2}-> .*status\.listen/);
    });
  });

  test('one that runs with another address: says which process has the state directory', async () => {
    await withSite({}, async (site) => {
      const service = await site.run();
      const settings = { 'status.listen': `127.0.0.1:${await freePort()}` };
      const { code, stderr } = await site.pollard(['status'], settings);
      expect(code).toBe(1);
      expect(stderr).toContain(`process ${service.pid}`);
      await service.stop();
    });
  });

  test('another server at the address', async () => {
    await withSite({}, async (site) => {
      await withBadServer(PAGE, async (url) => {
        const { code, stdout, stderr } = await site.pollard(['status'], {
          'status.listen': new URL(url).host,
        });
        expect([code, stdout]).toEqual([1, '']);
        expect(stderr).toMatch(/ {2}-> .*status\.listen|status\.listen/);
        expect(stderr).not.toMatch(/please report it/);
      });
    });
  });

  test.each([
    ['switched off', { 'status.enabled': 'false' }, /status\.enabled/],
    ['on any port', { 'status.listen': '127.0.0.1:0' }, /status\.listen/],
  ])('%s: cannot be asked', async (_, settings, says) => {
    await withSite({}, async (site) => {
      const { code, stdout, stderr } = await site.pollard(['status'], settings);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(says);
    });
  });

  test('watched: shows the service going away and coming back, until a signal', async () => {
    await withSite({}, async (site) => {
      const settings = { 'status.listen': `127.0.0.1:${await freePort()}` };
      const first = site.launch(['run'], settings);
      await first.listening();
      const watching = site.launch(['status', '--watch', '100ms'], settings);
      const shows = async (text: RegExp, from = 0): Promise<number> => {
        await until(`it shows ${text}`, () => text.test(watching.stdout.slice(from)), {
          hopeless: () => (watching.running ? undefined : watching.lastWords()),
        });
        return watching.stdout.length;
      };
      let at = await shows(/^health +HEALTHY/m);
      await first.stop();
      at = await shows(/does not answer/, at);
      const second = site.launch(['run'], settings);
      await second.listening();
      await shows(/^health +HEALTHY/m, at);
      watching.signal('SIGINT');
      expect(await watching.ended).toEqual({ code: 0, signal: null });
      await second.stop();
    });
  });
});
