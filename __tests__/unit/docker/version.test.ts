import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  chooseApiVersion,
  compareApiVersions,
  isApiVersion,
  isNewerThanKnown,
  mayPassOverFiles,
  sinceSemantics,
} from '../../../src/docker/api-version.js';
import { listContainers } from '../../../src/docker/containers.js';
import { EngineError } from '../../../src/docker/engine-error.js';
import { statusError } from '../../../src/docker/status-error.js';
import { VersionNegotiation } from '../../../src/docker/version.js';
import { ENGINE_PROFILES, type EngineProfileName } from '../../../src/simulators/engine/index.js';
import { engineApi, never } from '../../support/engine-api.js';
import { ManualClock } from '../../support/manual-clock.js';
import { withEngine } from '../../support/simulated-engine.js';

describe('versions', () => {
  test('are compared as numbers', () => {
    expect(compareApiVersions('1.9', '1.41')).toBeLessThan(0);
    expect(compareApiVersions('2.0', '1.99')).toBeGreaterThan(0);
    expect(compareApiVersions('1.43', '1.43')).toBe(0);
    expect(['1.41', '1', 'v1.41', '1.41.1', '', '1.x', '99999.1'].map(isApiVersion)).toEqual([
      true,
      ...Array<boolean>(6).fill(false),
    ]);
  });

  test.each([
    ['1.12', undefined],
    ['1.23', undefined],
    ['1.24', '1.24'],
    ['1.41', '1.41'],
    ['1.51', '1.51'],
    ['1.55', '1.55'],
    ['1.56', '1.55'],
    ['2.0', '1.55'],
  ])('with an Engine up to %s: %s', (newest, chosen) => {
    expect(chooseApiVersion(newest)).toBe(chosen);
  });

  test.each([
    ['older than the newest known one', '1.60', '1.44', '1.55'],
    ['the newest known one', '1.60', '1.55', '1.55'],
    ['newer than the newest known one', '1.60', '1.58', '1.58'],
    ['newer than what the Engine serves: nonsense', '1.60', '1.99', '1.60'],
    ['newer than an old Engine serves: nonsense', '1.41', '1.52', '1.41'],
  ])('with an Engine that wants a version %s', (_, newest, minimum, chosen) => {
    expect(chooseApiVersion(newest, minimum)).toBe(chosen);
  });

  test('that are not known are those above the newest known one', () => {
    expect(['1.24', '1.55', '1.56', '2.0'].map(isNewerThanKnown)).toEqual([false, false, true, true]);
  });

  test('`since` filters up to Engine 23 and seeks from 24', () => {
    expect(['1.41', '1.42', '1.43', '1.54'].map(sinceSemantics)).toEqual([
      'filter',
      'filter',
      'seek',
      'seek',
    ]);
  });

  test('tell whether the Engine goes on with the next file behind damage', () => {
    expect(['1.41', '1.46', '1.47', '1.54'].map(mayPassOverFiles)).toEqual([false, false, true, true]);
  });
});

describe('with every Engine a version is found that it serves', () => {
  test.each<[EngineProfileName, string]>([
    ['20.10', '/v1.41'],
    ['23', '/v1.42'],
    ['24', '/v1.43'],
    ['26', '/v1.45'],
    ['28.5', '/v1.51'],
    ['29', '/v1.52'],
    ['29.3', '/v1.54'],
  ])('%s: %s', async (profile, versionPath) => {
    await withEngine({ profile }, async (engine) => {
      const { api } = engineApi(engine.socketPath);
      const { apiVersion, engineVersion, since } = ENGINE_PROFILES[profile];
      expect(await api.version(never)).toEqual({
        apiVersion: versionPath.slice(2),
        engineApiVersion: apiVersion,
        engineVersion,
        versionPath,
        since,
      });
      await listContainers(api, never);
      await listContainers(api, never);
      expect(engine.requests.all.map(({ path, status }) => [path, status])).toEqual([
        ['/_ping', 200],
        [`${versionPath}/containers/json`, 200],
        [`${versionPath}/containers/json`, 200],
      ]);
    });
  });

  test('not with one that is too old: says which is needed', async () => {
    const profile = { ...ENGINE_PROFILES['20.10'], engineVersion: '1.11.2', apiVersion: '1.23' };
    await withEngine({ profile }, async (engine) => {
      const { api } = engineApi(engine.socketPath);
      const error: unknown = await api.version(never).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'engine_too_old', setting: 'docker.host', exit: 'engine' });
      expect((error as Error).message).toContain('only up to 1.23 (Engine 1.11.2); 1.24 is needed');
    });
  });
});

