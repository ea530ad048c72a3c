import { describe, expect, test } from '@jest/globals';
import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { inspectContainer, listContainers } from '../../../src/docker/containers.js';
import type { EngineApi } from '../../../src/docker/engine-api.js';
import type { MalformedItem } from '../../../src/docker/malformed.js';
import { EngineError } from '../../../src/docker/engine-error.js';
import { engineApi, never } from '../../support/engine-api.js';
import { SteppedClock, withEngine } from '../../support/simulated-engine.js';

const ID = 'ab'.repeat(32);

/** An Engine that answers everything with this. */
async function answering(body: unknown, use: (api: EngineApi) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'pollard-containers-'));
  const server = createServer((_, response) => {
    response.setHeader('Api-Version', '1.51').end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(join(dir, 'd.sock'), resolve));
  try {
    await use(engineApi(join(dir, 'd.sock')).api);
  } finally {
    await new Promise((resolve) => server.close(resolve));
    await rm(dir, { recursive: true });
  }
}

describe('the list', () => {
  test('shows all containers, running or not', async () => {
    const clock = new SteppedClock();
    await withEngine({ clock }, async (engine) => {
      const shop = engine.addContainer({ name: 'shop', image: 'shop:1', labels: { app: 'shop' } });
      engine.addContainer({ name: 'idle', started: false });
      const { api, ledger } = engineApi(engine.socketPath);
      const listed = await listContainers(api, never);
      expect(listed.find(({ name }) => name === 'shop')).toEqual({
        id: shop.id,
        name: 'shop',
        image: 'shop:1',
        labels: { app: 'shop' },
        state: 'running',
        created: 1_700_000_000_000_000_000n,
      });
      expect(listed.map(({ name, state }) => [name, state]).sort()).toEqual([
        ['idle', 'created'],
        ['shop', 'running'],
      ]);
      expect(engine.requests.all.at(-1)?.query).toEqual({ all: '1' });
      expect(ledger.open).toBe(0);
    });
  });

  test('is read leniently: nulls, unknown states, links, a container without a name', async () => {
    const body = [
      { Id: ID, Names: null, Image: null, Labels: null, State: 'pondering', Created: 1.5, New: { x: 1 } },
      { Id: ID, Names: ['/web/db', '/db'] },
      { Id: ID, Names: ['/web/db'] },
      { Id: ID, Names: [] },
    ];
    await answering(body, async (api) => {
      const bare = { id: ID, image: '', labels: {}, state: 'unknown', created: 0n };
      expect(await listContainers(api, never)).toEqual([
        { ...bare, name: ID.slice(0, 12), state: 'pondering', created: 1_000_000_000n },
        { ...bare, name: 'db' },
        { ...bare, name: 'web/db' },
        { ...bare, name: ID.slice(0, 12) },
      ]);
    });
  });

  const sound = (n: number): object => ({
    Id: n.toString(16).padStart(64, '0'),
    Names: [`/web-${n}`],
    Image: 'shop:1',
    Labels: { app: 'shop' },
    State: 'running',
    Created: 1,
  });

  test.each<[string, object, string, string | undefined]>([
    ['an id that is a path', { Id: '../../etc/passwd' }, 'Id: ', '../../etc/passwd'],
    ['an id of another form', { ...sound(2), Id: 'ctr-2' }, 'Id: ', 'ctr-2'],
    ['no id', { ...sound(2), Id: 7 }, 'Id: ', undefined],
    ['labels that are none', { ...sound(2), Id: ID, Labels: { app: 1 } }, 'Labels.app: ', ID],
    ['a name that is none', { ...sound(2), Id: ID, Names: [5] }, 'Names.0: ', ID],
  ])('%s: skipped and reported, and the others are there', async (_, entry, problem, containerId) => {
    await answering([sound(1), entry, sound(3)], async (api) => {
      const skipped: MalformedItem[] = [];
      const listed = await listContainers(api, never, (item) => skipped.push(item));
      expect(listed.map(({ name }) => name)).toEqual(['web-1', 'web-3']);
      expect(skipped).toMatchObject([{ kind: 'container', containerId }]);
      expect(skipped[0]?.problem).toContain(problem);
    });
  });

  test('the only container has an id of another form: no container, and no error', async () => {
    await answering([{ ...sound(1), Id: 'ctr-1' }], async (api) => {
      expect(await listContainers(api, never)).toEqual([]);
    });
  });

  test.each([[[1, 2]], [[{ message: 'no' }]], [['x']]])('%j is no list of containers', async (body) => {
    await answering(body, async (api) => {
      await expect(listContainers(api, never)).rejects.toMatchObject({ code: 'engine_bad_answer' });
    });
  });

  test('any damage of single entries: the sound ones are there, the others are reported', async () => {
    const damaged = fc.oneof(
      fc.jsonValue(),
      fc
        .record({
          Id: fc.oneof(fc.constant(ID), fc.jsonValue()),
          Names: fc.jsonValue(),
          Image: fc.jsonValue(),
        })
        .map((fields) => ({ ...sound(0), ...fields })),
      fc.record({ Id: fc.constant(ID), Labels: fc.jsonValue() }),
    );
    const entry = fc.oneof(
      fc.nat(1000).map((n) => ({ n, json: sound(n) })),
      damaged.map((json) => ({ n: undefined, json })),
    );
    let body: unknown;
    const dir = await mkdtemp(join(tmpdir(), 'pollard-containers-'));
    const server = createServer((_, response) => {
      response.setHeader('Api-Version', '1.51').end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(join(dir, 'd.sock'), resolve));
    const { api } = engineApi(join(dir, 'd.sock'));
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(entry, { maxLength: 5 }), async (entries) => {
          const all = [{ n: 7, json: sound(7) }, ...entries];
          body = all.map(({ json }) => json);
          const skipped: MalformedItem[] = [];
          const listed = await listContainers(api, never, (item) => skipped.push(item));
          expect(listed.length + skipped.length).toBe(all.length);
          const names = new Set(listed.map(({ name }) => name));
          for (const { n } of all) if (n !== undefined) expect(names).toContain(`web-${n}`);
          for (const { id } of listed) expect(id).toMatch(/^[0-9a-f]{64}$/);
        }),
      );
    } finally {
      await new Promise((resolve) => server.close(resolve));
      await rm(dir, { recursive: true });
    }
  });

  test('any JSON: a list or a typed error', async () => {
    let body: unknown;
    const dir = await mkdtemp(join(tmpdir(), 'pollard-containers-'));
    const server = createServer((_, response) => {
      response.setHeader('Api-Version', '1.51').end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(join(dir, 'd.sock'), resolve));
    const { api, ledger } = engineApi(join(dir, 'd.sock'));
    const fields = fc.record(
      {
        Id: fc.constant(ID),
        Names: fc.jsonValue(),
        Name: fc.jsonValue(),
        Image: fc.jsonValue(),
        Labels: fc.jsonValue(),
        Created: fc.jsonValue(),
        State: fc.jsonValue(),
        Config: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    /** What the rest of the program takes for granted. */
    const summary = expect.objectContaining({
      id: expect.stringMatching(/./),
      name: expect.any(String),
      image: expect.any(String),
      labels: expect.any(Object),
      state: expect.any(String),
      created: expect.any(BigInt),
    });
    const details = expect.objectContaining({
      logDriver: expect.any(String),
      tty: expect.any(Boolean),
      running: expect.any(Boolean),
      startedAt: expect.any(BigInt),
      finishedAt: expect.any(BigInt),
    });
    let taken = 0;
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(fc.jsonValue(), fields, fc.array(fields, { maxLength: 2 })),
          async (json) => {
            body = json;
            const refused = (error: unknown): void => {
              if (!(error instanceof EngineError)) throw error;
              expect(error.code).toBe('engine_bad_answer');
            };
            await listContainers(api, never).then((found) => {
              taken += found.length;
              expect(found).toEqual(found.map(() => summary));
            }, refused);
            await inspectContainer(api, ID, never).then((found) => {
              expect(found).toEqual(details);
              // What could not be understood is left out.
              const { name = '', image = '', labels = {}, created = 0n } = found;
              expect([typeof name, typeof image, typeof created]).toEqual(['string', 'string', 'bigint']);
              expect(Object.values(labels).every((value) => typeof value === 'string')).toBe(true);
            }, refused);
          },
        ),
        // Some are taken.
        { examples: [[[{ Id: ID }]]] },
      );
    } finally {
      await new Promise((resolve) => server.close(resolve));
      await rm(dir, { recursive: true });
    }
    expect(taken).toBeGreaterThan(0);
    expect(ledger.open).toBe(0);
  });
});

