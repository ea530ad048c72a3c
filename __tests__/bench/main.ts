import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { importBusybox } from '../support/engines/busybox-image.js';
import { startEngine, type Engine } from '../support/engines/engine.js';
import { engineVersions } from '../support/engines/versions.js';
import { requireCurl } from './curl.js';
import { BIG_LOG, type BenchContext } from './goals/bench-context.js';
import { measureBackfill } from './goals/backfill.js';
import { measureCatchUp } from './goals/catch-up.js';
import { measureIdleFleet, measureRealFleet } from './goals/idle-fleet.js';
import { measureIdlePoll } from './goals/idle-poll.js';
import { judged, type Judged, type Row } from './goals/row.js';
import { soakRows } from './goals/soak-rows.js';
import { measureSteady } from './goals/steady.js';
import { LokiProcess } from './loki-process.js';
import { writeLongLog, type LongLog } from './long-log.js';
import { RESULTS } from './results-folder.js';
import { ScratchFolder } from './scratch-folder.js';
import { textTable } from './text-table.js';

/** In the order of the table. */
const MEASUREMENTS: Readonly<Record<string, (context: BenchContext) => Promise<Row[]>>> = {
  'idle-poll': measureIdlePoll,
  'catch-up': measureCatchUp,
  backfill: measureBackfill,
  'idle-fleet': measureIdleFleet,
  steady: measureSteady,
  'real-fleet': measureRealFleet,
};

/** The collector is measured, and not the limits of a tenant. */
const ANY_RATE = {
  ingestionRateBytes: 2 ** 40,
  ingestionBurstBytes: 2 ** 40,
  perStreamRateBytes: 2 ** 40,
  perStreamBurstBytes: 2 ** 40,
  shardStreams: false,
  discoverLogLevels: false,
  // A chunk is never closed: that takes the simulator long where a stream has many.
  chunkTargetBytes: 2 ** 40,
};

/**
 * The table of goals: what the built collector costs, against baselines that are measured in the same run. Real
 * Engine of the newest version there is, real containers, but for the idle fleets; each figure the median of the
 * runs.
 *
 *   npm run bench -- [--runs 5] [--only NAME ...] [--backfill-lines 1500000] [--results FOLDER]
 *
 * Writes bench.txt and bench.json. A goal that is missed is told in the table, and the exit code stays 0: these are
 * figures, and no test.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      only: { type: 'string', multiple: true, default: Object.keys(MEASUREMENTS) },
      'backfill-lines': { type: 'string', default: String(BIG_LOG) },
      results: { type: 'string', default: RESULTS },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1)
    throw new Error(`--runs ${values.runs}: a number from 1 on is wanted`);
  const backfillLines = Number(values['backfill-lines']);
  if (!Number.isInteger(backfillLines) || backfillLines < 1) {
    throw new Error(`--backfill-lines ${values['backfill-lines']}: a number from 1 on is wanted`);
  }
  for (const name of values.only) {
    if (MEASUREMENTS[name] === undefined) {
      throw new Error(`--only ${name}: known are ${Object.keys(MEASUREMENTS).join(', ')}`);
    }
  }
  await requireCurl();

  const began = new Date();
  const { engine, rows } = await measure(runs, values.only, backfillLines);
  rows.push(...soakRows(join(values.results, 'soak.json')));
  const all = rows.map(judged);
  const head = {
    when: began.toISOString(),
    seconds: Math.round((Date.now() - began.getTime()) / 1000),
    runs,
    engine,
    node: process.version,
    machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
  };
  const text = textOf(head, all);
  process.stdout.write(`\n${text}`);
  mkdirSync(values.results, { recursive: true });
  writeFileSync(join(values.results, 'bench.txt'), text);
  writeFileSync(join(values.results, 'bench.json'), `${JSON.stringify({ ...head, rows: all }, null, 2)}\n`);
}

async function measure(
  runs: number,
  names: readonly string[],
  backfillLines: number,
): Promise<{ engine: string; rows: Row[] }> {
  const scratch = new ScratchFolder();
  let engine: Engine | undefined;
  let loki: LokiProcess | undefined;
  let storing: LokiProcess | undefined;
  const logs = new Map<number, LongLog>();
  const context: BenchContext = {
    runs,
    scratch,
    say: (text) => process.stderr.write(`${text}\n`),
    engine: async () => {
      if (engine === undefined) {
        context.say('starting an Engine ...');
        engine = await startEngine({ version: engineVersions[engineVersions.length - 1]! });
        await importBusybox(engine.api);
      }
      return engine;
    },
    loki: async () => {
      loki ??= await LokiProcess.start(scratch.fresh(), '--count-only');
      await loki.reset();
      return loki;
    },
    storingLoki: async () => {
      storing ??= await LokiProcess.start(scratch.fresh(), '--limits', JSON.stringify(ANY_RATE));
      await storing.reset();
      return storing;
    },
    backfillLines,
    longLog: async (lines) => {
      const known = logs.get(lines);
      if (known !== undefined) return known;
      context.say(`writing a log of ${lines} lines ...`);
      const log = await writeLongLog(await context.engine(), `long-${lines}`, lines);
      logs.set(lines, log);
      return log;
    },
  };
  try {
    const rows: Row[] = [];
    for (const name of names) rows.push(...(await MEASUREMENTS[name]!(context)));
    return { engine: engine?.version ?? 'none', rows };
  } finally {
    await loki?.stop();
    await storing?.stop();
    await engine?.stop();
    scratch.remove();
  }
}

function textOf(
  head: Readonly<Record<'when' | 'engine' | 'node' | 'machine', string> & { runs: number; seconds: number }>,
  rows: readonly Judged[],
): string {
  const goals = rows.filter(({ goal }) => goal !== undefined);
  const others = rows.filter(({ goal }) => goal === undefined);
  const spread = ({ values, unit }: Judged) =>
    `${shown(Math.min(...values), unit)} .. ${shown(Math.max(...values), unit)}`;
  return [
    `Pollard, bench of ${head.when}: medians of ${head.runs} runs, Engine ${head.engine}, Node.js ${head.node}, ${head.machine}; ${(head.seconds / 60).toFixed(0)} minutes`,
    '',
    textTable(
      ['what', 'baseline', 'goal', 'figure', 'of the runs', 'verdict'],
      goals.map((row) => [
        row.what,
        row.baseline,
        `at most ${shown(row.goal!, row.unit)}`,
        shown(row.figure, row.unit),
        spread(row),
        row.verdict,
      ]),
      [3],
    ),
    '',
    textTable(
      ['beside it', 'figure', 'of the runs'],
      others.map((row) => [row.what, shown(row.figure, row.unit), spread(row)]),
      [1],
    ),
    '',
  ].join('\n');
}

function shown(value: number, unit: Row['unit']): string {
  const digits =
    value === 0 || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 0.1 ? 2 : 4;
  const text = value.toFixed(digits);
  return unit === 'ratio' || unit === '' ? text : `${text} ${unit}`;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 2;
});
