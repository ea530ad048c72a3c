import { describe, expect, test } from '@jest/globals';
import { formatSince } from '../../../../src/model/nanoseconds.js';
import { ENGINE_PROFILES, type EngineProfileName } from '../../../../src/simulators/engine/index.js';
import { ask, askJson, SteppedClock, withEngine } from '../../../support/simulated-engine.js';

const versions = Object.keys(ENGINE_PROFILES) as EngineProfileName[];
const LOGS = 'stdout=1&stderr=1&timestamps=1';

describe('ping, version and versions', () => {
  test.each(versions)('%s: _ping tells the newest API version, and every answer does', async (profile) => {
    await withEngine({ profile }, async ({ socketPath }) => {
      const { apiVersion, minApiVersion } = ENGINE_PROFILES[profile];
      const ping = await ask(socketPath, '/_ping');
      expect([ping.status, ping.body.toString()]).toEqual([200, 'OK']);
      expect(ping.headers).toMatchObject({
        'api-version': apiVersion,
        'docker-experimental': 'false',
        ostype: 'linux',
        'content-type': 'text/plain; charset=utf-8',
      });
      const head = await ask(socketPath, '/_ping', { method: 'HEAD' });
      expect([head.status, head.headers['api-version'], head.headers['content-length']]).toEqual([
        200,
        apiVersion,
        '0',
      ]);
      for (const version of [apiVersion, minApiVersion]) {
        expect((await ask(socketPath, `/v${version}/containers/json`)).status).toBe(200);
      }
      expect(await askJson(socketPath, '/version')).toMatchObject({
        ApiVersion: apiVersion,
        MinAPIVersion: minApiVersion,
      });
    });
  });

  test('too old and too new are 400, in plain text before 1.24', async () => {
    await withEngine({ profile: '29' }, async ({ socketPath }) => {
      const tooOld =
        'client version 1.43 is too old. Minimum supported API version is 1.44, please upgrade your client to a newer version';
      const old = await ask(socketPath, '/v1.43/_ping');
      expect([old.status, JSON.parse(old.body.toString())]).toEqual([400, { message: tooOld }]);
      const plain = await ask(socketPath, '/v1.9/containers/json');
      expect([plain.status, plain.headers['content-type'], plain.body.toString()]).toEqual([
        400,
        'text/plain; charset=utf-8',
        `${tooOld.replace('1.43', '1.9')}\n`,
      ]);
      expect(await askJson(socketPath, '/v1.99/_ping')).toEqual({
        message: 'client version 1.99 is too new. Maximum supported API version is 1.52',
      });
    });
  });

  test('a page that is none, and a method that changes something', async () => {
    await withEngine({}, async (engine) => {
      const answer = await ask(engine.socketPath, '/nothing');
      expect([answer.status, answer.body.toString()]).toEqual([404, '{"message":"page not found"}\n']);
      expect((await ask(engine.socketPath, '/containers/%ZZ/json')).status).toBe(404);
      expect((await ask(engine.socketPath, '/containers/x', { method: 'DELETE' })).status).toBe(404);
      expect(engine.requests.violations).toEqual(['DELETE /containers/x']);
    });
  });
});

