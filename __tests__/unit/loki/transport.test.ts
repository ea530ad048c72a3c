import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer as createHttps, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { classifyAnswer } from '../../../src/loki/classify.js';
import { LokiRequestError, LokiSettingError } from '../../../src/loki/loki-error.js';
import { createTransport, type LokiAnswer, type LokiTransport } from '../../../src/loki/transport.js';
import { makeCertificates, type TestCertificates } from '../../support/certificates.js';
import {
  LoopbackServers,
  proxyServer,
  type LoopbackServer,
  type ProxyBehaviour,
  type ProxyRequest,
} from '../../support/loopback-server.js';
import { settle } from '../../support/manual-clock.js';

type Settings = Parameters<typeof createTransport>[0];

const SECRET = 's3cret-pässword';
const never = new AbortController().signal;
const PUSH = { body: Buffer.from('body'), headers: { 'content-type': 'application/x-protobuf' } };

let folder: string;
let made: TestCertificates;
let servers: LoopbackServers;
let transports: LokiTransport[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pollard-transport-'));
  made = makeCertificates(folder);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  servers = new LoopbackServers();
  transports = [];
});
afterEach(async () => {
  for (const transport of transports) await transport.close();
  await servers.closeAll();
});

async function transportTo(
  where: LoopbackServer | string,
  more: Partial<Settings> = {},
  scheme = 'http',
): Promise<LokiTransport> {
  const url = typeof where === 'string' ? where : `${scheme}://127.0.0.1:${where.port}`;
  const transport = await createTransport({ url, headers: {}, timeoutMs: 60_000, maxInFlight: 2, ...more });
  transports.push(transport);
  return transport;
}

const push = (transport: LokiTransport, signal = never): Promise<LokiAnswer> =>
  transport.push(PUSH, undefined, signal);

async function failure(asked: Promise<unknown>): Promise<LokiRequestError> {
  const error: unknown = await asked.then(
    () => new Error('did not fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LokiRequestError);
  // However much of it is printed.
  expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/s3cret|czNjcmV0/);
  expect((error as LokiRequestError).exit).toBe('loki');
  expect((error as LokiRequestError).hint).toMatch(/\w/);
  return error as LokiRequestError;
}

async function refusal(more: Partial<Settings>): Promise<LokiSettingError> {
  const error: unknown = await transportTo('http://127.0.0.1:1', more).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LokiSettingError);
  expect(inspect(error, { depth: 20 })).not.toMatch(/s3cret/);
  return error as LokiSettingError;
}

interface Heard {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Answers all with 204 and keeps what it heard. */
async function listener(heard: Heard[], status = 204): Promise<LoopbackServer> {
  return await servers.http((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      heard.push({ method: request.method, url: request.url, headers: request.headers, body });
      response.writeHead(status).end();
    });
  });
}

