import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  chooseApiVersion,
  compareApiVersions,
  isApiVersion,
  mayPassOverFiles,
  sinceSemantics,
} from '../../../src/docker/api-version.js';
import { listContainers } from '../../../src/docker/containers.js';
import { EngineError } from '../../../src/docker/engine-error.js';
import { VersionNegotiation } from '../../../src/docker/version.js';
import { ENGINE_PROFILES, type EngineProfileName } from '../../../src/simulators/engine/index.js';
import { engineApi, never } from '../../support/engine-api.js';
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
    ['1.52', '1.51'],
    ['2.0', '1.51'],
  ])('with an Engine up to %s: %s', (newest, chosen) => {
    expect(chooseApiVersion(newest)).toBe(chosen);
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
    ['29', '/v1.51'],
    ['29.3', '/v1.51'],
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
      const negotiation = new VersionNegotiation(endpoint, async () => ({
        headers: given,
        body: Buffer.alloc(0),
      }));
      try {
        expect((await negotiation.agree(never)).versionPath).toMatch(/^\/v\d+\.\d+$/);
      } catch (error) {
        expect(error).toBeInstanceOf(EngineError);
        expect(['engine_bad_answer', 'engine_too_old']).toContain((error as EngineError).code);
      }
    }),
  );
});