describe('list and inspect', () => {
  test('the list shows the running, with all=1 every container, youngest first', async () => {
    const clock = new SteppedClock();
    await withEngine({ clock }, async (engine) => {
      engine.addContainer({ name: 'one', labels: { app: 'shop' }, image: 'shop:1' });
      engine.addContainer({ name: 'two' }).die(3);
      engine.addContainer({ name: 'three', started: false });
      const names = async (query: string): Promise<unknown> =>
        ((await askJson(engine.socketPath, `/containers/json?${query}`)) as { Names: string[] }[]).map(
          (container) => container.Names[0],
        );
      expect(await names('')).toEqual(['/one']);
      expect(await names('all=1')).toEqual(['/three', '/two', '/one']);
      const filters = (value: object): string => `all=1&filters=${encodeURIComponent(JSON.stringify(value))}`;
      expect(await names(filters({ label: ['app=shop'] }))).toEqual(['/one']);
      expect(await names(filters({ status: ['exited', 'created'] }))).toEqual(['/three', '/two']);
      expect(await names(filters({ name: ['t'] }))).toEqual(['/three', '/two']);
      expect((await ask(engine.socketPath, `/containers/json?${filters({ nonsense: ['x'] })}`)).status).toBe(
        400,
      );
      const [shown] = (await askJson(engine.socketPath, '/containers/json')) as unknown[];
      expect(shown).toMatchObject({
        Id: expect.stringMatching(/^[0-9a-f]{64}$/),
        Image: 'shop:1',
        Labels: { app: 'shop' },
        State: 'running',
        Created: 1_700_000_000,
      });
    });
  });

  test('inspect tells the TTY, the driver and the times; by id, name or the beginning of the id', async () => {
    const clock = new SteppedClock();
    await withEngine({ clock }, async (engine) => {
      const container = engine.addContainer({ name: 'one', tty: true, driver: 'local', started: false });
      const inspect = async (name: string): Promise<unknown> =>
        await askJson(engine.socketPath, `/containers/${name}/json`);
      expect(await inspect('one')).toMatchObject({
        Id: container.id,
        Name: '/one',
        Config: { Tty: true },
        HostConfig: { LogConfig: { Type: 'local' } },
        State: { Status: 'created', Running: false, StartedAt: '0001-01-01T00:00:00Z' },
      });
      clock.advance(500_000_000n);
      container.start();
      clock.advance(500_000_000n);
      container.die(3);
      for (const name of [container.id, container.id.slice(0, 12)]) {
        expect(await inspect(name)).toMatchObject({
          State: {
            Status: 'exited',
            ExitCode: 3,
            StartedAt: '2023-11-14T22:13:20.5Z',
            FinishedAt: expect.stringMatching(/^2023-11-14T22:13:21/),
          },
        });
      }
      expect(await inspect('nobody')).toEqual({ message: 'No such container: nobody' });
    });
  });

  test('a new container may have the name of one that is on its way out, and of one removed', async () => {
    await withEngine({}, async (engine) => {
      const old = engine.addContainer({ name: 'one' });
      expect(() => engine.addContainer({ name: 'one' })).toThrow('in use');
      old.beginRemoval();
      const young = engine.addContainer({ name: 'one' });
      expect(engine.find('one')).toBe(young);
      const listed = (await askJson(engine.socketPath, '/containers/json?all=1')) as { State: string }[];
      expect(listed.map(({ State }) => State)).toEqual(['running', 'removing']);
      old.remove();
      expect(engine.find('one')).toBe(young);
      young.rename('other');
      expect(engine.addContainer({ name: 'one' }).name).toBe('one');
    });
  });
});