describe('an Engine whose minimum is newer than any version known', () => {
  const FUTURE = {
    ...ENGINE_PROFILES['29.3'],
    engineVersion: '31.0.0',
    apiVersion: '1.60',
    minApiVersion: '1.58',
  };

  test('is spoken to in its minimum, and that is reported once', async () => {
    await withEngine({ profile: FUTURE }, async (engine) => {
      const unknown: string[] = [];
      const { api, ledger } = engineApi(engine.socketPath, {
        onUnknownVersion: ({ apiVersion }) => unknown.push(apiVersion),
      });
      engine.addContainer({ name: 'one' });
      expect(await listContainers(api, never)).toHaveLength(1);
      expect(await listContainers(api, never)).toHaveLength(1);
      expect(engine.requests.all.map(({ path, status }) => [path, status])).toEqual([
        ['/_ping', 200],
        ['/v1.55/containers/json', 400],
        ['/_ping', 200],
        ['/v1.58/containers/json', 200],
        ['/v1.58/containers/json', 200],
      ]);
      await engine.stopDaemon();
      await expect(listContainers(api, never)).rejects.toMatchObject({ code: 'engine_unreachable' });
      await engine.startDaemon();
      expect(await listContainers(api, never)).toHaveLength(1);
      expect(engine.requests.all.at(-1)).toMatchObject({ path: '/v1.58/containers/json', status: 200 });
      expect(unknown).toEqual(['1.58']);
      expect(ledger.open).toBe(0);
    });
  });

  test('many questions at once that are refused', async () => {
    await withEngine({ profile: FUTURE }, async (engine) => {
      const { api } = engineApi(engine.socketPath);
      await api.version(never);
      await Promise.all(Array.from({ length: 10 }, () => listContainers(api, never)));
      expect(engine.requests.all.filter(({ status }) => status === 400)).toHaveLength(10);
      expect(engine.requests.all.filter(({ path }) => path === '/v1.58/containers/json')).toHaveLength(10);
    });
  });

  test('without naming it: the newest version of the Engine is spoken', async () => {
    await withEngine({ profile: { ...FUTURE, minApiVersion: '1.24' } }, async (engine) => {
      const { api } = engineApi(engine.socketPath);
      const message = 'client version 1.55 is too old, please upgrade your client to a newer version';
      engine.fault({ endpoint: 'list', times: 1 }, { kind: 'status', status: 400, message });
      await listContainers(api, never);
      expect(engine.requests.all.at(-1)).toMatchObject({ path: '/v1.60/containers/json', status: 200 });
    });
  });

  test('is forgotten when another Engine answers under the address', async () => {
    let newest = '1.60';
    const negotiation = new VersionNegotiation(
      { kind: 'unix', path: '/x' },
      async () => ({ headers: { 'api-version': newest }, body: Buffer.alloc(0) }),
      { clock: new ManualClock() },
    );
    const refusal = statusError(
      { endpoint: { kind: 'unix', path: '/x' }, path: '/containers/json' },
      400,
      'client version 1.55 is too old. Minimum supported API version is 1.58, please upgrade',
    );
    negotiation.failed(refusal, await negotiation.agree(never));
    expect((await negotiation.agree(never)).apiVersion).toBe('1.58');
    newest = '1.59';
    negotiation.heard({ 'api-version': newest });
    expect((await negotiation.agree(never)).apiVersion).toBe('1.55');
  });
});

describe('an Engine that serves no version that we speak', () => {
  /** Asks once every 100 ms of the clock. */
  async function askFor(seconds: number, clock: ManualClock, ask: () => Promise<unknown>): Promise<string[]> {
    const codes: string[] = [];
    for (let i = 0; i < seconds * 10; i++) {
      const error: unknown = await ask().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(EngineError);
      codes.push((error as EngineError).code);
      await clock.pass(100);
    }
    return codes;
  }

  test('is asked less and less often, and still answers what is wrong', async () => {
    await withEngine({}, async (engine) => {
      const clock = new ManualClock();
      const { api } = engineApi(engine.socketPath, { clock });
      const message = 'client version 1.51 is too old. Minimum supported API version is 1.99';
      engine.fault({ endpoint: 'list' }, { kind: 'status', status: 400, message });
      const codes = await askFor(60, clock, () => listContainers(api, never));
      expect(new Set(codes)).toEqual(new Set(['engine_version_refused']));
      // After 0, 1, 3, 7, 15 s, and then each 15 s; and a second time at once at the first.
      expect(engine.requests.count('list')).toBeLessThanOrEqual(9);
      expect(engine.requests.count('list')).toBeGreaterThanOrEqual(6);
      engine.clearFaults();
      await clock.pass(15_000);
      expect(await listContainers(api, never)).toEqual([]);
      // All is as before.
      engine.fault({ endpoint: 'list', times: 1 }, { kind: 'status', status: 400, message });
      expect(await listContainers(api, never)).toEqual([]);
    });
  });

  test('so also one that is too old', async () => {
    const profile = { ...ENGINE_PROFILES['20.10'], engineVersion: '1.11.2', apiVersion: '1.23' };
    await withEngine({ profile }, async (engine) => {
      const clock = new ManualClock();
      const { api } = engineApi(engine.socketPath, { clock });
      const codes = await askFor(60, clock, () => listContainers(api, never));
      expect(new Set(codes)).toEqual(new Set(['engine_too_old']));
      expect(engine.requests.all.length).toBeLessThanOrEqual(9);
    });
  });

  test('is asked at once after it was away', async () => {
    await withEngine({}, async (engine) => {
      const clock = new ManualClock();
      const { api } = engineApi(engine.socketPath, { clock });
      const message = 'client version 1.51 is too old';
      engine.fault({ endpoint: 'list' }, { kind: 'status', status: 400, message });
      await askFor(10, clock, () => listContainers(api, never));
      engine.clearFaults();
      await engine.stopDaemon();
      await clock.pass(15_000);
      await expect(listContainers(api, never)).rejects.toMatchObject({ code: 'engine_unreachable' });
      await engine.startDaemon();
      expect(await listContainers(api, never)).toEqual([]);
    });
  });
});

