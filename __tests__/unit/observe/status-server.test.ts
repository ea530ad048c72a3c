import { once } from 'node:events';
import { request, type IncomingHttpHeaders } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { LogFields, Logger } from '../../../src/model/logger.js';
import { Health } from '../../../src/observe/health.js';
import type { StatusSources } from '../../../src/observe/status-pages.js';
import {
  startStatusServer,
  type StatusServer,
  type StatusServerOptions,
} from '../../../src/observe/status-server.js';
import { LOOPBACK_CERTIFICATE } from '../../support/loopback-certificate.js';
import { ManualClock } from '../../support/manual-clock.js';
import { until } from '../../support/until.js';

const running: StatusServer[] = [];
let clock: ManualClock;
let said: [string, LogFields | undefined][];
const logger: Logger = {
  error: (message, fields) => void said.push([message, fields]),
  warn: (message, fields) => void said.push([message, fields]),
  info: () => undefined,
  debug: () => undefined,
};

beforeEach(() => {
  clock = new ManualClock();
  said = [];
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function start(
  options: Partial<StatusServerOptions> = {},
  sources: Partial<StatusSources> = {},
): Promise<StatusServer> {
  const server = await startStatusServer({
    listen: '127.0.0.1:0',
    logger,
    clock,
    sources: {
      metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'pollard_gaps_total 0\n' }),
      health: () => new Health(clock).report(),
      ready: () => ({ ready: true, reason: '' }),
      status: () => ({ containers: [{ name: 'web', lag: 1.5, at: 12n }] }),
      ...sources,
    },
    ...options,
  });
  running.push(server);
  return server;
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

async function ask(
  url: string,
  init: { method?: string; headers?: Record<string, string>; body?: string } = {},
) {
  const ask = url.startsWith('https') ? tlsRequest : request;
  return new Promise<Answer>((resolve, reject) => {
    const asked = ask(
      url,
      {
        method: init.method ?? 'GET',
        headers: init.headers ?? {},
        agent: false,
        ca: LOOPBACK_CERTIFICATE.cert,
      },
      (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
      },
    );
    asked.on('error', reject);
    asked.end(init.body);
  });
}

async function raw(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

describe('the pages', () => {
  test('metrics', async () => {
    const { url } = await start();
    const answer = await ask(`${url}/metrics?x=1`);
    expect(answer).toMatchObject({ status: 200, body: 'pollard_gaps_total 0\n' });
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4');
  });

  test('health is 200 while healthy or degraded, 503 when unhealthy, and says why and since when', async () => {
    const health = new Health(clock);
    const { url } = await start({}, { health: () => health.report() });
    expect((await ask(`${url}/healthz`)).status).toBe(200);
    health.set('loki', 'degraded', 'away');
    expect((await ask(`${url}/healthz`)).status).toBe(200);
    health.set('cursors', 'unhealthy', 'disk full');
    const answer = await ask(`${url}/healthz`);
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toMatchObject({
      state: 'unhealthy',
      reason: 'cursors: disk full; loki: away',
      since: '2023-11-14T22:13:20.000000000Z',
      parts: { engine: { state: 'healthy' }, loki: { state: 'degraded', reason: 'away' } },
    });
  });

  test('readiness', async () => {
    let ready = { ready: false, reason: 'the Engine was not listed yet' };
    const { url } = await start({}, { ready: () => ready });
    const before = await ask(`${url}/readyz`);
    expect(before.status).toBe(503);
    expect(JSON.parse(before.body)).toEqual(ready);
    ready = { ready: true, reason: '' };
    expect((await ask(`${url}/readyz`)).status).toBe(200);
  });

  test('status, as it is supplied', async () => {
    const { url } = await start();
    const answer = await ask(`${url}/status`);
    expect(JSON.parse(answer.body)).toEqual({ containers: [{ name: 'web', lag: 1.5, at: '12' }] });
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-type': 'application/json; charset=utf-8',
    });
  });

  test('HEAD is GET without a body', async () => {
    const { url } = await start();
    const answer = await ask(`${url}/metrics`, { method: 'HEAD' });
    expect(answer).toMatchObject({ status: 200, body: '' });
    expect(answer.headers['content-length']).toBe('21');
  });

  test.each(['/', '/metrics/', '/%2e%2e/etc/passwd', '//healthz', '/status/x'])(
    '%s is none',
    async (path) => {
      const { url } = await start();
      const answer = await ask(`${url}${path}`);
      expect(answer.status).toBe(404);
      expect(JSON.parse(answer.body)).toMatchObject({
        pages: ['/metrics', '/healthz', '/readyz', '/status'],
      });
    },
  );

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s is not allowed', async (method) => {
    const { url } = await start();
    const answer = await ask(`${url}/status`, {
      method,
      ...(method === 'POST' ? { body: 'x'.repeat(10_000) } : {}),
    });
    expect(answer.status).toBe(405);
    expect(answer.headers).toMatchObject({ allow: 'GET, HEAD', connection: 'close' });
  });

  test('a source that throws is a 500, said in the log and not in the answer', async () => {
    const { url } = await start(
      {},
      {
        metrics: () => Promise.reject(new Error('inner matter')),
        status: () => {
          throw new Error('inner matter');
        },
      },
    );
    for (const path of ['/metrics', '/status']) {
      const answer = await ask(url + path);
      expect(answer.status).toBe(500);
      expect(answer.body).not.toContain('inner matter');
    }
    expect(said).toHaveLength(2);
    expect(said[0]![1]).toMatchObject({ path: '/metrics', error: { message: 'inner matter' } });
    expect((await ask(`${url}/healthz`)).status).toBe(200);
  });
});

