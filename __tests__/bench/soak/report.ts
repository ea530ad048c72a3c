import { quantile } from '../figures.js';
import { textTable } from '../text-table.js';
import { growthOf, type Growth, type Series } from './growth.js';
import type { Account } from './ledger.js';
import { soakPlot } from './plot.js';
import type { Sample } from './sampler.js';

/** All that is known at the end of a soak. */
export interface SoakResult {
  readonly when: string;
  readonly engine: string;
  readonly containers: number;
  /** As asked for. */
  readonly linesPerSecond: number;
  readonly seconds: number;
  readonly samples: readonly Sample[];
  /** Bytes of the heap behind a collection of garbage. */
  readonly heap: Series;
  readonly account: Account;
  readonly deaths: { readonly killed: number; readonly recreated: number };
  /** Of the simulated Loki: entries refused, and those that came again. */
  readonly refused: number;
  readonly folded: number;
  /** Of the collector's own counts at the end. */
  readonly polls: number;
  readonly entriesRead: number;
  readonly entriesReread: number;
  readonly gaps: number;
  readonly missed: number;
  /** What the service warned of, and how often. */
  readonly complaints: Readonly<Record<string, number>>;
  /** Sockets to the Engine seen in looks at a collector with nothing to do. */
  readonly idleSockets: readonly number[];
}

export interface Check {
  readonly what: string;
  readonly goal: string;
  readonly figure: string;
  readonly holds: boolean;
}

export interface SoakReport {
  readonly checks: readonly Check[];
  readonly growths: readonly Growth[];
  readonly holds: boolean;
  readonly text: string;
  readonly svg: string;
  readonly json: string;
}

const MIB = 1024 * 1024;
/** Points of a series that are written down. */
const MOST_POINTS = 2000;

/** Judges a soak, and shows it. */
export function soakReport(result: SoakResult): SoakReport {
  const { samples, heap } = result;
  const series = (value: (sample: Sample) => number): Series => ({
    seconds: samples.map(({ seconds }) => seconds),
    values: samples.map(value),
  });
  const mib = ({ seconds, values }: Series): Series => ({
    seconds,
    values: values.map((value) => value / MIB),
  });
  const growths = [
    growthOf(
      'file descriptors',
      '',
      series(({ fds }) => fds),
      { slack: 1 },
    ),
    growthOf(
      'sockets',
      '',
      series(({ sockets }) => sockets),
      { slack: 1 },
    ),
    growthOf(
      'active resources',
      '',
      series(({ live }) => live),
      { slack: 1 },
    ),
    growthOf('heap after GC', 'MiB', mib(heap), { slack: 2, secondHalf: true }),
    growthOf('resident memory', 'MiB', mib(series(({ rss }) => rss)), { slack: 8, secondHalf: true }),
  ];
  const checks = checksOf(result);
  const holds = [...growths, ...checks].every((row) => row.holds);
  const text = textOf(result, growths, checks);
  return {
    checks,
    growths,
    holds,
    text,
    svg: soakPlot(result, growths),
    json: jsonOf(result, growths, checks),
  };
}

function checksOf(result: SoakResult): Check[] {
  const { account, samples, refused, folded, gaps, missed, idleSockets, seconds } = result;
  const between = samples.filter(({ activePolls }) => activePolls === 0);
  const mostBetween = Math.max(0, ...between.map(({ engineSockets }) => engineSockets));
  const idle = idleSockets.filter((sockets) => sockets === 0).length;
  const unhealthy = samples.filter(({ health }) => health !== 'healthy').length;
  const rate = account.written / seconds;
  return [
    exactly('lines lost', account.lost, 0),
    exactly('lines twice', account.twice + folded, 0),
    exactly('lines never written', account.unknown, 0),
    exactly('gaps, containers missed', gaps + account.gaps + missed, 0),
    exactly('lines refused by Loki', refused, 0),
    {
      what: 'lines a second',
      goal: `${result.linesPerSecond}, at least 9 of 10`,
      figure: rate.toFixed(0),
      holds: rate >= 0.9 * result.linesPerSecond,
    },
    {
      what: 'Engine sockets while no poll runs',
      goal: '0, but for a look at events or the list',
      figure: `${mostBetween} at most in ${between.length} looks`,
      holds: mostBetween <= 2,
    },
    {
      what: 'Engine sockets with nothing to do',
      goal: '0, but for a look at events or the list',
      figure: `0 in ${idle} of ${idleSockets.length}`,
      holds: idle * 2 > idleSockets.length && Math.max(...idleSockets) <= 2,
    },
    exactly('samples not healthy', unhealthy, 0),
  ];
}