describe('inspect', () => {
  test('tells what the list does not', async () => {
    const clock = new SteppedClock(1_700_000_000_123_456_789n);
    await withEngine({ clock }, async (engine) => {
      const shop = engine.addContainer({
        name: 'shop',
        tty: true,
        driver: 'local',
        started: false,
        labels: { app: 'shop' },
      });
      const { api } = engineApi(engine.socketPath);
      const ask = () => inspectContainer(api, shop.id, never);
      const created = {
        name: 'shop',
        image: 'busybox:latest',
        labels: { app: 'shop' },
        created: 1_700_000_000_123_456_789n,
        tty: true,
        logDriver: 'local',
        plainLog: false,
        running: false,
        createdAt: 1_700_000_000_123_456_789n,
        logLimit: { format: 'local', fileBytes: 20 * 1024 ** 2, files: 5, attributeBytes: 0 },
      };
      expect(await ask()).toEqual({ ...created, startedAt: 0n, finishedAt: 0n });
      shop.start();
      const { startedAt, running } = await ask();
      expect(running).toBe(true);
      expect(startedAt).toBeGreaterThanOrEqual(1_700_000_000_123_456_789n);
      clock.advance(5_000_000_000n);
      shop.kill();
      const ended = await ask();
      expect(ended.running).toBe(false);
      expect(ended.finishedAt).toBeGreaterThanOrEqual(startedAt + 5_000_000_000n);
    });
  });

  test.each([
    ['json-file', {}, true],
    ['json-file', { 'max-size': '1m', compress: 'false' }, true],
    ['json-file', { compress: 'true' }, false],
    ['json-file', { compress: 'T' }, false],
    ['journald', {}, true],
    ['local', {}, false],
    ['local', { compress: 'false' }, false],
    // Read through the cache, which compresses.
    ['syslog', {}, false],
  ])('whether a log of %s with %j is never compressed: %s', async (Type, Config, plainLog) => {
    await answering({ Id: ID, HostConfig: { LogConfig: { Type, Config } } }, async (api) => {
      expect(await inspectContainer(api, ID, never)).toMatchObject({ logDriver: Type, plainLog });
    });
  });

  test.each([
    ['json-file', {}, true],
    ['json-file', { 'max-size': '1m' }, true],
    ['json-file', { 'max-size': '1m', 'max-file': '1' }, true],
    ['json-file', { 'max-size': '1m', 'max-file': '3' }, undefined],
    ['journald', {}, true],
    ['local', {}, undefined],
    ['syslog', {}, undefined],
  ])('whether a log of %s with %j has one file: %s', async (Type, Config, singleFile) => {
    await answering({ Id: ID, HostConfig: { LogConfig: { Type, Config } } }, async (api) => {
      expect((await inspectContainer(api, ID, never)).singleFile).toBe(singleFile);
    });
  });

  test('a container that is gone: 404 with its name', async () => {
    await withEngine({}, async (engine) => {
      const { api } = engineApi(engine.socketPath);
      const error: unknown = await inspectContainer(api, ID, never, 'shop').catch(
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({ code: 'engine_not_found', container: 'shop', status: 404 });
    });
  });

  test('is read leniently', async () => {
    await answering(
      { Id: ID, Name: null, Config: null, HostConfig: { LogConfig: null }, State: {} },
      async (api) => {
        expect(await inspectContainer(api, ID, never)).toEqual({
          tty: false,
          logDriver: '',
          plainLog: false,
          startedAt: 0n,
          finishedAt: 0n,
          running: false,
        });
      },
    );
  });

  test('what is wrong with a field that is not needed counts as left out', async () => {
    const body = {
      Id: ID,
      Name: 5,
      Created: 'yesterday',
      Config: { Tty: true, Image: {}, Labels: { app: 1 } },
      HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-file': {} } } },
      State: { Running: true, StartedAt: 7, FinishedAt: [] },
    };
    await answering(body, async (api) => {
      expect(await inspectContainer(api, ID, never)).toEqual({
        tty: true,
        logDriver: 'json-file',
        // Its options are not known: its files may be compressed, and there may be several.
        plainLog: false,
        startedAt: 0n,
        finishedAt: 0n,
        running: true,
      });
    });
  });

  test.each([
    [{ Id: ID, Config: { Tty: 'yes' } }],
    [{ Id: ID, State: { Running: 1 } }],
    [{ Id: ID, HostConfig: { LogConfig: { Type: 5 } } }],
  ])('%j: without what is wrong here it cannot be read', async (body) => {
    await answering(body, async (api) => {
      await expect(inspectContainer(api, ID, never)).rejects.toMatchObject({ code: 'engine_bad_answer' });
    });
  });
});
