import { setTimeout as delay } from 'node:timers/promises';
import { startEngineSimulator } from '../../../src/simulators/engine/index.js';
import { runContainer } from '../../support/engines/container.js';
import { connectedUnixSocketsOf, cpuSecondsOf, openFilesOf, rssOf } from '../process-status.js';
import { ServiceProcess } from '../service-process.js';
import { until } from '../until.js';
import { MIB, type BenchContext } from './bench-context.js';
import type { Row } from './row.js';
import { join } from 'node:path';

/** Simulated containers; the last of these is the one with the goal. */
const FLEETS = [100, 500, 1000] as const;
/** Real ones: each has a shim of 18 MiB beside it. */
const REAL = 100;
/** Lines of each, written before the service starts. */
const LINES = 50;
/** Twice the longest interval between two polls: each container is polled twice in it, whenever it begins. */
const WINDOW_S = 30;
const LOOK_EVERY_MS = 7;

interface Idle {
  readonly cpu: number[];
  readonly cpuPerThousandPolls: number[];
  readonly rss: number[];
  readonly fds: number[];
  readonly pollsPerSecond: number[];
  /** Of the daemon; of a simulated one there is none. */
  readonly daemonCpu: number[];
  readonly settled: number;
}

/** Simulated fleets that write nothing, with default settings. */
export async function measureIdleFleet(context: BenchContext): Promise<Row[]> {
  const rows: Row[] = [];
  for (const count of FLEETS) {
    context.say(`${count} idle containers ...`);
    const folder = context.scratch.fresh();
    const engine = await startEngineSimulator({ socketPath: join(folder, 'docker.sock'), profile: '28.5' });
    try {
      for (let i = 0; i < count; i++) {
        const container = engine.addContainer({ name: `idle-${i}`, tty: i % 10 === 0 });
        for (let line = 0; line < LINES; line++) container.writeLine('stdout', `line ${line} of ${i}`);
      }
      const idle = await measured(context, engine.socketPath, count, undefined);
      const goal = count === FLEETS[FLEETS.length - 1];
      const row = (what: string, limit: number | undefined, unit: Row['unit'], values: number[]): Row => ({
        name: 'idle-fleet',
        what: `${count.toLocaleString('en')} idle containers, default settings, ${what}`,
        baseline: '',
        goal: limit,
        unit,
        values,
      });
      rows.push(
        row('CPU', goal ? 5 : undefined, '% of a core', idle.cpu),
        row('RSS', goal ? 120 : undefined, 'MiB', idle.rss),
      );
      if (goal) {
        rows.push(
          row('CPU a 1,000 polls', undefined, 's', idle.cpuPerThousandPolls),
          row('file descriptors', undefined, '', idle.fds),
        );
      }
    } finally {
      await engine.close();
    }
  }
  return rows;
}

/** Real containers that write nothing, with default settings, and the sockets to their Engine. */
export async function measureRealFleet(context: BenchContext): Promise<Row[]> {
  context.say(`starting ${REAL} real containers ...`);
  const engine = await context.engine();
  const containers = [];
  for (let i = 0; i < REAL; i++) {
    const cmd = `seq ${LINES}; exec sleep 1000000`;
    containers.push(await runContainer(engine, { name: `idle-${i}`, cmd }));
  }
  try {
    context.say(`${REAL} idle real containers ...`);
    const idle = await measured(context, engine.socketPath, REAL, engine.pid);
    const between = await socketsBetweenPolls(context, engine.socketPath);
    const row = (what: string, goal: number | undefined, unit: Row['unit'], values: number[]): Row => ({
      name: 'real-fleet',
      what,
      baseline: '',
      goal,
      unit,
      values,
    });
    const fleet = `${REAL} idle real containers, default settings`;
    return [
      row('live Engine sockets between polls', 0, '', between),
      row(`${fleet}, CPU`, undefined, '% of a core', idle.cpu),
      row(`${fleet}, daemon CPU`, undefined, '% of a core', idle.daemonCpu),
      row(`${fleet}, CPU a 1,000 polls`, undefined, 's', idle.cpuPerThousandPolls),
      row(`${fleet}, file descriptors`, undefined, '', idle.fds),
    ];
  } finally {
    await Promise.all(containers.map((container) => container.remove()));
  }
}