/** Until something holds that others bring about. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe('what is sent', () => {
  test('a push: to its path, with the headers of the body, the settings and the tenant', async () => {
    const heard: Heard[] = [];
    const server = await listener(heard);
    const settings = { headers: { 'X-Extra': 'yes', 'User-Agent': 'own' }, tenant: 'one' };
    const transport = await transportTo(`http://127.0.0.1:${server.port}/gate`, settings);
    const answer = { status: 204, body: '', contentType: '', date: expect.any(String) };
    expect(await push(transport)).toEqual(answer);
    await transport.push(PUSH, 'two', never);
    expect(heard).toMatchObject([
      {
        method: 'POST',
        url: '/gate/loki/api/v1/push',
        headers: {
          'content-type': 'application/x-protobuf',
          'x-scope-orgid': 'one',
          'x-extra': 'yes',
          'user-agent': 'own',
          'content-length': '4',
        },
        body: 'body',
      },
      { headers: { 'x-scope-orgid': 'two' } },
    ]);
  });

  test('a question: with its parameters, headers, tenant', async () => {
    const heard: Heard[] = [];
    const transport = await transportTo(await listener(heard));
    await transport.get('/ready', {}, never);
    const parameters = { query: '{a="b c"}&x', limit: '1' };
    await transport.get('/loki/x', { parameters, headers: { 'x-a': 'b' }, tenant: 't' }, never);
    expect(heard).toMatchObject([
      { method: 'GET', url: '/ready', body: '' },
      {
        url: '/loki/x?query=%7Ba%3D%22b+c%22%7D%26x&limit=1',
        headers: { 'x-a': 'b', 'x-scope-orgid': 't' },
      },
    ]);
    expect(heard[0]?.headers).toHaveProperty('user-agent', 'pollard');
    expect(heard[0]?.headers).not.toHaveProperty('x-scope-orgid');
    expect(heard[0]?.headers).not.toHaveProperty('authorization');
  });

  test('over connections that are kept, no more of them than allowed', async () => {
    const server = await listener([]);
    const transport = await transportTo(server);
    for (let i = 0; i < 20; i++) await push(transport);
    await Promise.all(Array.from({ length: 20 }, () => push(transport)));
    expect(server.connections()).toBeLessThanOrEqual(3);
    await transport.close();
    await until(() => server.open() === 0);
  });
});

describe('what is answered', () => {
  test('status, type, text, date, Retry-After, location', async () => {
    const server = await servers.http((_, response) => {
      response
        .writeHead(307, { 'content-type': 'text/x', 'retry-after': '7', location: '/there' })
        .end('tüxt');
    });
    expect(await push(await transportTo(server))).toEqual({
      status: 307,
      body: 'tüxt',
      contentType: 'text/x',
      date: expect.any(String),
      retryAfter: '7',
      location: '/there',
    });
  });

  test('an answer to a push that has no end is cut off, and its connection closed', async () => {
    const server = await servers.http((_, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
        if (!response.destroyed) response.once('drain', write);
      };
      write();
    });
    const { status, body } = await push(await transportTo(server));
    expect([status, body.length]).toEqual([200, 64 * 1024]);
    await until(() => server.open() === 0);
  });

  test('an answer to a question that has no end is an error', async () => {
    const piece = 'x'.repeat(1 << 20);
    const server = await servers.http((_, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write(piece));
        if (!response.destroyed) response.once('drain', write);
      };
      write();
    });
    const error = await failure((await transportTo(server)).get('/x', {}, never));
    expect(error.code).toBe('loki_answer_too_large');
  });

  test.each<[string, (plain: string) => Buffer]>([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('an error that a gateway encoded as %s is classified by its words', async (encoding, encode) => {
    const words = 'Ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec)';
    const server = await servers.http((_, response) => {
      response.writeHead(429, { 'content-encoding': encoding }).end(encode(words));
    });
    const answer = await push(await transportTo(server));
    expect(classifyAnswer(answer, 0)).toMatchObject({ kind: 'retry', reason: `429 ${words}` });
    // Loki's own words make a refusal of a 400.
    const page = await servers.http((_, response) => {
      const body = encode('<html><title>Bad Request</title></html>');
      response.writeHead(400, { 'content-encoding': encoding }).end(body);
    });
    expect(classifyAnswer(await push(await transportTo(page)), 0)).toMatchObject({
      kind: 'halt',
      reason: '400 (a page of HTML: Bad Request)',
    });
  });

  test('an empty answer that a gateway encoded still proves that all is stored', async () => {
    let accepted: unknown;
    const server = await servers.http(({ headers }, response) => {
      accepted = headers['accept-encoding'];
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(''));
    });
    expect(classifyAnswer(await push(await transportTo(server)), 0)).toEqual({ kind: 'accepted' });
    expect(accepted).toBe('identity');
  });

  test('an answer in an encoding that is not known: named, and no proof', async () => {
    const server = await servers.http((_, response) => {
      response.writeHead(200, { 'content-encoding': 'zstd' }).end(gzipSync(''));
    });
    const answer = await push(await transportTo(server));
    expect(answer.body).toBe('(a body in the encoding zstd)');
    expect(classifyAnswer(answer, 0)).toMatchObject({ kind: 'halt' });
    const asked = (await transportTo(server)).get('/x', {}, never);
    expect((await failure(asked)).message).toContain('in the encoding zstd that cannot be decoded');
  });

  test('what expands is bounded as what is sent', async () => {
    const server = await servers.http(({ method }, response) => {
      const [status, bytes] = method === 'POST' ? [400, 1_000_000] : [200, 65 * 1024 * 1024];
      response.writeHead(status, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(bytes, 'x')));
    });
    const transport = await transportTo(server);
    expect((await push(transport)).body).toHaveLength(64 * 1024);
    expect((await failure(transport.get('/x', {}, never))).code).toBe('loki_answer_too_large');
  });

  test('an answer before the body was taken, and then the end', async () => {
    const server = await servers.tcp((socket) => {
      socket.once('data', () => {
        socket.end('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
      });
    });
    const transport = await transportTo(server);
    const body = Buffer.alloc(3_000_000);
    expect(await transport.push({ ...PUSH, body }, undefined, never)).toMatchObject({
      status: 413,
      body: 'no',
    });
  });
});

describe('no answer', () => {
  test.each<[string, (socket: Socket) => void, string]>([
    ['closed instead of an answer', (socket) => socket.destroy(), 'loki_unreachable'],
    ['reset instead of an answer', (socket) => socket.resetAndDestroy(), 'loki_unreachable'],
    ['closed in the header', (socket) => socket.end('HTTP/1.1 204 No'), 'loki_unreachable'],
    [
      'closed in the body',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'),
      'loki_unreachable',
    ],
    [
      'closed in a chunk',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab'),
      'loki_unreachable',
    ],
    ['another protocol', (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'), 'loki_not_http'],
    ['gRPC', (socket) => socket.end(Buffer.from('00000604000000000000040001', 'hex')), 'loki_not_http'],
    [
      'a header without end',
      (socket) => socket.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}`),
      'loki_not_http',
    ],
  ])('%s', async (_, answer, code) => {
    const server = await servers.tcp((socket) => void socket.once('data', () => answer(socket)));
    const error = await failure(push(await transportTo(server)));
    expect(error.code).toBe(code);
    expect(error.message).toContain(`Loki at http://127.0.0.1:${server.port} `);
  });

  test('nobody listens; and back again', async () => {
    const server = await servers.tcp(() => undefined);
    await server.close();
    const error = await failure(push(await transportTo(server)));
    expect(error.code).toBe('loki_unreachable');
    expect(error.message).toContain('does not listen');
  });

  test('a host that is not known', async () => {
    // RFC 6761: never a name that is there.
    const { code, message } = await failure(push(await transportTo('http://nobody.invalid:3100')));
    expect(code).toBe('loki_unreachable');
    expect(message).toContain('host name');
  });

  test.each<[string, (socket: Socket) => void]>([
    ['nothing', () => undefined],
    [
      'a header and nothing more',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'),
    ],
    [
      'a header without end, a byte at a time,',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nX: ');
        const timer = setInterval(() => socket.write('x'), 10);
        socket.once('close', () => clearInterval(timer));
      },
    ],
  ])('%s is answered: the bound on the whole request ends it', async (_, answer) => {
    const server = await servers.tcp((socket) => void socket.once('data', () => answer(socket)));
    const error = await failure(push(await transportTo(server, { timeoutMs: 60 })));
    expect(error).toMatchObject({ code: 'loki_timeout', setting: 'loki.timeout' });
    expect(error.message).toContain('(60 ms)');
    await until(() => server.open() === 0);
  });

  test('a question may have a bound of its own', async () => {
    const server = await servers.tcp(() => undefined);
    const asked = (await transportTo(server)).get('/ready', { timeoutMs: 40 }, never);
    expect((await failure(asked)).message).toContain('(40 ms)');
  });
});

describe('giving up', () => {
  const reason = new Error('shutting down');

  test('before: nothing is asked', async () => {
    const server = await listener([]);
    await expect(push(await transportTo(server), AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(server.connections()).toBe(0);
  });

  test('in the moment of asking, while the secret is looked up', async () => {
    const server = await servers.tcp(() => undefined);
    const stop = new AbortController();
    const asked = push(await transportTo(server), stop.signal);
    stop.abort(reason);
    await expect(asked).rejects.toBe(reason);
  });

  test('while nothing is answered, and behind the header', async () => {
    for (const answer of ['', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc']) {
      let asked = 0;
      const server = await servers.tcp((socket) => {
        socket.once('data', () => {
          asked++;
          socket.write(answer);
        });
      });
      const stop = new AbortController();
      const pushed = push(await transportTo(server), stop.signal);
      await until(() => asked === 1);
      stop.abort(reason);
      await expect(pushed).rejects.toBe(reason);
      await until(() => server.open() === 0);
    }
  });

  test('while a connection is still being made', async () => {
    // Takes the connection and never says a word of TLS.
    const server = await servers.tcp(() => undefined);
    const stop = new AbortController();
    const pushed = push(await transportTo(server, {}, 'https'), stop.signal);
    await until(() => server.connections() === 1);
    stop.abort(reason);
    await expect(pushed).rejects.toBe(reason);
  });

  test('while a proxy is silent', async () => {
    const asked: ProxyRequest[] = [];
    const proxy = await servers.listen(proxyServer(asked, () => 'hang'));
    const transport = await transportTo('https://127.0.0.1:1', {
      proxyUrl: `http://127.0.0.1:${proxy.port}`,
    });
    const stop = new AbortController();
    const pushed = push(transport, stop.signal);
    await until(() => asked.length === 1);
    stop.abort(reason);
    await expect(pushed).rejects.toBe(reason);
  });

  test('leaves nothing on a signal that lives as long as the process', async () => {
    const stop = new AbortController();
    const added: unknown[] = [];
    const removed: unknown[] = [];
    const { signal } = stop;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (type: 'abort', listener: () => void, options: object) => {
      added.push(listener);
      add(type, listener, options);
    };
    signal.removeEventListener = (type: 'abort', listener: () => void) => {
      removed.push(listener);
      remove(type, listener);
    };
    const transport = await transportTo(await listener([]));
    for (let i = 0; i < 3; i++) await push(transport, signal);
    expect(added).toHaveLength(3);
    expect(removed).toEqual(added);
  });

  test('closing ends what is under way', async () => {
    const server = await servers.tcp(() => undefined);
    const transport = await transportTo(server);
    const pushed = failure(push(transport));
    await until(() => server.connections() === 1);
    await transport.close();
    expect((await pushed).code).toBe('loki_unreachable');
    await until(() => server.open() === 0);
  });
});

describe('closing leaves no socket', () => {
  const sockets = (): number =>
    process.getActiveResourcesInfo().filter((name) => /^(TCPSocketWrap|TLSWrap|TCPConnectWrap)$/.test(name))
      .length;
  /** Those of the servers are known; all others are the transport's. */
  const clientSockets = (...opened: LoopbackServer[]): number =>
    sockets() - opened.reduce((sum, server) => sum + server.open(), 0);

  async function expectNoneLeft(
    transport: LokiTransport,
    begun: () => boolean,
    ...opened: LoopbackServer[]
  ): Promise<void> {
    const pushed = failure(push(transport));
    await until(begun);
    expect(clientSockets(...opened)).toBeGreaterThan(0);
    await transport.close();
    expect((await pushed).code).toBe('loki_unreachable');
    // A few turns, not a while: after a timeout they are gone in any case.
    for (let turn = 0; turn < 50 && clientSockets(...opened) > 0; turn++) await settle();
    expect(clientSockets(...opened)).toBeLessThanOrEqual(0);
  }

  test('in the middle of a TLS handshake', async () => {
    const server = await servers.tcp(() => undefined);
    const transport = await transportTo(server, { timeoutMs: 600_000 }, 'https');
    await expectNoneLeft(transport, () => server.connections() === 1, server);
  });

  test('to a proxy that is silent', async () => {
    const asked: ProxyRequest[] = [];
    const proxy = await servers.listen(proxyServer(asked, () => 'hang'));
    const proxyUrl = `http://127.0.0.1:${proxy.port}`;
    const transport = await transportTo('https://127.0.0.1:1', { proxyUrl, timeoutMs: 600_000 });
    await expectNoneLeft(transport, () => asked.length === 1, proxy);
  });

  test('in the middle of a TLS handshake behind a proxy', async () => {
    const server = await servers.tcp(() => undefined);
    const proxy = await servers.listen(proxyServer([], () => 'pass'));
    const proxyUrl = `http://127.0.0.1:${proxy.port}`;
    const transport = await transportTo(server, { proxyUrl, timeoutMs: 600_000 }, 'https');
    await expectNoneLeft(transport, () => server.connections() === 1, server, proxy);
  });
});

