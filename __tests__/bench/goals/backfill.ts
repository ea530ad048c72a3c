import { startCollector } from '../collector-process.js';
import { curlLog } from '../curl.js';
import type { LokiProcess } from '../loki-process.js';
import type { LongLog } from '../long-log.js';
import type { Ended } from '../measured-process.js';
import { cpuSecondsOf } from '../process-status.js';
import { until } from '../until.js';
import { MIB, SMALL_LOG, type BenchContext } from './bench-context.js';
import type { Row } from './row.js';

interface Measured extends Ended {
  /** Seconds. */
  readonly daemonCpu: number;
  readonly lokiCpu: number;
}

interface Run {
  /** `curl` of the long log, seconds. */
  readonly curl: number;
  /** No line is in Loki. */
  readonly missing: Measured;
  /** All lines are in Loki. */
  readonly present: Measured;
  readonly blind: Measured;
  /** No line of the short log is in Loki. */
  readonly small: Measured;
}

/** The part of the report that shows that the work was done. */
interface Report {
  readonly containers: readonly { readonly already_there: number; readonly sent: number }[];
}

/** Younger lines of a container without a cursor are left to a service: twice the longest interval between polls. */
const LONGEST_INTERVAL_MS = 1000;

/** `pollard backfill` of a long log, start-up and end included, against `curl` of that log. */
export async function measureBackfill(context: BenchContext): Promise<Row[]> {
  const { runs, say, backfillLines } = context;
  const big = await context.longLog(backfillLines);
  const small = await context.longLog(SMALL_LOG);
  const writtenAt = Date.now();
  await until('no line is left to a service', () => Date.now() - writtenAt > 3 * LONGEST_INTERVAL_MS);
  // Once beforehand: the first reader takes the log from the disk.
  await curled(context, big);
  const each: Run[] = [];
  for (let run = 0; run < runs; run++) {
    say(`backfill, run ${run + 1} of ${runs} ...`);
    const first = run % 2 === 0 ? await curled(context, big) : undefined;
    // A Loki that stores lines takes longer than the Engine does to show them: where it can, it only counts.
    const all = { sent: big.lines, alreadyThere: 0 };
    const missing = await backfill(context, await context.loki(), big, all);
    const blind = await backfill(context, await context.loki(), big, all, '--blind');
    const curl = first ?? (await curled(context, big));
    const short = await backfill(context, await context.loki(), small, {
      sent: small.lines,
      alreadyThere: 0,
    });
    const storing = await context.storingLoki();
    await backfill(context, storing, big, all, '--blind');
    const present = await backfill(context, storing, big, { sent: 0, alreadyThere: big.lines });
    each.push({ curl, missing, present, blind, small: short });
  }
  return rowsOf(each, backfillLines);
}

function rowsOf(each: readonly Run[], lines: number): Row[] {
  const row = (
    what: string,
    baseline: string,
    goal: number | undefined,
    unit: Row['unit'],
    value: (run: Run) => number,
  ): Row => ({ name: 'backfill', what: `backfill, ${what}`, baseline, goal, unit, values: each.map(value) });
  const curl = `curl of the same log to /dev/null`;
  const count = `${(lines / 1e6).toFixed(lines % 100_000 === 0 ? 1 : 3)} M lines`;
  return [
    row(`${count}, all missing, wall`, curl, 1.5, 'ratio', (run) => run.missing.wallSeconds / run.curl),
    row(`${count}, --blind, wall`, curl, 1.2, 'ratio', (run) => run.blind.wallSeconds / run.curl),
    row(`${count}, all missing, peak RSS`, '', 120, 'MiB', (run) => run.missing.peakRssBytes / MIB),
    row(`${count}, none missing, peak RSS`, '', 120, 'MiB', (run) => run.present.peakRssBytes / MIB),
    row(`${count}, --blind, peak RSS`, '', 120, 'MiB', (run) => run.blind.peakRssBytes / MIB),
    row(`${count}, none missing, wall`, curl, undefined, 'ratio', (run) => {
      return run.present.wallSeconds / run.curl;
    }),
    row(`curl of ${count}, wall`, '', undefined, 's', (run) => run.curl),
    row(`${count}, all missing, wall`, '', undefined, 's', (run) => run.missing.wallSeconds),
    row(`${count}, none missing, wall`, '', undefined, 's', (run) => run.present.wallSeconds),
    row(`${count}, --blind, wall`, '', undefined, 's', (run) => run.blind.wallSeconds),
    row(`${count}, all missing, CPU`, '', undefined, 's', (run) => run.missing.cpuSeconds),
    row(`${count}, none missing, CPU`, '', undefined, 's', (run) => run.present.cpuSeconds),
    row(`${count}, --blind, CPU`, '', undefined, 's', (run) => run.blind.cpuSeconds),
    row(`${count}, all missing, the daemon's CPU`, '', undefined, 's', (run) => run.missing.daemonCpu),
    row(`${count}, all missing, the simulated Loki's CPU`, '', undefined, 's', (run) => run.missing.lokiCpu),
    row(`${count}, none missing, the simulated Loki's CPU`, '', undefined, 's', (run) => run.present.lokiCpu),
    row('150 k lines, all missing, peak RSS', '', undefined, 'MiB', (run) => run.small.peakRssBytes / MIB),
  ];
}

async function curled(context: BenchContext, log: LongLog): Promise<number> {
  const engine = await context.engine();
  return await curlLog(engine.socketPath, log.container.id);
}

/** One run from an empty state directory. @throws Error when it did not do what was expected */
async function backfill(
  context: BenchContext,
  loki: LokiProcess,
  log: LongLog,
  expected: { readonly sent: number; readonly alreadyThere: number },
  ...flags: readonly string[]
): Promise<Measured> {
  const engine = await context.engine();
  const before = { daemon: cpuSecondsOf(engine.pid), loki: cpuSecondsOf(loki.pid) };
  const collector = startCollector({
    command: 'backfill',
    // A rate that does not bind.
    args: ['--since', '24h', '--rate', '1GiB/s', '--container', log.name, ...flags],
    folder: context.scratch.fresh(),
    socketPath: engine.socketPath,
    lokiUrl: loki.url,
    settings: { poll: { max_interval: `${LONGEST_INTERVAL_MS}ms` } },
  });
  const ended = await collector.ended();
  const daemonCpu = cpuSecondsOf(engine.pid) - before.daemon;
  const lokiCpu = cpuSecondsOf(loki.pid) - before.loki;
  const [container] = (JSON.parse(ended.stdout) as Report).containers;
  const { received } = await loki.counts();
  if (container?.sent !== expected.sent || container.already_there !== expected.alreadyThere) {
    throw new Error(`of ${log.lines} lines ${container?.sent} were sent: ${ended.stdout}`);
  }
  if (received !== log.lines) throw new Error(`${received} of ${log.lines} lines came to Loki`);
  return { ...ended, daemonCpu, lokiCpu };
}