describe('it is agreed anew', () => {
  const pings = (paths: readonly { readonly path: string }[]): number =>
    paths.filter(({ path }) => path === '/_ping').length;

  test('when the Engine refuses the version, within the same call', async () => {
    await withEngine({ profile: '29' }, async (engine) => {
      const { api, ledger } = engineApi(engine.socketPath);
      engine.addContainer({ name: 'one' });
      await listContainers(api, never);
      engine.fault(
        { endpoint: 'list', times: 1 },
        {
          kind: 'status',
          status: 400,
          message: 'client version 1.51 is too old. Minimum supported API version is 1.60',
        },
      );
      expect(await listContainers(api, never)).toHaveLength(1);
      expect(pings(engine.requests.all)).toBe(2);
      expect(ledger.open).toBe(0);
    });
  });

  test('once and not for ever', async () => {
    await withEngine({}, async (engine) => {
      const { api } = engineApi(engine.socketPath);
      const message = 'client version 1.51 is too new. Maximum supported API version is 1.41';
      engine.fault({ endpoint: 'list' }, { kind: 'status', status: 400, message });
      const error: unknown = await listContainers(api, never).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(EngineError);
      expect(error).toMatchObject({ code: 'engine_version_refused' });
      expect(engine.requests.count('list')).toBe(2);
    });
  });

  test('after the Engine was away', async () => {
    await withEngine({}, async (engine) => {
      const { api } = engineApi(engine.socketPath);
      await listContainers(api, never);
      await engine.stopDaemon();
      await expect(listContainers(api, never)).rejects.toMatchObject({ code: 'engine_unreachable' });
      expect(api.versions.agreed).toBeUndefined();
      await engine.startDaemon();
      await listContainers(api, never);
      expect(pings(engine.requests.all)).toBe(2);
    });
  });

  test('after a time-out or an error of a container nothing is', async () => {
    await withEngine({}, async (engine) => {
      const { api } = engineApi(engine.socketPath, { timeoutMs: 1000 });
      await api.version(never);
      engine.fault({ endpoint: 'list', times: 1 }, { kind: 'hang_before_header' });
      await expect(listContainers(api, never)).rejects.toMatchObject({ code: 'engine_timeout' });
      engine.fault({ endpoint: 'list', times: 1 }, { kind: 'status', status: 500 });
      await expect(listContainers(api, never)).rejects.toMatchObject({ code: 'engine_server_error' });
      await listContainers(api, never);
      expect(pings(engine.requests.all)).toBe(1);
    });
  });

  test('when another Engine answers under the address', async () => {
    await withEngine({ profile: '26' }, async (engine) => {
      const { api } = engineApi(engine.socketPath);
      await api.version(never);
      api.versions.heard({ 'api-version': '1.45' });
      expect(api.versions.agreed).toBeDefined();
      api.versions.heard({});
      expect(api.versions.agreed).toBeDefined();
      api.versions.heard({ 'api-version': '1.51' });
      expect(api.versions.agreed).toBeUndefined();
    });
  });
});

test('whatever answers the ping: a version or a typed error', async () => {
  const headers = fc.dictionary(
    fc.constantFrom('api-version', 'server', 'x'),
    fc.oneof(
      fc.string(),
      fc.constantFrom('1.41', '1.60', '1.2', 'Docker/28.5.2 (linux)'),
      fc.array(fc.string()),
    ),
  );
  await fc.assert(
    fc.asyncProperty(headers, async (given) => {
      const endpoint = { kind: 'unix', path: '/x' } as const;
      const ping = async () => ({ headers: given, body: Buffer.alloc(0) });
      const negotiation = new VersionNegotiation(endpoint, ping, { clock: new ManualClock() });
      try {
        expect((await negotiation.agree(never)).versionPath).toMatch(/^\/v\d+\.\d+$/);
      } catch (error) {
        expect(error).toBeInstanceOf(EngineError);
        expect(['engine_bad_answer', 'engine_too_old']).toContain((error as EngineError).code);
      }
    }),
  );
});
