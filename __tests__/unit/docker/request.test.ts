import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createServer as createTcp, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import * as z from 'zod';
import type { EngineEndpoint } from '../../../src/docker/endpoint.js';
import { EngineError } from '../../../src/docker/engine-error.js';
import { engineGet, engineJson, type EngineRequest } from '../../../src/docker/request.js';
import { SocketLedger } from '../../../src/docker/socket-ledger.js';
import { LOOPBACK_CERTIFICATE } from '../../support/loopback-certificate.js';
import { withEngine } from '../../support/simulated-engine.js';

let dir: string;
let ledger: SocketLedger;
let closers: (() => Promise<void>)[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pollard-request-'));
  ledger = new SocketLedger();
  closers = [];
});
afterEach(async () => {
  for (const close of closers) await close();
  await rm(dir, { recursive: true });
  // Whatever a test did: what was opened is closed.
  expect(ledger.open).toBe(0);
});

/** Listens on a socket of the test's own, or on a free port of the loopback. */
async function listen(server: Server, tcp = false): Promise<EngineEndpoint> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  const path = join(dir, 'd.sock');
  await new Promise<void>((resolve) => {
    if (tcp) server.listen(0, '127.0.0.1', resolve);
    else server.listen(path, resolve);
  });
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') return { kind: 'unix', path };
  return { kind: 'tcp', host: '127.0.0.1', port: address.port };
}
const http = (listener: RequestListener): Promise<EngineEndpoint> => listen(createHttp(listener));
const raw = (answer: (socket: Socket) => void): Promise<EngineEndpoint> =>
  listen(createTcp((socket) => socket.once('data', () => answer(socket))));

function request(endpoint: EngineEndpoint, over: Partial<EngineRequest> = {}): EngineRequest {
  return {
    endpoint,
    ledger,
    path: '/v1.41/containers/json',
    signal: new AbortController().signal,
    timeoutMs: 30_000,
    maxBytes: 1000,
    ...over,
  };
}

