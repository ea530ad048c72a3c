import { svgPlot, type Curve } from '../svg-plot.js';
import type { Growth } from './growth.js';
import type { SoakResult } from './report.js';
import type { Sample } from './sampler.js';

const MIB = 1024 * 1024;

/** Draws what the collector held over the time of a soak. */
export function soakPlot(result: SoakResult, growths: readonly Growth[]): string {
  const { samples, heap } = result;
  const minutes = samples.map(({ seconds }) => seconds / 60);
  const curve = (label: string, colour: string, value: (sample: Sample) => number): Curve => ({
    label,
    colour,
    ...lightened(minutes, samples.map(value)),
  });
  const fit = (name: string, colour: string): Curve => {
    const { trend, from } = growths.find((growth) => growth.name === name)!;
    const end = samples.at(-1)?.seconds ?? 0;
    const ends = [from, end];
    return {
      label: 'fitted',
      colour,
      fitted: true,
      xs: ends.map((seconds) => seconds / 60),
      ys: ends.map(trend.at),
    };
  };
  const perSecond = (value: (sample: Sample) => number) =>
    samples.map((sample, i) => {
      const before = samples[Math.max(0, i - 10)]!;
      const seconds = sample.seconds - before.seconds;
      return seconds === 0 ? 0 : (value(sample) - value(before)) / seconds;
    });
  const rate = (label: string, colour: string, factor: number, value: (sample: Sample) => number): Curve => {
    const values = perSecond(value).map((each) => each * factor);
    return { label, colour, ...lightened(minutes.slice(1), values.slice(1)) };
  };
  const [blue, red, green, grey] = ['#2166ac', '#b2182b', '#1b7837', '#888'] as const;
  return svgPlot(
    `Pollard, a soak of ${(result.seconds / 60).toFixed(0)} minutes: ${result.containers} containers, Engine ${result.engine}`,
    'minutes',
    [
      {
        title: 'file descriptors',
        curves: [
          curve('open', blue, ({ fds }) => fds),
          fit('file descriptors', grey),
          curve('sockets', green, ({ sockets }) => sockets),
        ],
      },
      {
        title: 'active resources of the event loop',
        curves: [curve('active', blue, ({ live }) => live), fit('active resources', grey)],
      },
      {
        title: 'sockets to the Engine',
        curves: [
          curve('sockets', blue, ({ engineSockets }) => engineSockets),
          curve('polls under way', green, ({ activePolls }) => activePolls),
        ],
      },
      {
        title: 'memory, MiB',
        curves: [
          curve('resident', blue, ({ rss }) => rss / MIB),
          fit('resident memory', grey),
          {
            label: 'heap after GC',
            colour: green,
            xs: heap.seconds.map((seconds) => seconds / 60),
            ys: heap.values.map((bytes) => bytes / MIB),
          },
        ],
      },
      {
        title: 'longest delay of the event loop in a second, ms',
        curves: [curve('delay', blue, ({ lagMs }) => lagMs)],
      },
      {
        title: 'lines a second in Loki, mean of 10 s',
        curves: [rate('lines', blue, 1, ({ lines }) => lines)],
      },
      {
        title: 'processor, % of a core, mean of 10 s',
        curves: [
          rate('collector', blue, 100, ({ collectorCpu }) => collectorCpu),
          rate('daemon', red, 100, ({ daemonCpu }) => daemonCpu),
        ],
      },
    ],
  );
}

/** At most so many points that they can be told apart: the highest of each stretch. */
function lightened(xs: readonly number[], ys: readonly number[]): { xs: number[]; ys: number[] } {
  const every = Math.max(1, Math.ceil(xs.length / 900));
  const kept: { xs: number[]; ys: number[] } = { xs: [], ys: [] };
  for (let i = 0; i < xs.length; i += every) {
    kept.xs.push(xs[i]!);
    kept.ys.push(Math.max(...ys.slice(i, i + every)));
  }
  return kept;
}
