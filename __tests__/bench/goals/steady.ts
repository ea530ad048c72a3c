import { setTimeout as delay } from 'node:timers/promises';
import { startLokiSimulator } from '../../../src/simulators/loki/index.js';
import { quantile } from '../figures.js';
import { cpuSecondsOf } from '../process-status.js';
import { ServiceProcess } from '../service-process.js';
import { Talker } from '../soak/talker.js';
import type { BenchContext } from './bench-context.js';
import type { Row } from './row.js';

const CONTAINERS = 20;
const LINES_PER_SECOND = 1000;
/** Until the windows know the rates. */
const WARM_UP_S = 30;
const WINDOW_S = 20;
/** What Loki has acknowledged is looked for so often: as fine are the latencies. */
const TAKE_EVERY_MS = 10;

const COUNTS = ['pollard_entries_read_total', 'pollard_entries_reread_total', 'pollard_polls_total'] as const;

/** Real containers that write all the time, with default settings, into a strict Loki. */
export async function measureSteady(context: BenchContext): Promise<Row[]> {
  const { runs, say } = context;
  const engine = await context.engine();
  const loki = await startLokiSimulator({ keepRequests: 100 });
  const talkers = Array.from(
    { length: CONTAINERS },
    (_, i) => new Talker(engine, `steady-${i}`, LINES_PER_SECOND / CONTAINERS, {}),
  );
  /** ms from the stamp that the Engine gave a line until Loki had it. */
  let latencies: number[] = [];
  const taking = setInterval(() => {
    const now = Date.now();
    for (const { stamp } of loki.take()) latencies.push(now - Number(stamp / 1_000_000n));
  }, TAKE_EVERY_MS);
  let service: ServiceProcess | undefined;
  try {
    say(`starting ${CONTAINERS} containers that write ${LINES_PER_SECOND} lines a second ...`);
    for (const talker of talkers) await talker.create();
    service = await ServiceProcess.start({
      folder: context.scratch.fresh(),
      socketPath: engine.socketPath,
      lokiUrl: loki.url,
      settings: { containers: { include: ['steady-*'] } },
    });
    await delay(WARM_UP_S * 1000);
    const each: {
      reread: number;
      rate: number;
      p50: number;
      p99: number;
      cpu: number;
      daemonCpu: number;
      polls: number;
    }[] = [];
    for (let run = 0; run < runs; run++) {
      say(`${LINES_PER_SECOND} lines a second, run ${run + 1} of ${runs} ...`);
      const before = await look(service, engine.pid);
      latencies = [];
      await delay(WINDOW_S * 1000);
      const after = await look(service, engine.pid);
      const seconds = after.at - before.at;
      const fresh = (figures: typeof after) =>
        figures.pollard_entries_read_total - figures.pollard_entries_reread_total;
      const delivered = fresh(after) - fresh(before);
      each.push({
        reread: (after.pollard_entries_reread_total - before.pollard_entries_reread_total) / delivered,
        rate: delivered / seconds,
        p50: quantile(latencies, 0.5) / 1000,
        p99: quantile(latencies, 0.99) / 1000,
        cpu: (100 * (after.cpu - before.cpu)) / seconds,
        daemonCpu: (100 * (after.daemonCpu - before.daemonCpu)) / seconds,
        polls: after.pollard_polls_total - before.pollard_polls_total,
      });
    }
    const row = (
      what: string,
      goal: number | undefined,
      unit: Row['unit'],
      value: (run: (typeof each)[number]) => number,
    ): Row => ({ name: 'steady', what, baseline: '', goal, unit, values: each.map(value) });
    return [
      row(
        'entries re-read for each delivered, 1,000 lines/s over 20 containers',
        1.5,
        'ratio',
        (run) => run.reread,
      ),
      row('1,000 lines/s over 20 containers, delivered', undefined, 'lines/s', ({ rate }) => rate),
      row('line written to acknowledged, p50', undefined, 's', ({ p50 }) => p50),
      row('line written to acknowledged, p99', undefined, 's', ({ p99 }) => p99),
      row('1,000 lines/s over 20 containers, collector CPU', undefined, '% of a core', ({ cpu }) => cpu),
      row(
        '1,000 lines/s over 20 containers, daemon CPU, writing included',
        undefined,
        '% of a core',
        (run) => run.daemonCpu,
      ),
    ];
  } finally {
    clearInterval(taking);
    await service?.discard();
    for (const talker of talkers) await talker.remove();
    await loki.close();
  }
}

async function look(service: ServiceProcess, daemon: number) {
  const counts = await service.metrics(...COUNTS);
  return {
    ...counts,
    at: performance.now() / 1000,
    cpu: cpuSecondsOf(service.pid),
    daemonCpu: cpuSecondsOf(daemon),
  };
}
