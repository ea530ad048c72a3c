import { describe, expect, test } from '@jest/globals';
import { statfsSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { SettingTexts } from '../../support/collector/installation.js';
import type { Service } from '../../support/collector/service.js';
import { withSite, type Site } from '../../support/commands/site.js';
import { withSmallDisk } from '../../support/small-disk.js';
import { until } from '../../support/until.js';

const PAGE = 4096;
const FROM_THE_BEGINNING: SettingTexts = { start: 'beginning', 'shutdown.timeout': '5s' };
/** A Loki or an Engine that hangs is waited for longer than any test lasts, unless something gives up the waiting. */
const PATIENT: SettingTexts = { 'loki.timeout': '10m', 'docker.timeout': '10m', 'poll.deadline': '10m' };

/** Leaves no room on the disk. */
function fill(disk: string): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'filler'), Buffer.alloc(Math.floor((bavail * bsize) / PAGE) * PAGE));
}

/**
 * The process ends after one SIGTERM, and "stopped" is the last that it says. How long it takes is not asserted: what
 * outlives the end here would go on for ever, or for the ten minutes of PATIENT.
 */
async function expectToEnd(service: Service): Promise<void> {
  service.signal('SIGTERM');
  await until('the process has ended', () => !service.running, { instead: () => service.lastWords() });
  expect(await service.ended).toEqual({ code: 0, signal: null });
  expect(service.records.at(-1)).toMatchObject({ message: 'stopped', engine_sockets: 0 });
}

function write(site: Site, lines: number, bytes = 20): void {
  const container = site.engine.find('web') ?? site.engine.addContainer({ name: 'web' });
  for (let i = 0; i < lines; i++) {
    container.writeLine(i % 2 === 0 ? 'stdout' : 'stderr', `${i} ${'x'.repeat(bytes)}`);
  }
}