describe('the guard', () => {
  test('asks for the token on every page', async () => {
    const { url } = await start({ token: 'open-sesame' });
    for (const path of ['/metrics', '/healthz', '/readyz', '/status', '/none']) {
      for (const authorization of [
        undefined,
        'open-sesame',
        'Bearer',
        'Bearer open-sesam',
        'Bearer open-sesamex',
        'Basic open-sesame',
      ]) {
        const answer = await ask(url + path, {
          headers: authorization === undefined ? {} : { authorization },
        });
        expect(answer.status).toBe(401);
        expect(answer.headers['www-authenticate']).toBe('Bearer');
        expect(answer.body).not.toContain('sesame');
      }
    }
    for (const authorization of ['Bearer open-sesame', 'bearer  open-sesame '])
      expect((await ask(`${url}/status`, { headers: { authorization } })).status).toBe(200);
  });

  test('speaks TLS', async () => {
    const { url } = await start({ tls: LOOPBACK_CERTIFICATE });
    expect(url).toMatch(/^https:/);
    expect((await ask(`${url}/healthz`)).status).toBe(200);
  });

  test('a certificate that cannot be used is refused, with the setting named', async () => {
    await expect(start({ tls: { cert: 'nonsense', key: 'nonsense' } })).rejects.toMatchObject({
      code: 'status_tls_invalid',
      setting: 'status.tls',
    });
  });

  test('headers without end are refused', async () => {
    const { url } = await start();
    const answer = await ask(`${url}/status`, { headers: { x: 'y'.repeat(20_000) } });
    expect(answer.status).toBe(431);
  });

  test('what is not HTTP does not disturb it', async () => {
    const { url } = await start();
    const socket = await raw(url);
    socket.end('\u0000\u0001 nonsense\r\n\r\n');
    await once(socket.resume(), 'close');
    expect((await ask(`${url}/healthz`)).status).toBe(200);
  });

  test('on loopback nothing is warned of', async () => {
    expect((await start()).warnings).toEqual([]);
  });
});