async function failure(promise: Promise<unknown>): Promise<EngineError> {
  const error: unknown = await promise.then(
    () => new Error('did not fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EngineError);
  const engineError = error as EngineError;
  // What every one of them owes to who reads it at night.
  expect(engineError).toMatchObject({ setting: expect.stringMatching(/^docker\./), exit: 'engine' });
  expect(engineError.hint).toMatch(/\w/);
  return engineError;
}

describe('a good answer', () => {
  test('is a GET on a connection of its own, which is gone afterwards', async () => {
    const asked: unknown[] = [];
    const endpoint = await http(({ method, url, headers }, response) => {
      asked.push([method, url, headers.connection, headers.host]);
      response.setHeader('Api-Version', '1.41');
      response.end('{"a":1}');
    });
    const query = { since: '1.000000001', x: 'a b&c' };
    const json = await engineJson(request(endpoint, { query }), z.object({ a: z.number() }));
    expect(json).toEqual({ a: 1 });
    expect(asked).toEqual([
      ['GET', '/v1.41/containers/json?since=1.000000001&x=a+b%26c', 'close', 'localhost'],
    ]);
    expect([ledger.opened, ledger.closed, ledger.open]).toEqual([1, 1, 0]);
    const { headers } = await engineGet(request(endpoint));
    expect(headers['api-version']).toBe('1.41');
    expect(ledger.opened).toBe(2);
  });

  test('a socket counts while it is open', async () => {
    let open = 0;
    const endpoint = await http((_, response) => {
      open = ledger.open;
      response.end('{}');
    });
    await engineGet(request(endpoint));
    expect(open).toBe(1);
  });

  test('over TCP, and over TLS with the authority given', async () => {
    const plain = await listen(
      createHttp((_, response) => response.end('plain')),
      true,
    );
    expect((await engineGet(request(plain))).body.toString()).toBe('plain');
    const server = createHttps(LOOPBACK_CERTIFICATE, (_, response) => response.end('sealed'));
    const endpoint = await listen(server, true);
    const tls = { ca: Buffer.from(LOOPBACK_CERTIFICATE.cert) };
    expect((await engineGet(request({ ...endpoint, tls } as EngineEndpoint))).body.toString()).toBe('sealed');
    expect(ledger.opened).toBe(2);
  });

  test('of exactly the bytes allowed is taken', async () => {
    const endpoint = await http((_, response) => response.end('x'.repeat(1000)));
    expect((await engineGet(request(endpoint))).body).toHaveLength(1000);
  });
});

describe('what the Engine answers', () => {
  const json = (message: string): string => JSON.stringify({ message });
  const tooOld =
    'client version 1.24 is too old. Minimum supported API version is 1.44, please upgrade your client to a newer version';

  test.each([
    [400, json(tooOld), 'engine_version_refused', tooOld],
    [400, tooOld, 'engine_version_refused', tooOld],
    [
      400,
      json('client version 1.99 is too new. Maximum supported API version is 1.41'),
      'engine_version_refused',
      '1.99',
    ],
    [400, 'Client sent an HTTP request to an HTTPS server.\n', 'engine_tls', 'HTTPS server'],
    [400, json('bad filter'), 'engine_refused', 'bad filter'],
    [401, '', 'engine_permission', 'answered 401 '],
    [403, '<html>Forbidden</html>', 'engine_permission', 'Forbidden'],
    [404, json('No such container: x'), 'engine_not_found', 'No such container: x'],
    [
      409,
      json('can not get logs from container which is dead or marked for removal'),
      'engine_conflict',
      'dead',
    ],
    [429, '', 'engine_refused', 'answered 429'],
    [500, json('boom\n\u001b[31mred'), 'engine_server_error', 'boom [31mred'],
    [501, json('configured logging driver does not support reading'), 'engine_not_implemented', 'driver'],
    [503, 'x'.repeat(100_000), 'engine_server_error', `${'x'.repeat(300)}… (GET`],
    [302, '', 'engine_bad_answer', 'answered 302'],
  ])('%i %s', async (status, body, code, message) => {
    const endpoint = await http((_, response) => response.writeHead(status).end(body));
    const path = `/v1.41/containers/${'ab'.repeat(32)}/json`;
    const error = await failure(engineGet(request(endpoint, { path, container: 'shop' })));
    expect(error).toMatchObject({ code, status, container: 'shop' });
    expect(error.message).toContain(message);
    expect(error.message).toContain(`unix://${dir}`);
    expect(error.message).toContain('GET /v1.41/containers/abababababab/json');
    expect(error.message.length).toBeLessThan(700);
  });

  test('404 for a path that every Engine knows: no Engine', async () => {
    const endpoint = await http((_, response) => response.writeHead(404).end('nginx'));
    expect((await failure(engineGet(request(endpoint, { path: '/_ping' })))).code).toBe('engine_bad_answer');
  });

  test.each([
    ['not json', 'something that is not JSON'],
    ['', 'something that is not JSON'],
    ['{"a":"1"}', 'unexpected JSON (a:'],
    ['[]', 'unexpected JSON'],
  ])('%j instead of what was asked for', async (body, problem) => {
    const endpoint = await http((_, response) => response.end(body));
    const error = await failure(engineJson(request(endpoint), z.object({ a: z.number() })));
    expect(error.code).toBe('engine_bad_answer');
    expect(error.message).toContain(problem);
  });

  test('without end: cut off at the bound', async () => {
    let written = 0;
    const endpoint = await http((_, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write('x'.repeat(10_000))) written += 10_000;
        if (!response.destroyed) response.once('drain', write);
      };
      write();
    });
    const error = await failure(engineGet(request(endpoint, { maxBytes: 100_000 })));
    expect(error.code).toBe('engine_answer_too_large');
    expect(error.message).toContain('more than 100000 bytes');
    expect(written).toBeLessThan(20_000_000);
  });

  test.each<[string, (plain: string) => Buffer]>([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('an error that a proxy encoded as %s is understood and quoted', async (encoding, encode) => {
    const endpoint = await http((_, response) =>
      response.writeHead(400, { 'content-encoding': encoding }).end(encode(json(tooOld))),
    );
    const error = await failure(engineGet(request(endpoint)));
    expect(error.code).toBe('engine_version_refused');
    expect(error.message).toContain(tooOld);
  });

  test('an error in an encoding that is not known: named, and no binary junk', async () => {
    const endpoint = await http((_, response) =>
      response.writeHead(403, { 'content-encoding': 'zstd' }).end(gzipSync('no')),
    );
    expect((await failure(engineGet(request(endpoint)))).message).toContain(
      'answered 403: (a body in the encoding zstd) (GET',
    );
  });

  test('a good answer that a proxy encoded is decoded, up to the bound', async () => {
    let accepted: unknown;
    const endpoint = await http(({ headers, url }, response) => {
      accepted = headers['accept-encoding'];
      response.setHeader('content-encoding', 'gzip');
      if (url === '/broken') response.end(gzipSync('x'.repeat(1000)).subarray(0, 15));
      else response.end(gzipSync('x'.repeat(url === '/large' ? 1001 : 1000)));
    });
    expect((await engineGet(request(endpoint))).body.toString()).toBe('x'.repeat(1000));
    expect(accepted).toBe('identity');
    expect((await failure(engineGet(request(endpoint, { path: '/large' })))).code).toBe(
      'engine_answer_too_large',
    );
    const broken = await failure(engineGet(request(endpoint, { path: '/broken' })));
    expect(broken.code).toBe('engine_bad_answer');
    expect(broken.message).toContain('a body in the encoding gzip that cannot be decoded');
  });

  test('an error without end: quoted from its beginning', async () => {
    const endpoint = await http((_, response) => {
      response.writeHead(500);
      const write = (): void => {
        while (!response.destroyed && response.write('boom'.repeat(1000)));
        if (!response.destroyed) response.once('drain', write);
      };
      write();
    });
    expect((await failure(engineGet(request(endpoint)))).code).toBe('engine_server_error');
  });
});

describe('the way to the Engine', () => {
  test('no socket: says how to get one', async () => {
    const error = await failure(engineGet(request({ kind: 'unix', path: join(dir, 'none.sock') })));
    expect(error.code).toBe('engine_unreachable');
    expect(error.message).toContain('ENOENT');
    expect(error.hint).toContain('mount /var/run/docker.sock');
    expect(ledger.opened).toBe(0);
  });

  test('nobody listens', async () => {
    const closed = await listen(createTcp(), true);
    for (const close of closers.splice(0)) await close();
    const error = await failure(engineGet(request(closed)));
    expect(error.code).toBe('engine_unreachable');
    expect(error.hint).toContain('systemctl start docker');
  });

  test('a file that is no socket', async () => {
    const path = join(dir, 'file');
    await writeFile(path, '');
    expect((await failure(engineGet(request({ kind: 'unix', path })))).code).toBe('engine_unreachable');
  });

  test('no permission: names the group docker', async () => {
    const endpoint = await http((_, response) => response.end('{}'));
    if (endpoint.kind !== 'unix') throw new Error('not a socket');
    await chmod(endpoint.path, 0);
    // Root may do everything: for the time of the connection this process is somebody else.
    const root = process.geteuid?.() === 0;
    if (root) {
      await chmod(dir, 0o755);
      process.seteuid?.(65534);
    }
    try {
      const error = await failure(engineGet(request(endpoint)));
      expect(error.code).toBe('engine_permission');
      expect(error.hint).toContain('group docker');
    } finally {
      if (root) process.seteuid?.(0);
    }
  });

  test.each<[string, (socket: Socket) => void, string]>([
    ['closed instead of an answer', (socket) => socket.destroy(), 'engine_reset'],
    ['closed in the header', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-'), 'engine_reset'],
    [
      'closed in the body',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'),
      'engine_reset',
    ],
    [
      'closed in a chunk',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab'),
      'engine_reset',
    ],
    ['another protocol', (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'), 'engine_bad_answer'],
    [
      'a header without end',
      (socket) => socket.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}`),
      'engine_bad_answer',
    ],
  ])('%s', async (_, answer, code) => {
    expect((await failure(engineGet(request(await raw(answer))))).code).toBe(code);
  });

  test.each<[string, (socket: Socket) => void]>([
    ['nothing', () => undefined],
    [
      'a header and nothing more',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'),
    ],
  ])('%s is answered: the deadline ends it', async (_, answer) => {
    const error = await failure(engineGet(request(await raw(answer), { timeoutMs: 50 })));
    expect(error.code).toBe('engine_timeout');
    expect(error.message).toContain('within 50 ms');
    expect(ledger.opened).toBe(1);
  });

  test('the caller gives up: its reason, before, while, and behind the header', async () => {
    const reason = new Error('shutting down');
    const endpoint = await raw((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'));
    await expect(engineGet(request(endpoint, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    expect(ledger.opened).toBe(0);
    for (const wait of [0, 20]) {
      const controller = new AbortController();
      const asked = engineGet(request(endpoint, { signal: controller.signal }));
      setTimeout(() => controller.abort(reason), wait);
      await expect(asked).rejects.toBe(reason);
    }
  });

  test('TLS that does not come about leaves no socket behind', async () => {
    // Takes the connection and never says a word of TLS.
    const mute = await listen(createTcp(), true);
    const endpoint = { ...mute, tls: {} } as EngineEndpoint;
    expect((await failure(engineGet(request(endpoint, { timeoutMs: 50 })))).code).toBe('engine_timeout');
    expect([ledger.opened, ledger.open]).toEqual([1, 0]);
  });

  test('a certificate that nobody vouches for; TLS where none is spoken; none where TLS is', async () => {
    const sealed = await listen(
      createHttps(LOOPBACK_CERTIFICATE, (_, response) => response.end()),
      true,
    );
    const untrusted = await failure(engineGet(request({ ...sealed, tls: {} } as EngineEndpoint)));
    expect(untrusted.code).toBe('engine_tls');
    expect(untrusted.hint).toContain('docker.tls.ca');
    const plain = await listen(
      createHttp((_, response) => response.end()),
      true,
    );
    expect((await failure(engineGet(request({ ...plain, tls: {} } as EngineEndpoint)))).code).toBe(
      'engine_tls',
    );
    expect(['engine_reset', 'engine_bad_answer']).toContain((await failure(engineGet(request(sealed)))).code);
    const tls = { ca: Buffer.from(LOOPBACK_CERTIFICATE.cert), servername: 'other.example' };
    const other = await failure(engineGet(request({ ...sealed, tls } as EngineEndpoint)));
    expect(other.code).toBe('engine_tls');
  });
});

test('the simulated Engine sees one connection a request and none between', async () => {
  await withEngine({}, async (engine) => {
    const endpoint: EngineEndpoint = { kind: 'unix', path: engine.socketPath };
    for (let n = 0; n < 20; n++) await engineGet(request(endpoint, { path: '/_ping' }));
    expect(ledger.peak).toBe(1);
    await Promise.all(Array.from({ length: 20 }, () => engineGet(request(endpoint, { path: '/_ping' }))));
    expect(engine.connections().total).toBe(40);
    expect(ledger.opened).toBe(40);
    expect(ledger.open).toBe(0);
    expect(ledger.peak).toBeGreaterThan(1);
    expect(ledger.peak).toBeLessThanOrEqual(20);
    expect(engine.requests.violations).toEqual([]);
  });
});