function exactly(what: string, figure: number, goal: number): Check {
  return { what, goal: String(goal), figure: String(figure), holds: figure === goal };
}

function textOf(result: SoakResult, growths: readonly Growth[], checks: readonly Check[]): string {
  const { samples, account, deaths, polls, entriesRead, entriesReread, seconds } = result;
  const verdict = (holds: boolean) => (holds ? 'holds' : 'DOES NOT HOLD');
  const number = (value: number) => value.toFixed(Math.abs(value) < 10 ? 2 : 1);
  const lags = samples.map(({ lagMs }) => lagMs);
  const cpu = cpuOf(samples);
  const hold = [...growths, ...checks].every((row) => row.holds);
  return [
    `Soak of ${(seconds / 60).toFixed(1)} minutes, ${result.when}: Engine ${result.engine}, ${result.containers} containers`,
    '',
    textTable(
      ['what', 'minute 1', 'last minute', 'slope/h', 'noise/h', 'goal', 'verdict'],
      growths.map((row) => [
        row.unit === '' ? row.name : `${row.name}, ${row.unit}`,
        number(row.first),
        number(row.last),
        number(row.slopePerHour),
        number(row.noisePerHour),
        row.goal,
        verdict(row.holds),
      ]),
      [1, 2, 3, 4],
    ),
    '',
    textTable(
      ['what', 'figure', 'goal', 'verdict'],
      checks.map(({ what, figure, goal, holds }) => [what, figure, goal, verdict(holds)]),
      [1],
    ),
    '',
    `lines written ${account.written}, delivered ${account.delivered}; containers killed ${deaths.killed}, of these made anew ${deaths.recreated}`,
    `polls ${polls}; entries read ${entriesRead}, of these read before ${entriesReread} (read ${(entriesRead / Math.max(entriesRead - entriesReread, 1)).toFixed(2)} for each delivered)`,
    `processor: collector ${cpu.collector.toFixed(1)} % of a core, daemon ${cpu.daemon.toFixed(1)} %`,
    `event loop's longest delay in a second, ms: median ${quantile(lags, 0.5).toFixed(1)}, p99 ${quantile(lags, 0.99).toFixed(1)}, max ${Math.max(...lags).toFixed(1)}`,
    ...Object.entries(result.complaints).map(([told, times]) => `  the service warned, ${times} x: ${told}`),
    ...account.examples.map((example) => `  ${example}`),
    '',
    hold ? 'The soak holds.' : 'The soak DOES NOT HOLD.',
    '',
  ].join('\n');
}

function cpuOf(samples: readonly Sample[]): { readonly collector: number; readonly daemon: number } {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) return { collector: NaN, daemon: NaN };
  const seconds = last.seconds - first.seconds;
  return {
    collector: (100 * (last.collectorCpu - first.collectorCpu)) / seconds,
    daemon: (100 * (last.daemonCpu - first.daemonCpu)) / seconds,
  };
}

function jsonOf(result: SoakResult, growths: readonly Growth[], checks: readonly Check[]): string {
  const { samples, heap, idleSockets, ...rest } = result;
  const every = Math.ceil(samples.length / MOST_POINTS);
  const kept = samples.filter((_, i) => i % every === 0);
  const names = Object.keys(kept[0] ?? {}) as (keyof Sample)[];
  const columns = names.map((name) => [name, kept.map((sample) => rounded(sample[name]))]);
  const series = {
    samples: Object.fromEntries(columns) as unknown,
    heap: { seconds: heap.seconds.map(rounded), bytes: heap.values },
    idleSockets,
  };
  const shown = {
    ...rest,
    growths: growths.map((growth) => ({ ...growth, trend: undefined })),
    checks,
    ...series,
  };
  return `${JSON.stringify(shown, undefined, 1).replace(/\n {3,}/g, ' ')}\n`;
}

function rounded(value: number | string): number | string {
  return typeof value === 'number' ? Math.round(value * 100) / 100 : value;
}
