import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLokiSimulator } from '../../../src/simulators/loki/index.js';
import { seededRandom, startEngineSimulator } from '../../../src/simulators/engine/index.js';
import { makeCertificates, type TestCertificates } from '../../support/certificates.js';
import type { Service } from '../../support/collector/service.js';
import { OLD_ENGINE, PAGE, withBadServer } from '../../support/commands/bad-server.js';
import type { SettingTexts } from '../../support/collector/index.js';
import { withSite, type Site } from '../../support/commands/site.js';
import { until } from '../../support/until.js';

let folder: string;
let made: TestCertificates;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pollard-healing-'));
  made = makeCertificates(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

const LINES = 20;

function talk(site: Site, name = 'web'): void {
  const container = site.engine.addContainer({ name });
  for (let i = 0; i < LINES; i++) container.writeLine('stdout', `${name} ${i}`);
}

/** From the first line on, whatever was there before. */
const ALL: SettingTexts = { start: 'beginning' };

/** What was said of a part: once, with the setting and what to do next, however often it was tried. */
function expectSaidOnce(service: Service, message: string, setting: string, next: RegExp): void {
  const said = service.said('warn', 'error').filter((record) => record.message === message);
  expect(said).toHaveLength(1);
  const text = JSON.stringify(said[0]);
  expect(text).toContain(setting);
  expect(text).toMatch(next);
}

const health = async (service: Service): Promise<{ status: number; body: string }> => await service.health();

async function expectHealthy(service: Service): Promise<void> {
  await until('it is healthy again', async () => (await health(service)).status === 200, {
    instead: () => service.lastWords(),
  });
}

describe('an Engine that is away', () => {
  const MESSAGE = 'the Engine cannot be asked for its containers';

  test('from the start: waited for, and collected as soon as it is there', async () => {
    await withSite({}, async (site) => {
      const socketPath = site.path('late.sock');
      const service = site.launch(['run'], { ...ALL, 'docker.host': `unix://${socketPath}` });
      await service.logged(MESSAGE);
      expectSaidOnce(service, MESSAGE, 'docker.host', /start the Engine/);
      await service.listening();
      expect((await health(service)).status).toBe(503);
      const late = await startEngineSimulator({ socketPath, random: seededRandom(1) });
      const container = late.addContainer({ name: 'late' });
      for (let i = 0; i < LINES; i++) container.writeLine('stdout', `line ${i}`);
      await site.untilStored(LINES);
      await expectHealthy(service);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      expect(late.connections().open).toBe(0);
      await late.close();
    });
  });

  test.each([
    ['a page of another server', PAGE, 3, /not a web server/],
    ['an Engine that fails', { status: 500, body: '{"message":"no"}' }, 3, /log of the Engine/],
  ])('%s on the socket: waited for by the service, told by the others', async (_, answer, code, next) => {
    await withSite({}, async (site) => {
      await withBadServer({ ...answer, socketPath: site.path('web.sock') }, async (url) => {
        const settings = { 'docker.host': url };
        const service = site.launch(['run'], settings);
        await service.logged(MESSAGE);
        expectSaidOnce(service, MESSAGE, 'docker.host', next);
        const check = await site.pollard(['check', '--ascii'], settings);
        expect(check.code).toBe(code);
        expect(check.stdout).toMatch(/^FAILED Engine .*$/m);
        expect(check.stdout).toMatch(next);
        expect(await service.stop()).toEqual({ code: 0, signal: null });
        const catchUp = await site.pollard(['catch-up'], settings);
        expect(catchUp).toMatchObject({ code, stdout: '' });
        expect(catchUp.stderr).toMatch(next);
      });
    });
  });

  test('while the service runs: not ready until it answers again', async () => {
    await withSite({}, async (site) => {
      const service = await site.run();
      const ready = async (): Promise<Response> => await fetch(`${service.url}/readyz`);
      await until('Loki has answered, too', async () => (await ready()).status === 200);
      await site.engine.stopDaemon();
      await until('it is not ready', async () => (await ready()).status === 503);
      expect(await (await ready()).text()).toMatch(/the Engine at unix:/);
      await site.engine.startDaemon();
      await until('it is ready again', async () => (await ready()).status === 200);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
    });
  });

  test('one that was replaced by one that is too old, while the service runs: told, and tried on', async () => {
    await withSite({}, async (site) => {
      talk(site);
      const service = await site.run(ALL);
      await site.untilStored(LINES);
      await site.engine.stopDaemon();
      await withBadServer({ ...OLD_ENGINE, socketPath: site.engine.socketPath }, async () => {
        await until('it is told', () =>
          service.said('error').some((record) => JSON.stringify(record).includes('upgrade the Engine')),
        );
        expect(service.running).toBe(true);
      });
      await site.engine.startDaemon();
      talk(site, 'again');
      await site.untilStored(2 * LINES);
      await expectHealthy(service);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
    });
  });
});

describe('a Loki that does not take what is sent', () => {
  const MESSAGE = 'Loki does not take what is sent: nothing is read until it does';
  /** One-shot commands give up soon. */
  const SOON = { ...ALL, 'loki.backoff.max_retries': '2' };

  /** The service waits, catch-up and check say so and end; all is delivered when it is over. */
  async function expectPatience(
    site: Site,
    settings: SettingTexts,
    { setting, says, next }: { setting: string; says: RegExp; next: RegExp },
    heal: () => Promise<void> | void,
  ): Promise<void> {
    talk(site);
    const catchUp = await site.pollard(['catch-up', '--json'], { ...settings, ...SOON });
    expect(catchUp.code).toBe(4);
    const { failed } = JSON.parse(catchUp.stdout) as { failed: readonly Record<string, string>[] };
    expect(failed).toEqual([
      expect.objectContaining({ container: 'web', code: 'push_failed', hint: expect.stringMatching(next) }),
    ]);
    expect(failed[0]?.['reason']).toMatch(says);
    const text = await site.pollard(['catch-up'], { ...settings, ...SOON });
    expect(text.code).toBe(4);
    expect(text.stdout).toMatch(/^failed {14}web: Loki did not take .*\n {20}-> \S/m);
    expect(text.stdout).toContain(setting);
    expect(text.all).not.toContain('health of');

    const check = await site.pollard(['check', '--ascii'], { ...settings, ...ALL });
    expect(check.code).toBe(4);
    expect(check.stdout).toMatch(/^FAILED Loki .*\n +-> \S.*$/m);
    expect(check.stdout).toMatch(says);
    expect(check.stdout).toContain(setting);

    const service = await site.run({ ...settings, ...ALL });
    await service.logged(MESSAGE);
    expectSaidOnce(service, MESSAGE, setting, next);
    const { body } = await health(service);
    expect(body).toMatch(says);
    await heal();
    await site.untilStored(LINES);
    await expectHealthy(service);
    expect(await service.stop()).toEqual({ code: 0, signal: null });
    expect(site.loki.counts()).toMatchObject({ entries: LINES, strictDuplicates: 0, refused: {} });
  }

  test('a wrong URL: the page of another server', async () => {
    await withSite({}, async (site) => {
      const { port } = site.loki;
      await site.loki.stopListening();
      let heal: () => void = () => undefined;
      const healed = new Promise<void>((resolve) => (heal = resolve));
      const beside = withBadServer({ ...PAGE, port }, async () => await healed).then(() =>
        site.loki.listen(),
      );
      await expectPatience(
        site,
        {},
        {
          setting: 'loki.url',
          says: /404 \(a page of HTML: Not here\)/,
          next: /check the path of loki\.url/,
        },
        async () => {
          heal();
          await beside;
        },
      );
    });
  });

  test('a wrong path', async () => {
    await withSite({}, async (site) => {
      const lift = site.loki.outage({ status: 404, body: '404 page not found\n' }, { endpoint: 'push' });
      const what = { setting: 'loki.url', says: /404 page not found/, next: /check the path of loki\.url/ };
      await expectPatience(site, {}, what, lift);
    });
  });

  test('nobody listens', async () => {
    await withSite({}, async (site) => {
      await site.loki.stopListening();
      const what = { setting: 'loki.url', says: /does not listen/, next: /check host and port of loki\.url/ };
      await expectPatience(site, {}, what, async () => await site.loki.listen());
    });
  });

  test('a tenant that it does not know', async () => {
    const settings = { 'shutdown.timeout': '1s' };
    await withSite({ loki: { authEnabled: true }, settings }, async (site) => {
      talk(site);
      const catchUp = await site.pollard(['catch-up'], SOON);
      expect(catchUp.code).toBe(4);
      expect(catchUp.stdout).toMatch(/no org id/);
      expect(catchUp.stdout).toMatch(/-> set loki\.tenant/);
      const check = await site.pollard(['check', '--ascii']);
      expect(check.code).toBe(4);
      expect(check.stdout).toMatch(/-> set loki\.tenant/);
      const service = await site.run(ALL);
      await service.logged(MESSAGE);
      expectSaidOnce(service, MESSAGE, 'loki.tenant', /set loki\.tenant/);
      expect((await health(service)).status).toBe(503);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      // The setting is what heals it.
      expect((await site.pollard(['catch-up'], { ...ALL, 'loki.tenant': 'ours' })).code).toBe(0);
      expect(site.loki.entries('{container="web"}', 'ours')).toHaveLength(LINES);
    });
  });

  test('a certificate that has expired, until it is renewed', async () => {
    await withSite({}, async (site) => {
      const { cert, key } = made.expired;
      const expired = await startLokiSimulator({ tls: { cert, key } });
      talk(site);
      const settings = { 'loki.url': expired.url, 'loki.tls.ca_file': made.authority.certFile };
      const next = /renew the certificate of Loki/;

      const catchUp = await site.pollard(['catch-up'], { ...settings, ...SOON });
      expect(catchUp.code).toBe(4);
      expect(catchUp.stdout).toMatch(/certificate that has expired/);
      expect(catchUp.stdout).toMatch(next);
      const check = await site.pollard(['check', '--ascii'], settings);
      expect(check.code).toBe(4);
      expect(check.stdout).toMatch(/certificate that has expired/);
      expect(check.stdout).toMatch(next);

      const service = await site.run({ ...settings, ...ALL });
      await service.logged(MESSAGE);
      expectSaidOnce(service, MESSAGE, 'loki.tls', next);
      const { port } = expired;
      await expired.close();
      const renewed = await startLokiSimulator({
        port,
        tls: { cert: made.server.cert, key: made.server.key },
      });
      await until('it is delivered', () => renewed.counts().entries >= LINES);
      await expectHealthy(service);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      await renewed.close();
    });
  });

  test('a Loki that never answers: stopped in order, and nothing is lost', async () => {
    await withSite({ settings: { 'shutdown.timeout': '1s', ...ALL } }, async (site) => {
      talk(site);
      const lift = site.loki.outage('hang', { endpoint: 'push' });
      const service = await site.run();
      await until('a push hangs', () => site.loki.outagesStruck > 0);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      lift();
      expect((await site.pollard(['catch-up'])).code).toBe(0);
      expect(site.loki.counts()).toMatchObject({ entries: LINES, strictDuplicates: 0 });
    });
  });
});

test('what stands at the address of Loki and speaks no HTTP', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).end('220 mail.example ESMTP\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await withSite({}, async (site) => {
    talk(site);
    const settings = { ...ALL, 'loki.url': `http://127.0.0.1:${port}`, 'loki.backoff.max_retries': '1' };
    const { code, stdout } = await site.pollard(['catch-up'], settings);
    expect(code).toBe(4);
    expect(stdout).toMatch(/does not speak HTTP/);
    expect(stdout).toMatch(/-> check scheme and port of loki\.url/);
  });
  server.close();
});
