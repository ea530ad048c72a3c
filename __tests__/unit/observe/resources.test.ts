import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorResources } from '../../../src/observe/resource-monitor.js';
import { DEFAULT_RESOURCE_WATCH } from '../../../src/observe/resource-rules.js';
import { ResourceWatch } from '../../../src/observe/resource-watch.js';
import { parseFdLimit, ResourceSampler, type ResourceSample } from '../../../src/observe/resources.js';
import { ManualClock } from '../../support/manual-clock.js';
import { until } from '../../support/until.js';

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max processes             63459                63459                processes 
Max open files            1024                 524288               files     
Max locked memory         8388608              8388608              bytes     
`;

describe('the limit of file descriptors', () => {
  test('is the soft one', () => {
    expect(parseFdLimit(LIMITS)).toBe(1024);
    expect(parseFdLimit(LIMITS.replace('1024  ', 'unlimited'))).toBe(Infinity);
    expect(parseFdLimit('')).toBeUndefined();
  });
});

describe('the sampler', () => {
  let folder: string;
  let sampler: ResourceSampler;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pollard-proc-'));
  });
  afterEach(async () => {
    sampler.close();
    await rm(folder, { recursive: true });
  });

  const make = (procFolder?: string) =>
    (sampler = new ResourceSampler({
      clock: new ManualClock(),
      engineSockets: () => 3,
      pushes: () => ({ tried: 10, failed: 1 }),
      ...(procFolder === undefined ? {} : { procFolder }),
    }));

  test('counts descriptors without the one it looks with', async () => {
    await mkdir(join(folder, 'fd'));
    await writeFile(join(folder, 'limits'), LIMITS);
    for (const fd of ['0', '1', '2', '17']) await writeFile(join(folder, 'fd', fd), '');
    expect(await make(folder).sample()).toMatchObject({
      at: 0,
      fds: 3,
      fdLimit: 1024,
      engineSockets: 3,
      pushes: { tried: 10, failed: 1 },
    });
  });

  test('where the system does not tell, they are unknown, and the rest is told', async () => {
    const sample = await make(join(folder, 'nothing')).sample();
    expect(sample.fds).toBeUndefined();
    expect(sample.fdLimit).toBeUndefined();
    expect(sample.rss).toBeGreaterThan(1e6);
    expect(sample.heapUsed).toBeGreaterThan(1e5);
    expect(sample.lag).toBeGreaterThanOrEqual(0);
  });

  test('sees live resources come and go', async () => {
    make();
    const before = await sampler.sample();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const during = await sampler.sample();
    await new Promise((resolve) => server.close(resolve));
    expect(during.live['TCPServerWrap'] ?? 0).toBe((before.live['TCPServerWrap'] ?? 0) + 1);
    expect(during.liveTotal).toBe(Object.values(during.live).reduce((sum, n) => sum + n, 0));
  });

  test('does not count the connections of the status page: they are as many as its clients like', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    let accepted = 0;
    const sockets: Socket[] = [];
    server.on('connection', (socket) => {
      accepted++;
      sockets.push(socket);
    });
    let clients = 0;
    sampler = new ResourceSampler({
      clock: new ManualClock(),
      engineSockets: () => 0,
      statusConnections: () => clients,
      pushes: () => ({ tried: 0, failed: 0 }),
    });
    for (let i = 0; i < 3; i++) sockets.push(connect(port, '127.0.0.1'));
    await until('they are accepted', () => accepted === 3);
    const all = await sampler.sample();
    clients = 3;
    const ours = await sampler.sample();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    expect(all.live['TCPSocketWrap']).toBeGreaterThanOrEqual(6);
    expect(ours.live['TCPSocketWrap']).toBe((all.live['TCPSocketWrap'] ?? 0) - 3);
    expect(ours.liveTotal).toBe(Object.values(ours.live).reduce((sum, n) => sum + n, 0));
  });

  test('notices that the event loop stood still', async () => {
    make();
    // Two ticks of the measurement, so that there is one to be late.
    await new Promise((resolve) => setTimeout(resolve, 250));
    const until = performance.now() + 400;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await sampler.sample()).lag).toBeGreaterThan(0.2);
    // Told once.
    expect((await sampler.sample()).lag).toBeLessThan(0.2);
  });
});

test('the monitor samples at its interval until told to stop', async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const told: number[] = [];
  const sample = async (): Promise<ResourceSample> => ({
    at: clock.monotonic(),
    live: {},
    liveTotal: 1,
    fds: 1,
    fdLimit: 100,
    rss: 1,
    heapUsed: 1,
    heapTotal: 1,
    external: 1,
    lag: 0,
    engineSockets: 0,
    pushes: { tried: 0, failed: 0 },
  });
  const watch = new ResourceWatch(DEFAULT_RESOURCE_WATCH);
  const running = monitorResources(
    {
      clock,
      sample,
      watch,
      interval: 10_000,
      onVerdict: (verdict, { at }) => told.push(verdict.state === 'healthy' ? at : -1),
    },
    stop.signal,
  );
  await clock.pass(25_000);
  stop.abort();
  await running;
  expect(told).toEqual([0, 10_000, 20_000]);
});
