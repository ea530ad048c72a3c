import { once } from 'node:events';
import { request, type IncomingHttpHeaders } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
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
