import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { LokiSettings } from '../../../src/loki/settings.js';
import { makeCertificates, type TestCertificates } from '../../support/certificates.js';
import {
  LoopbackServers,
  proxyServer,
  type ProxyBehaviour,
  type ProxyRequest,
} from '../../support/loopback-server.js';
import { accountOf, rejectedLines, withPushing, type PushingWorld } from '../../support/pushing/index.js';
import { NOW, numbered, pushLine, SECOND, testTarget } from '../../support/push-lines.js';

const ALL_STORED = { rejected: [], lost: [], twice: [], unknown: [] };
const DAY = 86_400n * SECOND;

let folder: string;
let made: TestCertificates;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pollard-access-'));
  made = makeCertificates(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What was told of a way that was closed for a while. */
function expectHalted(world: PushingWorld, setting: string, reason: RegExp): void {
  expect(world.told.states.map(({ kind }) => kind)).toEqual(['halted', 'ok']);
  expect(world.told.states[0]).toMatchObject({ setting });
  expect(world.told.states[0]?.reason).toMatch(reason);
}

/** No secret is in anything that was told, or kept. */
async function expectSilent(world: PushingWorld, secret: string): Promise<void> {
  const all = inspect([world.told, await rejectedLines(world)], { depth: 20, maxStringLength: null });
  expect(all).not.toContain(secret);
  expect(all).not.toContain(Buffer.from(secret).toString('base64').replace(/=+$/, ''));
}

describe('tenants', () => {
  test('the one of the settings, and those of streams; what one refuses another takes', async () => {
    const tenantLimits = { short: { maxLineBytes: 10 } };
    const loki = { authEnabled: true, tenantLimits };
    await withPushing({ loki, settings: { tenant: 'ours' } }, async (world) => {
      const of = (tenant: string) => testTarget({ tenant });
      const long = pushLine(NOW + SECOND, 'longer than ten');
      await Promise.all([
        world.push([...numbered(5), long], of('ours')),
        world.push([...numbered(5), long], of('short')),
        world.push(numbered(5), of('third')),
      ]);
      expect(await accountOf(world)).toMatchObject({ rejected: ['longer than ten'], lost: [], twice: [] });
      expect((await rejectedLines(world)).map(({ tenant }) => tenant)).toEqual(['short']);
      // A stream that names none is the settings' own.
      await world.pushAgain(numbered(3, NOW + 2n * SECOND), testTarget({ labels: { stream: 'own' } }));
      expect(world.loki.entries('{stream="own"}', 'ours')).toHaveLength(3);
    });
  });

  test('none where one is wanted: nothing is lost, and the setting is named', async () => {
    await withPushing({ loki: { authEnabled: true } }, async (world) => {
      let opened: Promise<void> | undefined;
      world.told.atRetry = (retries) => {
        if (retries === 3) opened = world.replaceLoki({ authEnabled: false });
      };
      await world.push(numbered(9));
      await opened;
      expectHalted(world, 'loki.tenant', /no org id/i);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });

  test("one tenant's limit does not keep another's lines", async () => {
    const tenantLimits = { poor: { ingestionRateBytes: 20_000, ingestionBurstBytes: 70_000 } };
    await withPushing({ loki: { authEnabled: true, tenantLimits } }, async (world) => {
      const lines = numbered(60, NOW, 'x'.repeat(5000));
      await Promise.all([
        world.push(lines, testTarget({ tenant: 'poor' })),
        world.push(lines, testTarget({ tenant: 'rich' })),
      ]);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });
});

describe('who we are', () => {
  const PASSWORD = 'canary-pässword-71c0';
  const TOKEN = 'canary-token-52af';
  const basic = { user: 'collector', password: PASSWORD };

  test('basic authentication', async () => {
    const settings = { basicAuth: { username: 'collector', password: PASSWORD } };
    await withPushing({ loki: { gateway: { basic } }, settings }, async (world) => {
      expect(await world.push(numbered(5))).toEqual({ accepted: 5, rejected: 0 });
      expect(world.told.retries).toEqual([]);
    });
  });

  test('a password that is wrong until somebody corrects its file', async () => {
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, 'of yesterday\n');
    const settings: Partial<LokiSettings> = { basicAuth: { username: 'collector', passwordFile } };
    await withPushing({ loki: { gateway: { basic } }, settings }, async (world) => {
      world.told.atRetry = (retries) => retries === 4 && writeFileSync(passwordFile, `${PASSWORD}\n`);
      await world.push(numbered(5));
      expectHalted(world, 'loki.basic_auth', /^401/);
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      await expectSilent(world, PASSWORD);
    });
  });

  test('a bearer token that is renewed in its file', async () => {
    const bearerTokenFile = join(folder, 'token');
    writeFileSync(bearerTokenFile, `${TOKEN}-1`);
    const gateway = { bearer: `${TOKEN}-1` };
    await withPushing({ loki: { gateway }, settings: { bearerTokenFile } }, async (world) => {
      await world.push(numbered(5));
      // The gateway wants another one from now on; that is in the file before, and after it was asked for.
      writeFileSync(bearerTokenFile, `${TOKEN}-2`);
      await world.replaceLoki({ gateway: { bearer: `${TOKEN}-2` } });
      await world.pushAgain(numbered(5, NOW + SECOND));
      expect(world.told.retries).toEqual([]);
      await world.replaceLoki({ gateway: { bearer: `${TOKEN}-3` } });
      world.told.atRetry = () => writeFileSync(bearerTokenFile, `${TOKEN}-3`);
      await world.pushAgain(numbered(5, NOW + 2n * SECOND));
      expect(world.loki.counts().entries).toBe(5);
      expectHalted(world, 'loki.basic_auth', /^401/);
      await expectSilent(world, TOKEN);
    });
  });

  test('a gateway that repeats what it was sent', async () => {
    const bearerTokenFile = join(folder, 'repeated');
    writeFileSync(bearerTokenFile, TOKEN);
    await withPushing({ settings: { bearerTokenFile } }, async (world) => {
      const body = `{"error":"forbidden","authorization":"Bearer ${TOKEN}"}`;
      world.loki.outage({ status: 403, body, contentType: 'application/json' }, { forRequests: 2 });
      await world.push(numbered(5));
      expectHalted(world, 'loki.basic_auth', /^403 .*forbidden/);
      await expectSilent(world, TOKEN);
    });
  });
});

describe('TLS', () => {
  const tls = (more: Partial<NonNullable<LokiSettings['tls']>> = {}): Partial<LokiSettings> => ({
    tls: { caFile: made.authority.certFile, insecureSkipVerify: false, ...more },
  });

  test('with an authority of our own, and a certificate of ours', async () => {
    const { cert, key } = made.server;
    const { certFile, keyFile } = made.client;
    const loki = { tls: { cert, key, clientCa: made.authority.cert } };
    await withPushing({ loki, settings: tls({ certFile, keyFile }) }, async (world) => {
      const refused = pushLine(NOW - 30n * DAY, 'old');
      expect(await world.push([...numbered(500), refused])).toEqual({ accepted: 500, rejected: 1 });
      expect(await accountOf(world)).toMatchObject({ rejected: ['old'], lost: [], twice: [], unknown: [] });
    });
  });

  test.each([
    ['a reset before it was stored', 'reset'],
    ['a reset after it was stored', 'reset-after-accept'],
  ] as const)('%s', async (_, outage) => {
    const { cert, key } = made.server;
    await withPushing({ loki: { tls: { cert, key } }, settings: tls() }, async (world) => {
      world.loki.outage(outage, { forRequests: 3 });
      await world.push(numbered(40));
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });

  test('a certificate that nobody vouches for, until it is replaced', async () => {
    const { cert, key } = made.stranger;
    await withPushing({ loki: { tls: { cert, key } }, settings: tls() }, async (world) => {
      let replaced: Promise<void> | undefined;
      world.told.atRetry = (retries) => {
        if (retries === 3)
          replaced = world.replaceLoki({ tls: { cert: made.server.cert, key: made.server.key } });
      };
      await world.push(numbered(9));
      await replaced;
      expect(world.told.states[0]).toMatchObject({ kind: 'halted', setting: 'loki.tls' });
      expect(world.pusher.state().kind).toBe('ok');
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });

  test('a certificate that has expired, until it is renewed', async () => {
    const { cert, key } = made.expired;
    await withPushing({ loki: { tls: { cert, key } }, settings: tls() }, async (world) => {
      let renewed: Promise<void> | undefined;
      world.told.atRetry = (retries) => {
        if (retries === 3)
          renewed = world.replaceLoki({ tls: { cert: made.server.cert, key: made.server.key } });
      };
      await world.push(numbered(9));
      await renewed;
      expect(world.told.states[0]).toMatchObject({ kind: 'halted', setting: 'loki.tls' });
      expect(world.told.states[0]?.reason).toMatch(/certificate that has expired/);
      expect(world.told.states[0]?.hint).toMatch(/renew the certificate of Loki/);
      expect(world.pusher.state().kind).toBe('ok');
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
    });
  });
});

describe('by a proxy', () => {
  let servers: LoopbackServers;
  let asked: ProxyRequest[];
  let behaviour: ProxyBehaviour;
  let proxyUrl: string;

  beforeEach(async () => {
    servers = new LoopbackServers();
    asked = [];
    behaviour = 'pass';
    const { port } = await servers.listen(proxyServer(asked, () => behaviour));
    proxyUrl = `http://us%40er:canary-proxy-90ab@127.0.0.1:${port}`;
  });
  afterEach(async () => await servers.closeAll());

  test.each(['http', 'https'])('%s: all goes through it', async (scheme) => {
    const sealed = scheme === 'https';
    const { cert, key } = made.server;
    const settings: Partial<LokiSettings> = {
      proxyUrl,
      ...(sealed ? { tls: { caFile: made.authority.certFile, insecureSkipVerify: false } } : {}),
    };
    await withPushing({ loki: sealed ? { tls: { cert, key } } : {}, settings }, async (world) => {
      const refused = pushLine(NOW - 30n * DAY, 'old');
      expect(await world.push([...numbered(100), refused])).toEqual({ accepted: 100, rejected: 1 });
      expect(await accountOf(world)).toMatchObject({ rejected: ['old'], lost: [], twice: [], unknown: [] });
      expect(asked.length).toBeGreaterThan(0);
      await expectSilent(world, 'canary-proxy-90ab');
    });
  });

  test.each([
    ['that wants another password', 407, 'loki.proxy_url'],
    ['that is away', 502, undefined],
  ])('%s, and then not', async (_, status, setting) => {
    await withPushing({ settings: { proxyUrl } }, async (world) => {
      behaviour = status;
      world.told.atRetry = (retries) => {
        if (retries === 3) behaviour = 'pass';
      };
      await world.push(numbered(20));
      expect(world.told.states[0]?.setting).toBe(setting);
      expect(world.pusher.state().kind).toBe('ok');
      expect(await accountOf(world)).toMatchObject(ALL_STORED);
      await expectSilent(world, 'canary-proxy-90ab');
    });
  });
});
