import type { LongLog } from '../long-log.js';
import { cpuSecondsOf } from '../process-status.js';
import { ServiceProcess } from '../service-process.js';
import { until } from '../until.js';
import { BIG_LOG, TINY_LOG, type BenchContext } from './bench-context.js';
import type { Row } from './row.js';

/** Polls over which one figure is taken: a poll of a few ms of the daemon's time needs many, of seconds few. */
const POLLS = 300;
const WHOLE_LOG_POLLS = 3;

interface Polls {
  /** Seconds of the daemon's processor time, of the collector's, and of the clock, for each poll. */
  readonly daemonCpu: number;
  readonly collectorCpu: number;
  readonly wall: number;
}

/**
 * The service on one container that writes nothing: what a poll costs, by the length of the log that lies there
 * and by the way of asking.
 */
export async function measureIdlePoll(context: BenchContext): Promise<Row[]> {
  const { runs, say } = context;
  const big = await context.longLog(BIG_LOG);
  const tiny = await context.longLog(TINY_LOG);
  const each: { whole: Polls; big: Polls; tiny: Polls }[] = [];
  for (let run = 0; run < runs; run++) {
    say(`idle polls, run ${run + 1} of ${runs} ...`);
    const polledTiny = run % 2 === 0 ? await polled(context, tiny, POLLS, true) : undefined;
    const polledBig = await polled(context, big, POLLS, true);
    each.push({
      whole: await polled(context, big, WHOLE_LOG_POLLS, false),
      big: polledBig,
      tiny: polledTiny ?? (await polled(context, tiny, POLLS, true)),
    });
  }
  const row = (
    what: string,
    baseline: string,
    goal: number | undefined,
    unit: Row['unit'],
    value: (run: (typeof each)[number]) => number,
  ): Row => ({ name: 'idle-poll', what, baseline, goal, unit, values: each.map(value) });
  return [
    row('idle poll, 270 MB log, daemon CPU', 'the same log with `since` alone', 0.01, 'ratio', (run) => {
      return run.big.daemonCpu / run.whole.daemonCpu;
    }),
    row('idle poll, 270 MB log, wall', 'the same with a 1 MB log', 1.2, 'ratio', (run) => {
      return run.big.wall / run.tiny.wall;
    }),
    row('idle poll, 270 MB log, daemon CPU', '', undefined, 'ms', (run) => run.big.daemonCpu * 1000),
    row('idle poll with `since` alone, daemon CPU', '', undefined, 'ms', (run) => {
      return run.whole.daemonCpu * 1000;
    }),
    row('idle poll, collector CPU a 1,000 polls', '', undefined, 's', (run) => run.big.collectorCpu * 1000),
    row('idle poll, 270 MB log, wall', '', undefined, 'ms', (run) => run.big.wall * 1000),
  ];
}

async function polled(context: BenchContext, log: LongLog, polls: number, window: boolean): Promise<Polls> {
  const engine = await context.engine();
  const service = await ServiceProcess.start({
    folder: context.scratch.fresh(),
    socketPath: engine.socketPath,
    lokiUrl: (await context.loki()).url,
    settings: {
      containers: { include: [log.name] },
      start: 'end',
      poll: { window, adaptive: false, interval: '100ms', jitter: 0 },
      // Nothing but polls.
      discovery: { list_interval: '1h', events_interval: '1m' },
      resources: { interval: '1m' },
    },
  });
  const done = async () => (await service.metrics('pollard_polls_total')).pollard_polls_total;
  const begunAt = async (count: number) => {
    await until(`${log.name} is polled ${count} times`, async () => (await done()) >= count, service.process);
    const sums = await service.metrics(
      'pollard_polls_total',
      'pollard_poll_seconds_sum',
      'pollard_entries_read_total',
    );
    return { ...sums, daemon: cpuSecondsOf(engine.pid), collector: cpuSecondsOf(service.pid) };
  };
  try {
    // The first ones find their place in the log.
    const warm = Math.ceil(polls / 10) + 2;
    const before = await begunAt(warm);
    const after = await begunAt(before.pollard_polls_total + polls);
    const count = after.pollard_polls_total - before.pollard_polls_total;
    return {
      daemonCpu: (after.daemon - before.daemon) / count,
      collectorCpu: (after.collector - before.collector) / count,
      wall: (after.pollard_poll_seconds_sum - before.pollard_poll_seconds_sum) / count,
    };
  } finally {
    await service.discard();
  }
}