describe('hostile clients', () => {
  /** More than the buffers of the system take for one connection. */
  const LARGE = 'x'.repeat(14 * 1024 * 1024);
  const METRICS = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
  const opened: Socket[] = [];

  afterEach(() => {
    for (const socket of opened.splice(0)) socket.destroy();
  });

  /** Counts how often it was made. */
  function metricsOf(text: string) {
    let made = 0;
    return {
      made: () => made,
      source: {
        metrics: async () => {
          made++;
          return { contentType: 'text/plain', text };
        },
      },
    };
  }

  /** A client that sends something and never reads. */
  async function mute(url: string, text: string): Promise<Socket> {
    const socket = await raw(url);
    opened.push(socket);
    socket.pause();
    if (text !== '') socket.write(text);
    return socket;
  }

  const turns = async (count = 100): Promise<void> => {
    for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const healthy = async (url: string): Promise<void> => {
    expect((await ask(`${url}/healthz`)).status).toBe(200);
  };

  /** Lets time pass until something holds. */
  async function passUntil(what: string, holds: () => boolean, ms = 100): Promise<void> {
    await until(what, async () => {
      if (holds()) return true;
      await clock.pass(ms);
      return holds();
    });
  }

  test('pipelined requests are answered one after the other, as the client reads', async () => {
    const metrics = metricsOf(LARGE);
    const server = await start({}, metrics.source);
    const client = await mute(server.url, METRICS.repeat(2000));
    await until('the first page is made', () => metrics.made() > 0);
    for (let i = 0; i < 5; i++) await healthy(server.url);
    await turns();
    expect(metrics.made()).toBe(1);
    let bytes = 0;
    client.on('data', (piece: Buffer) => (bytes += piece.length)).resume();
    await until('two answers were read', () => bytes > 2 * LARGE.length);
    client.pause();
    await turns();
    const made = metrics.made();
    expect(made).toBeLessThanOrEqual(4);
    await healthy(server.url);
    await turns();
    expect(metrics.made()).toBe(made);
  });

  test('whoever reads what was pipelined gets all of it, in order', async () => {
    const seen: string[] = [];
    const server = await start({}, { status: () => seen.push('status') });
    const client = await raw(server.url);
    opened.push(client);
    const paths = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? '/status' : `/none/${i}`));
    client.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
    let text = '';
    client.on('data', (piece: Buffer) => (text += piece.toString()));
    const statuses = (): string[] => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status!);
    await passUntil('all is answered', () => statuses().length === 300);
    expect(statuses()).toEqual(paths.map((path) => (path === '/status' ? '200' : '404')));
    expect(seen).toHaveLength(100);
  });

  test('a request that comes in pieces, and one with a body, do not confuse it', async () => {
    const { url } = await start();
    const client = await raw(url);
    opened.push(client);
    let text = '';
    client.on('data', (piece: Buffer) => (text += piece.toString()));
    for (const piece of ['GET /read', 'yz HTTP/1.1\r\nHost', ': x\r\n\r', '\nGET /healthz HTTP/1.1\r\n']) {
      client.write(piece);
      await turns(10);
      await clock.pass(300);
    }
    await passUntil('the first is answered', () => text.includes('"ready":true'));
    client.write('Host: x\r\nContent-Length: 5\r\n\r\nhelloGET /status HTTP/1.1\r\nHost: x\r\n\r\n');
    await passUntil('all are answered', () => text.includes('"containers"'));
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(3);
  });

  test('one that does not read its answer is cut off at its deadline', async () => {
    const metrics = metricsOf(LARGE);
    const server = await start({}, metrics.source);
    await mute(server.url, METRICS);
    await until('its page is made', () => metrics.made() === 1);
    await turns();
    await clock.pass(9900);
    await healthy(server.url);
    await until('the other one is gone', () => server.connections() === 1);
    await clock.pass(100);
    expect(server.connections()).toBe(0);
  });

  test.each([
    ['says nothing', [] as string[]],
    ['stops in the middle of a request', ['GET /metr']],
    ['sends its request drop by drop', Array.from({ length: 100 }, () => 'GET /')],
  ])('one that %s is cut off', async (_, drops) => {
    const server = await start();
    const client = await mute(server.url, '');
    const closed = once(client, 'close');
    client.resume();
    await until('it is connected', () => server.connections() === 1);
    for (let ms = 0; ms < 5000; ms += 100) {
      const drop = drops.shift();
      if (drop !== undefined) client.write(drop);
      await clock.pass(100);
    }
    expect(server.connections()).toBe(0);
    await closed;
  });

  test.each([
    ['say nothing', ''],
    ['stop in the middle of a request', 'GET /metr'],
    ['pipeline and do not read', METRICS.repeat(100)],
  ])('700 that %s keep nobody from /healthz, and are bounded in number', async (_, text) => {
    const metrics = metricsOf('x'.repeat(1000));
    const server = await start({}, metrics.source);
    for (let i = 0; i < 700; i++) {
      await mute(server.url, text);
      if (i % 50 === 49) await clock.pass(100);
    }
    const asked = ask(`${server.url}/healthz`);
    let status = 0;
    asked.then(
      (answer) => (status = answer.status),
      () => (status = -1),
    );
    await passUntil('it is answered', () => status !== 0);
    expect(status).toBe(200);
    expect(server.connections()).toBeLessThanOrEqual(512);
    // Of 70,000 requests only as many cost anything as the time allows.
    expect(metrics.made()).toBeLessThanOrEqual(50 + clock.monotonic() / 20);
  });

  test('what nobody reads is bounded in bytes: the slowest reader makes room', async () => {
    const server = await start({}, metricsOf(LARGE).source);
    const first = await mute(server.url, METRICS);
    await turns();
    const answers = [first];
    for (let i = 0; i < 3; i++) answers.push(await mute(server.url, METRICS));
    await until('only one is left', () => server.connections() === 1);
    const closed = await Promise.all(
      answers.map(async (client) => {
        let bytes = 0;
        client.on('data', (piece: Buffer) => (bytes += piece.length)).resume();
        await until('it is over', () => client.destroyed || bytes > LARGE.length);
        return bytes < LARGE.length;
      }),
    );
    expect(closed.filter(Boolean)).toHaveLength(3);
  });

  test('one making of a page serves all who ask for it meanwhile', async () => {
    let finish = (): void => undefined;
    let made = 0;
    const { url } = await start(
      {},
      {
        metrics: async () => {
          made++;
          await new Promise<void>((resolve) => (finish = resolve));
          return { contentType: 'text/plain', text: `page ${made}` };
        },
      },
    );
    const first = ask(`${url}/metrics`);
    await until('it is being made', () => made === 1);
    const others = Array.from({ length: 30 }, () => ask(`${url}/metrics`));
    await turns();
    expect(made).toBe(1);
    finish();
    expect((await first).body).toBe('page 1');
    await until('the next one is being made', () => made === 2);
    finish();
    const bodies = (await Promise.all(others)).map(({ body }) => body);
    expect(new Set(bodies)).toEqual(new Set(['page 2']));
  });

  test('/healthz does not wait for others that ask without pause', async () => {
    const { url } = await start();
    const answered: string[] = [];
    for (let i = 0; i < 100; i++) {
      const client = await mute(url, 'GET /status HTTP/1.1\r\nHost: x\r\n\r\n');
      client.once('data', () => answered.push('status')).resume();
    }
    await until('the burst is over', () => answered.length === 50);
    const client = await mute(url, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    client.once('data', () => answered.push('healthz')).resume();
    await turns();
    expect(answered).toHaveLength(50);
    await clock.pass(100);
    await until('the next ones are answered', () => answered.length === 55);
    expect(answered).toContain('healthz');
  });

  test('without the token nothing is done for them, and the connection is closed', async () => {
    const metrics = metricsOf('x');
    const { url } = await start({ token: 'open-sesame' }, metrics.source);
    const client = await raw(url);
    opened.push(client);
    let text = '';
    client.on('data', (piece: Buffer) => (text += piece.toString()));
    const closed = once(client, 'close');
    client.write(METRICS.repeat(100));
    await closed;
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(metrics.made()).toBe(0);
  });

  test('the end cuts them off at once', async () => {
    const server = await start({}, metricsOf(LARGE).source);
    for (const text of ['', 'GET /metr', METRICS, METRICS.repeat(2000)]) {
      for (let i = 0; i < 5; i++) await mute(server.url, text);
    }
    await until('they are there', () => server.connections() > 10);
    // No time passes.
    await server.close();
    expect(server.connections()).toBe(0);
  });

  test('behind TLS as well', async () => {
    const metrics = metricsOf(LARGE);
    const server = await start({ tls: LOOPBACK_CERTIFICATE }, metrics.source);
    const { hostname, port } = new URL(server.url);
    const client = connectTls({ host: hostname, port: Number(port), ca: LOOPBACK_CERTIFICATE.cert });
    opened.push(client);
    client.on('error', () => undefined);
    await once(client, 'secureConnect');
    client.pause();
    client.write(METRICS.repeat(2000));
    await mute(server.url, 'no TLS at all\r\n\r\n');
    await mute(server.url, '');
    await until('the first page is made', () => metrics.made() > 0);
    await healthy(server.url);
    await turns();
    expect(metrics.made()).toBe(1);
    await clock.pass(10_000);
    expect(server.connections()).toBe(0);
    await healthy(server.url);
  });
});