describe('the process ends after SIGTERM', () => {
  test('with a full disk under the cursors, and a Loki that answers 503 after the first push', async () => {
    await withSmallDisk(64, async (disk) => {
      const settings = {
        ...FROM_THE_BEGINNING,
        'collector.state_dir': join(disk, 'state'),
        'loki.batch.max_bytes': '16KiB',
      };
      await withSite({ settings }, async (site) => {
        write(site, 2);
        const service = await site.run();
        await site.untilStored(2);
        await until('its cursor is written', async () => {
          const { stdout } = await site.pollard(['cursors', 'list', '--json']);
          return (JSON.parse(stdout) as { cursors: unknown[] }).cursors.length === 1;
        });
        fill(disk);
        site.loki.outage({ delayMs: 0 }, { endpoint: 'push', forRequests: 2 });
        site.loki.outage({ status: 503 }, { endpoint: 'push' });
        write(site, 60, 2000);
        await service.logged('a cursor cannot be written');
        await until('Loki answers 503', () => site.loki.outagesStruck > 2);
        await expectToEnd(service);
      });
    });
  });

  test('with a full disk under the rejected-lines file, and a Loki that answers 503 later', async () => {
    await withSmallDisk(64, async (disk) => {
      const settings = {
        ...FROM_THE_BEGINNING,
        'rejected.file': join(disk, 'rejected.jsonl'),
        'loki.batch.max_bytes': '16KiB',
      };
      await withSite({ settings, loki: { limits: { maxLineBytes: 2000 } } }, async (site) => {
        write(site, 2);
        const service = await site.run();
        await site.untilStored(2);
        fill(disk);
        site.loki.outage({ delayMs: 0 }, { endpoint: 'push', forRequests: 2 });
        site.loki.outage({ status: 503 }, { endpoint: 'push' });
        write(site, 60, 3000);
        await service.logged('Loki does not take what is sent');
        await expectToEnd(service);
      });
    });
  });

  test('with a Loki that takes no connection to its end', async () => {
    // TCP, but never a word of TLS.
    const silent = await listening(createServer());
    try {
      const settings = { ...FROM_THE_BEGINNING, ...PATIENT, 'shutdown.timeout': '500ms' };
      await withSite({ settings }, async (site) => {
        write(site, 10);
        const connected = once(silent.server, 'connection');
        const service = await site.run({ 'loki.url': `https://127.0.0.1:${silent.port}` });
        await connected;
        await expectToEnd(service);
      });
    } finally {
      silent.close();
    }
  });

  test.each([
    ['answers 503', { status: 503 }],
    ['refuses the token', { status: 401 }],
    ['is not there', 'refuse'],
  ] as const)('without waiting for a Loki that %s; the next start loses nothing', async (_, mode) => {
    const settings = { ...FROM_THE_BEGINNING, ...PATIENT, 'shutdown.timeout': '10m' };
    await withSite({ settings }, async (site) => {
      write(site, 10);
      let lift = (): unknown => undefined;
      if (mode === 'refuse') await site.loki.stopListening();
      else lift = site.loki.outage(mode);
      const service = await site.run();
      await service.logged('Loki does not take what is sent');
      await expectToEnd(service);
      if (mode === 'refuse') await site.loki.listen();
      else lift();
      const { code, summary } = await site.catchUp();
      expect([code, summary.lines, site.loki.entries().length]).toEqual([0, 10, 10]);
    });
  });

  test('once a slow Loki has taken what was read', async () => {
    const settings = { ...FROM_THE_BEGINNING, ...PATIENT, 'shutdown.timeout': '10m' };
    await withSite({ settings }, async (site) => {
      write(site, 10);
      site.loki.outage({ delayMs: 3000 }, { endpoint: 'push' });
      const service = await site.run();
      await until('a push is under way', () => site.loki.outagesStruck > 0);
      await expectToEnd(service);
      expect(site.loki.entries()).toHaveLength(10);
    });
  });

  test.each(['hang', 'hang-after-accept'] as const)('with a Loki that never answers (%s)', async (outage) => {
    const settings = { ...FROM_THE_BEGINNING, ...PATIENT, 'shutdown.timeout': '500ms' };
    await withSite({ settings }, async (site) => {
      write(site, 10);
      site.loki.outage(outage, { endpoint: 'push' });
      const service = await site.run();
      await until('a push hangs', () => site.loki.outagesStruck > 0);
      await expectToEnd(service);
    });
  });

  test.each([
    ['events', 'hang_before_header'],
    ['list', 'hang_before_header'],
    ['inspect', 'hang_before_header'],
    ['logs', 'hang_before_header'],
    ['logs', 'hang_after_header'],
    ['logs', 'stall'],
  ] as const)('with an Engine that hangs (%s, %s)', async (endpoint, kind) => {
    const settings = { ...FROM_THE_BEGINNING, ...PATIENT };
    await withSite({ settings }, async (site) => {
      write(site, 10);
      site.engine.fault({ endpoint }, kind === 'stall' ? { kind, afterPieces: 1 } : { kind });
      const service = await site.launch(['run']).listening();
      await site.untilStruck();
      await expectToEnd(service);
      expect(site.engine.connections().open).toBe(0);
    });
  });

  test.each([
    ['says nothing', ''],
    ['stops in the middle of a request', 'GET /metr'],
    ['reads no answer', 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2000)],
  ])('with a client of the status page that %s', async (_, text) => {
    await withSite({ settings: FROM_THE_BEGINNING }, async (site) => {
      write(site, 10);
      const service = await site.run();
      const clients = await Promise.all(Array.from({ length: 20 }, () => mute(service.url, text)));
      await site.untilStored(10);
      await expectToEnd(service);
      for (const client of clients) client.destroy();
    });
  });
});

/** A client of the status page that sends something and never reads. */
async function mute(url: string, text: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.pause();
  socket.write(text);
  return socket;
}

async function listening(server: Server): Promise<{ server: Server; port: number; close: () => void }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { server, port: (server.address() as { port: number }).port, close };
}