async function measured(
  context: BenchContext,
  socketPath: string,
  count: number,
  daemon: number | undefined,
): Promise<Idle> {
  const service = await ServiceProcess.start({
    folder: context.scratch.fresh(),
    socketPath,
    lokiUrl: (await context.loki()).url,
    settings: { containers: { include: ['idle-*'] } },
  });
  try {
    await settled(service, count);
    const idle: Idle = {
      cpu: [],
      cpuPerThousandPolls: [],
      rss: [],
      fds: [],
      pollsPerSecond: [],
      daemonCpu: [],
      settled: count,
    };
    for (let run = 0; run < context.runs; run++) {
      const before = await look(service, daemon);
      await delay(WINDOW_S * 1000);
      const after = await look(service, daemon);
      const seconds = after.at - before.at;
      const polls = after.polls - before.polls;
      idle.cpu.push((100 * (after.cpu - before.cpu)) / seconds);
      idle.cpuPerThousandPolls.push((1000 * (after.cpu - before.cpu)) / polls);
      idle.daemonCpu.push((100 * (after.daemonCpu - before.daemonCpu)) / seconds);
      idle.pollsPerSecond.push(polls / seconds);
      idle.rss.push(rssOf(service.pid) / MIB);
      idle.fds.push(openFilesOf(service.pid).fds);
    }
    return idle;
  } finally {
    await service.discard();
  }
}

/** Until each container is polled as seldom as it will be. */
async function settled(service: ServiceProcess, count: number): Promise<void> {
  await until(
    `${count} containers are idle`,
    async () => {
      const { containers } = await service.status();
      return (
        containers.length === count && containers.every(({ interval_seconds: seconds }) => seconds >= 15)
      );
    },
    service.process,
  );
}

async function look(service: ServiceProcess, daemon: number | undefined) {
  const { pollard_polls_total: polls } = await service.metrics('pollard_polls_total');
  return {
    at: performance.now() / 1000,
    cpu: cpuSecondsOf(service.pid),
    daemonCpu: daemon === undefined ? NaN : cpuSecondsOf(daemon),
    polls,
  };
}

/** The most sockets to the Engine that the kernel shows while the service says that no poll runs. */
async function socketsBetweenPolls(context: BenchContext, socketPath: string): Promise<number[]> {
  const service = await ServiceProcess.start({
    folder: context.scratch.fresh(),
    socketPath,
    lokiUrl: (await context.loki()).url,
    settings: {
      containers: { include: ['idle-*'] },
      poll: { interval: '1s', max_interval: '1s' },
      // Nothing but polls has a socket.
      discovery: { list_interval: '1h', events_interval: '1m' },
    },
  });
  try {
    await until(
      'all are polled',
      async () => (await service.metrics('pollard_polls_total')).pollard_polls_total >= 2 * REAL,
      service.process,
    );
    const most: number[] = [];
    for (let run = 0; run < context.runs; run++) {
      let highest = 0;
      let quiet = 0;
      for (let looks = 0; looks < 200; looks++) {
        await delay(LOOK_EVERY_MS);
        const before = await pollsOf(service);
        const sockets = connectedUnixSocketsOf(service.pid);
        const after = await pollsOf(service);
        // The kernel is looked at between two times at which no poll ran, and none in between.
        if (before.active > 0 || after.active > 0 || before.ended !== after.ended) continue;
        quiet++;
        highest = Math.max(highest, sockets);
      }
      if (quiet === 0) throw new Error('there was no moment without a poll');
      most.push(highest);
    }
    return most;
  } finally {
    await service.discard();
  }
}

async function pollsOf(service: ServiceProcess): Promise<{ active: number; ended: number }> {
  const found = await service.metrics('pollard_active_polls', 'pollard_polls_total');
  return { active: found.pollard_active_polls, ended: found.pollard_polls_total };
}