describe('where it cannot listen', () => {
  test('a port in use is said with the setting', async () => {
    const { url } = await start();
    await expect(start({ listen: new URL(url).host })).rejects.toMatchObject({
      code: 'status_port_in_use',
      setting: 'status.listen',
      message: expect.stringContaining(new URL(url).host),
      hint: expect.stringContaining('another port'),
    });
  });

  test('an address of another machine too', async () => {
    // TEST-NET-1, RFC 5737: nobody's.
    await expect(start({ listen: '192.0.2.1:9464' })).rejects.toMatchObject({
      code: 'status_listen_failed',
      setting: 'status.listen',
    });
  });

  test('a text that is no address', async () => {
    await expect(start({ listen: 'nowhere' })).rejects.toMatchObject({ code: 'status_listen_invalid' });
  });
});

describe('the end', () => {
  test('idle connections do not hold it up', async () => {
    const server = await start();
    const socket = await raw(server.url);
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'data');
    await server.close();
    await expect(raw(server.url)).rejects.toThrow();
  });

  test('an answer under way is given time, and no more than that', async () => {
    let answered: (() => void) | undefined;
    const server = await start(
      {},
      {
        metrics: () =>
          new Promise((resolve) => (answered = () => resolve({ contentType: 'text/plain', text: 'late' }))),
      },
    );
    const inTime = ask(`${server.url}/metrics`);
    while (!answered) await new Promise((resolve) => setImmediate(resolve));
    const closing = server.close();
    answered();
    expect((await inTime).body).toBe('late');
    await closing;
  });

  test.each(['GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /metr'])(
    'a connection that does not end (%j) is ended',
    async (sent) => {
      const server = await start({}, { metrics: () => new Promise(() => undefined) });
      const socket = await raw(server.url);
      const ended = once(socket, 'close');
      socket.write(sent);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const closing = server.close();
      await clock.pass(1000);
      await closing;
      await ended;
      expect(socket.destroyed).toBe(true);
    },
  );

  test('a TLS handshake that does not go on is ended too', async () => {
    const server = await start({ tls: LOOPBACK_CERTIFICATE });
    const socket = await raw(server.url);
    const ended = once(socket, 'close');
    await ask(`${server.url}/healthz`);
    const closing = server.close();
    await clock.pass(1000);
    await closing;
    await ended;
    expect(socket.destroyed).toBe(true);
  });
});