describe('TLS', () => {
  const sealed = (options: ServerOptions = {}): Promise<LoopbackServer> => {
    const { cert, key } = made.server;
    return servers.listen(
      createHttps({ cert, key, ...options }, (_, response) => response.writeHead(204).end()),
    );
  };
  const tls = (more: object = {}): Partial<Settings> => ({
    tls: { caFile: made.authority.certFile, insecureSkipVerify: false, ...more },
  });
  const over = async (server: LoopbackServer, more: Partial<Settings>): Promise<LokiAnswer> =>
    await push(await transportTo(server, more, 'https'));

  test('with an authority of our own', async () => {
    expect((await over(await sealed(), tls())).status).toBe(204);
  });

  test('what nobody vouches for is refused, unless that is switched off', async () => {
    const server = await sealed();
    const error = await failure(over(server, {}));
    expect(error).toMatchObject({ code: 'loki_tls', setting: 'loki.tls' });
    expect(error.hint).toContain('loki.tls.ca_file');
    const other = await failure(over(server, tls({ caFile: made.stranger.certFile })));
    expect(other.code).toBe('loki_tls');
    expect((await over(server, { tls: { insecureSkipVerify: true } })).status).toBe(204);
  });

  test('the name in the certificate must be that of the URL, or the one that is set', async () => {
    const server = await sealed();
    const url = `https://localhost:${server.port}`;
    const error = await failure(push(await transportTo(url, tls())));
    expect(error.code).toBe('loki_tls');
    expect((await push(await transportTo(url, tls({ serverName: 'loki.internal' })))).status).toBe(204);
  });

  test('a server that wants to know us', async () => {
    const server = await sealed({ ca: made.authority.cert, requestCert: true, rejectUnauthorized: true });
    const unknown = await failure(over(server, tls()));
    expect(['loki_tls', 'loki_unreachable']).toContain(unknown.code);
    const { certFile, keyFile } = made.client;
    expect((await over(server, tls({ certFile, keyFile }))).status).toBe(204);
    const { certFile: strangeCert, keyFile: strangeKey } = made.stranger;
    const stranger = await failure(over(server, tls({ certFile: strangeCert, keyFile: strangeKey })));
    expect(['loki_tls', 'loki_unreachable']).toContain(stranger.code);
  });

  test('TLS where none is spoken; none where TLS is', async () => {
    const plain = await failure(over(await listener([]), {}));
    expect(plain).toMatchObject({ code: 'loki_tls', setting: 'loki.url' });
    const secure = await failure(push(await transportTo(await sealed())));
    expect(['loki_unreachable', 'loki_not_http']).toContain(secure.code);
  });

  test('a handshake that never comes about', async () => {
    const server = await servers.tcp(() => undefined);
    expect((await failure(over(server, { timeoutMs: 50 }))).code).toBe('loki_timeout');
    await until(() => server.open() === 0);
  });
});

