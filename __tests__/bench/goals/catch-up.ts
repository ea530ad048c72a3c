import type { Ended } from '../measured-process.js';
import { startCollector } from '../collector-process.js';
import { curlLog } from '../curl.js';
import type { LongLog } from '../long-log.js';
import { cpuSecondsOf } from '../process-status.js';
import { BIG_LOG, MIB, SMALL_LOG, type BenchContext } from './bench-context.js';
import type { Row } from './row.js';

interface Measured {
  readonly wall: number;
  readonly daemonCpu: number;
}

interface CaughtUp extends Measured, Ended {}

/** `pollard catch-up` of one long log from an empty state, start-up and end included, against `curl` of that log. */
export async function measureCatchUp(context: BenchContext): Promise<Row[]> {
  const { runs, say } = context;
  const big = await context.longLog(BIG_LOG);
  const small = await context.longLog(SMALL_LOG);
  // Once beforehand: the first reader takes the log from the disk.
  await curled(context, big);
  const each: { curl: Measured; big: CaughtUp; small: CaughtUp }[] = [];
  for (let run = 0; run < runs; run++) {
    say(`catch-up, run ${run + 1} of ${runs} ...`);
    // By turns: neither always follows the other.
    const first = run % 2 === 0 ? await curled(context, big) : undefined;
    const caughtUp = await catchUp(context, big);
    const curl = first ?? (await curled(context, big));
    each.push({ curl, big: caughtUp, small: await catchUp(context, small) });
  }
  const row = (
    what: string,
    baseline: string,
    goal: number | undefined,
    unit: Row['unit'],
    value: (run: (typeof each)[number]) => number,
  ): Row => ({ name: 'catch-up', what, baseline, goal, unit, values: each.map(value) });
  return [
    row('catch-up of 1.5 M lines, wall', 'curl of the same log to /dev/null', 1.1, 'ratio', (run) => {
      return run.big.wall / run.curl.wall;
    }),
    row('catch-up, collector CPU', "the daemon's CPU in that run", 0.35, 'ratio', ({ big: caught }) => {
      return caught.cpuSeconds / caught.daemonCpu;
    }),
    row('catch-up, daemon CPU', "the daemon's CPU under curl", 1.05, 'ratio', (run) => {
      return run.big.daemonCpu / run.curl.daemonCpu;
    }),
    row('catch-up peak RSS, 1.5 M lines', '150 k lines', 1.2, 'ratio', (run) => {
      return run.big.peakRssBytes / run.small.peakRssBytes;
    }),
    row('catch-up peak RSS, 1.5 M lines', '', 120, 'MiB', (run) => run.big.peakRssBytes / MIB),
    row('curl of 1.5 M lines, wall', '', undefined, 's', ({ curl }) => curl.wall),
    row('catch-up of 1.5 M lines, wall', '', undefined, 's', (run) => run.big.wall),
    row('catch-up, lines a second', '', undefined, 'lines/s', (run) => BIG_LOG / run.big.wall),
    row('catch-up, collector CPU a million lines', '', undefined, 's', (run) => {
      return (run.big.cpuSeconds / BIG_LOG) * 1e6;
    }),
    row('catch-up, daemon CPU a million lines', '', undefined, 's', (run) => {
      return (run.big.daemonCpu / BIG_LOG) * 1e6;
    }),
  ];
}

async function curled(context: BenchContext, log: LongLog): Promise<Measured> {
  const engine = await context.engine();
  const before = cpuSecondsOf(engine.pid);
  const wall = await curlLog(engine.socketPath, log.container.id);
  return { wall, daemonCpu: cpuSecondsOf(engine.pid) - before };
}

async function catchUp(context: BenchContext, log: LongLog): Promise<CaughtUp> {
  const engine = await context.engine();
  const loki = await context.loki();
  const before = cpuSecondsOf(engine.pid);
  const collector = startCollector({
    command: 'catch-up',
    folder: context.scratch.fresh(),
    socketPath: engine.socketPath,
    lokiUrl: loki.url,
    settings: { containers: { include: [log.name] } },
  });
  const ended = await collector.ended();
  const daemonCpu = cpuSecondsOf(engine.pid) - before;
  const { received } = await loki.counts();
  const { lines } = JSON.parse(ended.stdout) as { lines: number };
  if (received !== log.lines || lines !== log.lines) {
    throw new Error(`of ${log.lines} lines ${lines} were read and ${received} came to Loki`);
  }
  return { ...ended, wall: ended.wallSeconds, daemonCpu };
}
