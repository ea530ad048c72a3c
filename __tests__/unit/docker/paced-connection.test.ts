import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { EngineEndpoint } from '../../../src/docker/endpoint.js';
import { PacedConnection, type ConnectionReader } from '../../../src/docker/paced-connection.js';
import { READ_BYTES } from '../../../src/docker/read-buffers.js';
import { SocketLedger } from '../../../src/docker/socket-ledger.js';
import { seededRandom } from '../../../src/simulators/engine/index.js';
import { until } from '../../support/until.js';

let folder: string;
let endpoint: EngineEndpoint;
let server: Server | undefined;
const clients = new Set<Socket>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pollard-paced-'));
  endpoint = { kind: 'unix', path: join(folder, 'd.sock') };
});

afterEach(async () => {
  for (const client of clients) client.destroy();
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  server = undefined;
  await rm(folder, { recursive: true });
});

/** Serves each connection once its first bytes have come. */
async function serving(serve: (socket: Socket, request: string) => void): Promise<void> {
  server = createServer((socket) => {
    clients.add(socket);
    socket.on('close', () => clients.delete(socket));
    socket.on('error', () => undefined);
    socket.once('data', (request) => serve(socket, request.toString()));
  });
  await new Promise<void>((resolve) => server!.listen((endpoint as { path: string }).path, resolve));
}

/** Notes what it is told. Of the bytes only a digest, taken at once: they are overwritten. */
class Noted implements ConnectionReader {
  readonly digest = createHash('sha256');
  bytes = 0;
  reads = 0;
  over = false;
  error: Error | undefined;
  largest = 0;
  onReceived: (() => void) | undefined;

  received(source: Buffer, end: number): void {
    expect(this.over).toBe(false);
    this.digest.update(source.subarray(0, end));
    this.bytes += end;
    this.reads++;
    this.largest = Math.max(this.largest, end);
    this.onReceived?.();
  }

  ended(): void {
    expect(this.over).toBe(false);
    this.over = true;
  }

  failed(error: Error): void {
    this.error = error;
  }
}

function open(reader: ConnectionReader, unpaced = false) {
  const ledger = new SocketLedger();
  const connection = new PacedConnection(endpoint, { ledger, unpaced }, reader);
  return { ledger, connection };
}

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe.each([
  ['paced', false],
  ['unpaced', true],
])('%s', (_, unpaced) => {
  test('many at a time, written in pieces of any size: each reads its own bytes, all of them, in order', async () => {
    const random = seededRandom(1);
    const bodies = Array.from({ length: 40 }, (_, i) => {
      const body = Buffer.alloc(Math.floor(random() * 300_000));
      for (let at = 0; at < body.length; at++) body[at] = (at * 31 + i * 7 + (at >> 8)) & 0xff;
      return body;
    });
    await serving((socket, request) => {
      const body = bodies[Number(request)]!;
      void (async () => {
        for (let at = 0; at < body.length;) {
          const end = at + 1 + Math.floor(random() ** 4 * 100_000);
          socket.write(body.subarray(at, end));
          at = end;
          if (random() < 0.3) await delay(1);
          else if (random() < 0.5) await turn();
        }
        socket.end();
      })();
    });
    await Promise.all(
      bodies.map(async (body, i) => {
        const reader = new Noted();
        const { connection, ledger } = open(reader, unpaced);
        connection.write(String(i));
        await until('all is read', () => reader.over || reader.error !== undefined);
        await connection.end();
        expect(reader.error).toBeUndefined();
        expect(reader.bytes).toBe(body.length);
        expect(reader.digest.digest('hex')).toBe(digestOf(body));
        expect(ledger.open).toBe(0);
      }),
    );
  });

  test('while it pauses nothing is read, and the other side has to wait', async () => {
    let written = 0;
    const piece = Buffer.alloc(64 * 1024, 'x');
    await serving((socket) => {
      const write = (): void => {
        while (written < 64 * 1024 * 1024) {
          written += piece.length;
          if (!socket.write(piece)) {
            socket.once('drain', write);
            return;
          }
        }
        socket.end();
      };
      write();
    });
    const reader = new Noted();
    const { connection } = open(reader, unpaced);
    reader.onReceived = () => connection.pause();
    connection.write('go');
    await until('something is read', () => reader.bytes > 0);
    await delay(100);
    const { bytes } = reader;
    await delay(100);
    expect(reader.bytes).toBe(bytes);
    expect(bytes).toBeLessThan(1024 * 1024);
    expect(written).toBeLessThan(8 * 1024 * 1024);

    reader.onReceived = undefined;
    connection.resume();
    await until('all is read', () => reader.over);
    expect(reader.bytes).toBe(64 * 1024 * 1024);
    await connection.end();
  });

  test('paused and resumed at each read: all comes, in order', async () => {
    const body = Buffer.alloc(2_000_000);
    for (let at = 0; at < body.length; at++) body[at] = (at * 31 + (at >> 8)) & 0xff;
    await serving((socket) => socket.end(body));
    const reader = new Noted();
    const { connection } = open(reader, unpaced);
    const random = seededRandom(2);
    reader.onReceived = () => {
      connection.pause();
      if (random() < 0.3) connection.resume();
      else if (random() < 0.5) setImmediate(() => connection.resume());
      else setTimeout(() => connection.resume(), 2);
    };
    connection.write('go');
    await until('all is read', () => reader.over);
    expect(reader.digest.digest('hex')).toBe(digestOf(body));
    await connection.end();
  });

  test('ended in the middle: nothing is told any more, also not that the other side broke off', async () => {
    const sockets: Socket[] = [];
    await serving((socket) => {
      sockets.push(socket);
      socket.write(Buffer.alloc(1_000_000));
    });
    const reader = new Noted();
    const { connection, ledger } = open(reader, unpaced);
    let over: Promise<void> | undefined;
    reader.onReceived = () => {
      if (over !== undefined) throw new Error('told behind its end');
      over = connection.end();
    };
    connection.write('go');
    await until('something is read', () => over !== undefined);
    await over;
    expect(ledger.open).toBe(0);
    sockets.forEach((socket) => socket.destroy());
    await delay(20);
    expect(reader).toMatchObject({ reads: 1, over: false, error: undefined });
    // Also when it is no longer there.
    connection.pause();
    connection.resume();
    await connection.end();
  });

  test('broken off by the other side', async () => {
    await serving((socket) => socket.destroy());
    const reader = new Noted();
    const { connection, ledger } = open(reader, unpaced);
    connection.write('go');
    await until('it is over', () => reader.over || reader.error !== undefined);
    await connection.end();
    expect(ledger.open).toBe(0);
  });

  test('nobody there', async () => {
    const reader = new Noted();
    const { connection, ledger } = open(reader, unpaced);
    connection.write('go');
    await until('it fails', () => reader.error !== undefined);
    expect(reader.error).toMatchObject({ code: 'ENOENT' });
    await connection.end();
    expect(ledger.opened).toBe(0);
  });
});

test('paced: what was written little by little is read in few gulps, none larger than a buffer', async () => {
  const lines = 3000;
  await serving((socket) => {
    void (async () => {
      for (let i = 0; i < lines; i++) {
        socket.write('x'.repeat(100));
        if (i % 10 === 9) await turn();
      }
      socket.end();
    })();
  });
  const reader = new Noted();
  const { connection } = open(reader);
  connection.write('go');
  await until('all is read', () => reader.over);
  await connection.end();
  expect(reader.bytes).toBe(lines * 100);
  expect(reader.reads).toBeLessThan(lines / 2);
  expect(reader.largest).toBeLessThanOrEqual(READ_BYTES);
});