describe('a proxy', () => {
  let asked: ProxyRequest[];
  let behaviour: ProxyBehaviour;
  let proxy: LoopbackServer;

  beforeEach(async () => {
    asked = [];
    behaviour = 'pass';
    proxy = await servers.listen(proxyServer(asked, () => behaviour));
  });

  const by = (user = ''): Partial<Settings> => ({ proxyUrl: `http://${user}127.0.0.1:${proxy.port}` });
  const sealed = (): Promise<LoopbackServer> => {
    const { cert, key } = made.server;
    return servers.listen(createHttps({ cert, key }, (_, response) => response.writeHead(204).end()));
  };
  const trusted = (): Partial<Settings> => ({
    tls: { caFile: made.authority.certFile, insecureSkipVerify: false },
  });
  const base64 = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

  test('is asked for http:// by the whole URL', async () => {
    const heard: Heard[] = [];
    const server = await listener(heard);
    const transport = await transportTo(server, by('us%40er:s3cret-p%C3%A4ssword@'));
    expect((await push(transport)).status).toBe(204);
    expect(asked).toEqual([
      {
        method: 'POST',
        target: `http://127.0.0.1:${server.port}/loki/api/v1/push`,
        authorization: base64(`us@er:${SECRET}`),
      },
    ]);
    expect(heard).toMatchObject([{ body: 'body', headers: { host: `127.0.0.1:${server.port}` } }]);
  });

  test('is asked for a tunnel for https://, and Loki is known by its certificate', async () => {
    const server = await sealed();
    const transport = await transportTo(server, { ...by('u:s3cret@'), ...trusted() }, 'https');
    for (let i = 0; i < 9; i++) expect((await push(transport)).status).toBe(204);
    // The tunnels are kept as connections are.
    expect(asked.length).toBeLessThanOrEqual(3);
    const target = `127.0.0.1:${server.port}`;
    for (const one of asked)
      expect(one).toEqual({ method: 'CONNECT', target, authorization: base64('u:s3cret') });
    const error = await failure(push(await transportTo(server, by(), 'https')));
    expect(error.code).toBe('loki_tls');
    expect(asked.at(-1)?.authorization).toBeUndefined();
  });

  test('is told a user without password, as tokens are given', async () => {
    await push(await transportTo(await listener([]), by('s3cret-token@')));
    expect(asked[0]?.authorization).toBe(base64('s3cret-token:'));
  });

  test.each([
    ['http', 407, 'loki_proxy'],
    ['https', 407, 'loki_proxy'],
    ['https', 403, 'loki_proxy'],
    ['https', 502, 'loki_unreachable'],
    ['https', 504, 'loki_unreachable'],
  ])('that refuses %s with %i', async (scheme, status, code) => {
    behaviour = status;
    const transport = await transportTo(`${scheme}://127.0.0.1:1`, by('u:s3cret@'));
    for (let i = 0; i < 2; i++) {
      const error = await failure(push(transport));
      expect(error.code).toBe(code);
      if (code === 'loki_proxy') expect(error.setting).toBe('loki.proxy_url');
    }
    behaviour = 'pass';
    const healed = scheme === 'http' ? await listener([]) : await sealed();
    const again = await transportTo(healed, { ...by(), ...trusted() }, scheme);
    expect((await push(again)).status).toBe(204);
  });

  test('is not there', async () => {
    await proxy.close();
    for (const scheme of ['http', 'https']) {
      const error = await failure(push(await transportTo(`${scheme}://127.0.0.1:1`, by('u:s3cret@'))));
      expect(error.code).toBe('loki_unreachable');
    }
  });

  test.each(['http', 'https'])('that is silent for %s: the bound holds, and it heals', async (scheme) => {
    behaviour = 'hang';
    const server = scheme === 'http' ? await listener([]) : await sealed();
    const transport = await transportTo(server, { ...by(), ...trusted(), timeoutMs: 60 }, scheme);
    for (let i = 0; i < 6; i++) expect((await failure(push(transport))).code).toBe('loki_timeout');
    behaviour = 'pass';
    let answer: LokiAnswer | undefined;
    while (answer === undefined) answer = await push(transport).catch(() => undefined);
    expect(answer.status).toBe(204);
  });

  test('whose URL cannot be read is not shown: it may hold a password', async () => {
    expect((await refusal({ proxyUrl: 'u:s3cret@proxy' })).setting).toBe('loki.proxy_url');
    expect((await refusal({ proxyUrl: 'http://u:s3cret%zz@proxy' })).setting).toBe('loki.proxy_url');
    expect((await refusal({ proxyUrl: 'socks5://u:s3cret@proxy' })).setting).toBe('loki.proxy_url');
  });
});