describe('logs', () => {
  test('one chunk a frame, both streams, a snapshot of the beginning of the request', async () => {
    await withEngine({ clock: new SteppedClock() }, async (engine) => {
      const container = engine.addContainer({ name: 'one' });
      container.writeLine('stdout', 'a', 1_700_000_000_000_000_001n);
      container.writeLine('stderr', 'b', 1_700_000_000_000_000_002n);
      const logs = await ask(engine.socketPath, `/containers/one/logs?${LOGS}`);
      expect(logs.ending).toBe('end');
      expect(logs.headers['transfer-encoding']).toBe('chunked');
      const frames = ['\u0001 a', '\u0002 b'].map((frame, index) => {
        const [type, text] = frame.split(' ');
        return `${type ?? ''}\0\0\0\0\0\0!2023-11-14T22:13:20.00000000${index + 1}Z ${text ?? ''}\n`;
      });
      expect(logs.body.toString()).toBe(frames.join(''));
      expect(logs.pieces.map(String)).toEqual(frames);
      expect(engine.requests.of('logs')).toMatchObject([
        { status: 200, finished: true, containerId: container.id, query: { stdout: '1' } },
      ]);
    });
  });

  test('since, until, tail and the choice of streams are read as the Engine reads them', async () => {
    await withEngine({}, async (engine) => {
      const container = engine.addContainer({ name: 'one', tty: true });
      const second = 1_000_000_000n;
      for (let n = 1n; n <= 5n; n++) container.writeLine('stdout', String(n), n * second);
      const texts = async (query: string): Promise<string> => {
        const { body } = await ask(engine.socketPath, `/containers/one/logs?stdout=true&${query}`);
        return body.toString().replaceAll(/\s/g, '');
      };
      expect(await texts('since=3')).toBe('345');
      expect(await texts('since=3.000000001')).toBe('45');
      expect(await texts('since=2.5&until=4.0')).toBe('34');
      expect(await texts(`since=${formatSince(3n * second)}&tail=2`)).toBe('45');
      expect(await texts('until=0')).toBe('12345');
      for (const tail of ['all', 'x', '-1', '7', '', '1e3'])
        expect(await texts(`tail=${tail}`)).toBe('12345');
      expect(await texts('tail=0')).toBe('');
      expect(await texts('tail=%2B1')).toBe('5');
    });
  });

  test.each([
    ['one', 'stdout=0&stderr=false', 400, 'Bad parameters: you must choose at least one stream'],
    ['nobody', LOGS, 404, 'No such container: nobody'],
    ['leaving', LOGS, 409, 'can not get logs from container which is dead or marked for removal'],
    ['dead', LOGS, 409, 'can not get logs from container which is dead or marked for removal'],
    ['none', LOGS, 501, 'configured logging driver does not support reading'],
    ['uncached', LOGS, 501, 'configured logging driver does not support reading'],
    ['one', `${LOGS}&since=x`, 500, 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['cached', LOGS, 200, undefined],
    ['one', LOGS, 200, undefined],
  ])('%s, %s: %s', async (name, query, status, message) => {
    await withEngine({}, async (engine) => {
      engine.addContainer({ name: 'one' });
      engine.addContainer({ name: 'leaving' }).beginRemoval();
      engine.addContainer({ name: 'dead' }).beginRemoval('dead');
      engine.addContainer({ name: 'none', driver: 'none' });
      engine.addContainer({ name: 'cached', driver: 'syslog' });
      engine.addContainer({ name: 'uncached', driver: 'syslog', cacheDisabled: true });
      const answer = await ask(engine.socketPath, `/containers/${name}/logs?${query}`);
      expect(answer.status).toBe(status);
      if (message !== undefined) expect(JSON.parse(answer.body.toString())).toEqual({ message });
    });
  });

  test('to follow is refused, and noted', async () => {
    await withEngine({}, async (engine) => {
      engine.addContainer({ name: 'one' });
      expect((await ask(engine.socketPath, `/containers/one/logs?${LOGS}&follow=1`)).status).toBe(400);
      expect((await ask(engine.socketPath, `/containers/one/logs?${LOGS}&follow=0`)).status).toBe(200);
      expect(engine.requests.violations).toEqual(['follow=1 on one']);
    });
  });

  test('the type of the content: none before 23, multiplexed only from API 1.42, raw for a TTY', async () => {
    const types = async (profile: EngineProfileName): Promise<unknown[]> => {
      const found: unknown[] = [];
      await withEngine({ profile }, async (engine) => {
        engine.addContainer({ name: 'plain' });
        engine.addContainer({ name: 'tty', tty: true });
        for (const path of ['/containers/plain', '/containers/tty', '/v1.41/containers/plain']) {
          found.push((await ask(engine.socketPath, `${path}/logs?${LOGS}`)).headers['content-type']);
        }
      });
      return found;
    };
    const raw = 'application/vnd.docker.raw-stream';
    expect(await types('20.10')).toEqual([undefined, undefined, undefined]);
    expect(await types('28.5')).toEqual(['application/vnd.docker.multiplexed-stream', raw, raw]);
  });

  test('the daemon’s error comes in the body, or not at all, and good lines may be lost with it', async () => {
    await withEngine({ profile: '26' }, async (engine) => {
      const container = engine.addContainer({ name: 'one', tty: true });
      for (const text of ['a', 'b', 'c', 'd']) container.writeLine('stdout', text);
      container.log.corrupt(2);
      const seen = new Set<string>();
      for (let n = 0; n < 60; n++) {
        const { body, status, ending } = await ask(engine.socketPath, '/containers/one/logs?stdout=1');
        expect([status, ending]).toEqual([200, 'end']);
        seen.add(
          body
            .toString()
            .replace(/Error grabbing logs: .*\n/, 'ERROR')
            .replaceAll(/\s/g, ''),
        );
      }
      expect([...seen].sort()).toEqual(['ERROR', 'aERROR', 'ab', 'abERROR']);
    });
  });

  test('a restart appends, a rename changes nothing for an id, a removal is 404', async () => {
    await withEngine({}, async (engine) => {
      const container = engine.addContainer({ name: 'one', tty: true });
      container.writeChunk('stdout', 'last words');
      container.restart();
      container.writeLine('stdout', 'again');
      container.rename('two');
      const logs = `/containers/${container.id}/logs?stdout=1`;
      expect((await ask(engine.socketPath, logs)).body.toString()).toBe('last wordsagain\r\n');
      container.remove();
      expect((await ask(engine.socketPath, logs)).status).toBe(404);
    });
  });

  test('a log truncated by hand: tail never answers from 23 on', async () => {
    await withEngine({}, async (engine) => {
      const container = engine.addContainer({ name: 'one' });
      container.writeLine('stdout', 'x'.repeat(2000));
      container.log.truncateByHand();
      container.writeLine('stdout', 'after');
      const hung = await ask(engine.socketPath, `/containers/one/logs?${LOGS}&tail=5`, {
        until: (body) => body.length === 0,
      });
      expect([hung.status, hung.ending]).toEqual([200, 'stopped']);
      const whole = await ask(engine.socketPath, `/containers/one/logs?${LOGS}`);
      expect(whole.body.toString()).toContain('after');
    });
  });

  test('100,000 entries arrive whole, as fast as they are read', async () => {
    await withEngine({}, async (engine) => {
      const container = engine.addContainer({ name: 'one', tty: true });
      for (let n = 0; n < 100_000; n++) container.writeLine('stdout', String(n));
      const { body } = await ask(engine.socketPath, '/containers/one/logs?stdout=1');
      const numbers = body.toString().trimEnd().split('\r\n').map(Number);
      expect(numbers).toEqual(Array.from({ length: 100_000 }, (_, n) => n));
    });
  });
});

interface AnsweredEvent {
  readonly Action: string;
  readonly Actor: { readonly Attributes: Readonly<Record<string, string>> };
}

describe('events', () => {
  const eventsOf = (body: Buffer): AnsweredEvent[] =>
    body
      .toString()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as AnsweredEvent);

  test('tell the life of a container, with exit code, old name, labels and image', async () => {
    const clock = new SteppedClock();
    await withEngine({ clock }, async (engine) => {
      const container = engine.addContainer({ name: 'one', labels: { app: 'shop' }, image: 'shop:1' });
      container.die(3);
      container.start();
      container.restart();
      container.rename('two');
      container.remove();
      clock.advance(1_000_000n);
      const { body } = await ask(engine.socketPath, `/events?since=0&until=${formatSince(clock.now() - 1n)}`);
      const events = eventsOf(body);
      const actions = events.map(({ Action }) => Action).join(' ');
      expect(actions).toBe('create start die start kill die stop start restart rename kill die destroy');
      const attributes = (action: string): unknown =>
        events.find(({ Action }) => Action === action)?.Actor.Attributes;
      expect(attributes('die')).toMatchObject({ exitCode: '3' });
      expect(attributes('rename')).toMatchObject({ oldName: '/one', name: 'two' });
      for (const action of ['start', 'destroy']) {
        expect(attributes(action)).toMatchObject({ app: 'shop', image: 'shop:1' });
      }
    });
  });

  test('in an event labels hide attributes of their name, and image and name hide labels', async () => {
    const clock = new SteppedClock();
    await withEngine({ clock }, async (engine) => {
      const labels = { name: 'l', image: 'l', exitCode: 'l', signal: 'l', execDuration: 'l', oldName: 'l' };
      const attributesOf = async (): Promise<Map<string, Record<string, string>>> => {
        clock.advance(1_000_000n);
        const { body } = await ask(
          engine.socketPath,
          `/events?since=0&until=${formatSince(clock.now() - 1n)}`,
        );
        return new Map(eventsOf(body).map(({ Action, Actor }) => [Action, Actor.Attributes]));
      };
      const container = engine.addContainer({ name: 'one', labels, image: 'shop:1' });
      container.stop();
      container.rename('two');
      const attributes = await attributesOf();
      expect(attributes.get('die')).toEqual({ ...labels, image: 'shop:1', name: 'one' });
      expect(attributes.get('kill')).toEqual({ ...labels, image: 'shop:1', name: 'one' });
      expect(attributes.get('rename')).toEqual({ ...labels, image: 'shop:1', name: 'two' });
      engine.addContainer({ name: 'three', labels, image: '' });
      expect((await attributesOf()).get('create')).toEqual({ ...labels, name: 'three' });
    });
  });

  test('execs and pulls crowd the ring; it is empty after a restart of the daemon', async () => {
    const clock = new SteppedClock();
    await withEngine({ clock }, async (engine) => {
      const container = engine.addContainer({ name: 'one' });
      for (let n = 0; n < 85; n++) container.exec();
      engine.publishEvent('image', 'pull', 'shop:2');
      clock.advance(1_000_000n);
      const all = async (): Promise<string[]> => {
        const until = formatSince(clock.now() - 1n);
        const { body } = await ask(engine.socketPath, `/events?since=0&until=${until}`);
        return eventsOf(body).map(({ Action }) => Action);
      };
      const kept = await all();
      expect(kept).toHaveLength(256);
      expect([kept[0], kept.at(-1)]).toEqual(['exec_create: /bin/sh -c true', 'pull']);
      await engine.restartDaemon();
      expect(await all()).toEqual([]);
      expect(container.running).toBe(true);
    });
  });

  test('an until of the future holds the answer open, and what happens meanwhile is in it', async () => {
    const clock = new SteppedClock();
    let isWaiting = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (isWaiting = resolve));
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const sleep = async (): Promise<void> => {
      isWaiting();
      await released;
    };
    await withEngine({ clock: { now: clock.now, monotonic: clock.monotonic, sleep } }, async (engine) => {
      const until = formatSince(clock.now() + 1_000_000_000n);
      const answer = ask(engine.socketPath, `/events?since=0&until=${until}`);
      await waiting;
      engine.addContainer({ name: 'one' });
      release();
      const { body, ending } = await answer;
      expect([eventsOf(body).map(({ Action }) => Action), ending]).toEqual([['create', 'start'], 'end']);
    });
  });

  test('a range that ends before it begins is 400; a stream without end is noted', async () => {
    await withEngine({}, async (engine) => {
      expect(await askJson(engine.socketPath, '/events?since=10&until=5')).toEqual({
        message: '`since` time (10) cannot be after `until` time (5)',
      });
      engine.addContainer({ name: 'one' });
      const open = await ask(engine.socketPath, '/events?since=0', { until: (body) => body.length > 0 });
      expect(open.status).toBe(200);
      expect(engine.requests.violations).toEqual([expect.stringContaining('without until')]);
    });
  });
});