describe('authorization', () => {
  let path: string;
  let good: string;
  let heard: (string | undefined)[];
  let server: LoopbackServer;

  beforeEach(async () => {
    path = join(folder, 'token');
    good = 'Bearer one';
    heard = [];
    server = await servers.http((request, response) => {
      heard.push(request.headers.authorization);
      const known = request.headers.authorization === good;
      response.writeHead(known ? 204 : 401).end(known ? '' : `not: ${request.headers.authorization ?? ''}`);
    });
  });

  test('a token that was renewed in its file is sent from then on', async () => {
    writeFileSync(path, 'one\n');
    const transport = await transportTo(server, { bearerTokenFile: path });
    expect((await push(transport)).status).toBe(204);
    writeFileSync(path, 'second\n');
    good = 'Bearer second';
    expect((await push(transport)).status).toBe(204);
    expect(heard).toEqual(['Bearer one', 'Bearer second']);
  });

  test('after a 401 the file is read again: another secret is tried at once, the same is not', async () => {
    writeFileSync(path, 'old');
    const transport = await transportTo(server, { bearerTokenFile: path });
    expect((await push(transport)).status).toBe(401);
    expect(heard).toEqual(['Bearer old']);
    const renewing = await servers.http((request, response) => {
      heard.push(request.headers.authorization);
      if (request.headers.authorization === 'Bearer one') return void response.writeHead(204).end();
      writeFileSync(path, 'one');
      response.writeHead(401).end();
    });
    heard.length = 0;
    expect((await push(await transportTo(renewing, { bearerTokenFile: path }))).status).toBe(204);
    expect(heard).toEqual(['Bearer old', 'Bearer one']);
  });

  test('a 401 stays one when the new secret is not taken either', async () => {
    writeFileSync(path, 'old');
    let asked = 0;
    const refusing = await servers.http((_, response) => {
      writeFileSync(path, `other ${++asked}`);
      response.writeHead(401).end();
    });
    expect((await push(await transportTo(refusing, { bearerTokenFile: path }))).status).toBe(401);
    expect(asked).toBe(2);
  });

  test('what must not be shown stands beside an answer that repeats it', async () => {
    const transport = await transportTo(server, { basicAuth: { username: 'u', password: SECRET } });
    const encoded = Buffer.from(`u:${SECRET}`).toString('base64');
    expect(await push(transport)).toMatchObject({
      status: 401,
      body: `not: Basic ${encoded}`,
      secrets: [encoded, SECRET],
    });
  });

  test('no secret is in the error of a request without an answer', async () => {
    const basicAuth = { username: 'u', password: SECRET };
    const headers = { 'x-key': SECRET.replace('ä', 'a') };
    const gone = await servers.tcp((socket) => socket.destroy());
    await failure(push(await transportTo(gone, { basicAuth, headers })));
    const mute = await servers.tcp(() => undefined);
    await failure(push(await transportTo(mute, { basicAuth, headers, timeoutMs: 40 })));
  });
});

describe('settings that cannot work are told at start', () => {
  test.each([
    [{ url: 'loki:3100' }, 'loki.url'],
    [{ tenant: 'a\nb' }, 'loki.tenant'],
    [{ headers: { 'bad name': 'x' } }, 'loki.headers.bad name'],
    [{ headers: { 'x-a': 's3cret\n' } }, 'loki.headers.x-a'],
    [{ headers: { 'Transfer-Encoding': 'chunked' } }, 'loki.headers.Transfer-Encoding'],
    [{ headers: { 'content-length': '3' } }, 'loki.headers.content-length'],
    [{ headers: { Expect: '100-continue' } }, 'loki.headers.Expect'],
    [{ headers: { upgrade: 'x' } }, 'loki.headers.upgrade'],
    [{ headers: { 'Keep-Alive': '1' } }, 'loki.headers.Keep-Alive'],
    [{ headers: { 'Proxy-Authorization': 's3cret' } }, 'loki.headers.Proxy-Authorization'],
    [{ bearerTokenFile: '/nowhere' }, 'loki.bearer_token_file'],
    [{ tls: { caFile: '/nowhere', insecureSkipVerify: false } }, 'loki.tls.ca_file'],
  ] as [Partial<Settings>, string][])('%j', async (more, setting) => {
    expect((await refusal(more)).setting).toBe(setting);
  });
});