describe('connections and the daemon', () => {
  test('are counted, and none is left behind', async () => {
    await withEngine({}, async (engine) => {
      expect(engine.connections()).toEqual({ open: 0, peak: 0, total: 0 });
      await ask(engine.socketPath, '/_ping');
      await ask(engine.socketPath, '/_ping');
      const { peak, total } = engine.connections();
      expect(total).toBe(2);
      expect(peak).toBeGreaterThanOrEqual(1);
    });
  });

  test('a restart breaks what is open; containers end and come back unless they are restored live', async () => {
    await withEngine({}, async (engine) => {
      const container = engine.addContainer({ name: 'one' });
      const lift = engine.fault({ endpoint: 'logs' }, { kind: 'stall', afterPieces: 0 });
      const stopped = new AbortController();
      const hanging = ask(engine.socketPath, `/containers/one/logs?${LOGS}`, { signal: stopped.signal });
      while (engine.requests.of('logs')[0]?.status !== 200) await new Promise(setImmediate);
      lift();
      const before = container.startedNs!;
      await engine.restartDaemon({ liveRestore: false });
      expect((await hanging).ending).toBe('broken');
      expect(container.running).toBe(true);
      expect(container.startedNs).not.toBe(before);
      expect((await ask(engine.socketPath, `/containers/one/logs?${LOGS}`)).status).toBe(200);
      await engine.stopDaemon();
      expect((await ask(engine.socketPath, '/_ping')).status).toBe(0);
      await engine.startDaemon();
      expect((await ask(engine.socketPath, '/_ping')).status).toBe(200);
    });
  });
});
