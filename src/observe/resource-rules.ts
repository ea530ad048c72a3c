import type { ResourceSample } from './resources.js';
import { sustainedSlope } from './slope.js';

export const RESOURCE_RULES = [
  'live_growth',
  'live_baseline',
  'open_fds',
  'memory_growth',
  'loki_success',
] as const;
export type ResourceRule = (typeof RESOURCE_RULES)[number];

/** What a figure must not exceed (Loki's success: not fall below) to be healthy, and to be degraded only. */
export interface Limits {
  readonly degraded: number;
  readonly unhealthy: number;
}

export interface ResourceWatchSettings {
  /** How far back samples are looked at, seconds. */
  readonly window: number;
  /** Nothing of a slope is judged before, and nothing sampled in it counts for one, seconds. */
  readonly warmUp: number;
  /** Of so many seconds a slope needs samples. */
  readonly minSpan: number;
  /** Live resources more, a minute. */
  readonly liveGrowth: Limits;
  /** Live resources that are always there: the fewest in the window. */
  readonly liveBaseline: Limits;
  /** Open file descriptors, as a part (0 to 1) of the process's limit. */
  readonly openFds: Limits;
  /** Bytes of resident memory more, a minute. */
  readonly memoryGrowth: Limits;
  /** Pushes answered 2xx, as a part (0 to 1) of all in the window. */
  readonly lokiSuccess: Limits;
  /** Fewer failures than this in the window say nothing. */
  readonly lokiMinFailures: number;
  /** A state gets worse after so many judgements in a row, */
  readonly raiseAfter: number;
  /** and better after so many. */
  readonly clearAfter: number;
  /** A figure is good again only below this part of its limit. */
  readonly clearRatio: number;
}

const MIB = 1024 * 1024;

/**
 * The limits of the report that this project began with: growth under 2 live resources a minute, a baseline
 * under 100, file descriptors under 20 % of the limit, success of Loki above 99 %. A Loki that is away degrades
 * the collector and no more: its lines wait in Docker's logs, and to restart it would not help.
 */
export const DEFAULT_RESOURCE_WATCH: ResourceWatchSettings = {
  window: 600,
  warmUp: 120,
  minSpan: 300,
  liveGrowth: { degraded: 2, unhealthy: 10 },
  liveBaseline: { degraded: 100, unhealthy: 500 },
  openFds: { degraded: 0.2, unhealthy: 0.8 },
  memoryGrowth: { degraded: 4 * MIB, unhealthy: 32 * MIB },
  lokiSuccess: { degraded: 0.99, unhealthy: 0 },
  lokiMinFailures: 3,
  raiseAfter: 3,
  clearAfter: 6,
  clearRatio: 0.8,
};

/** One figure, turned so that more is worse. */
export interface Measure {
  readonly figure: number;
  readonly limits: Limits;
  /** Says figure and limit. */
  readonly text: (limit: number) => string;
}

/** A rule's figure over the samples; undefined while they do not suffice to judge. */
export type Measurement = (
  samples: readonly ResourceSample[],
  settings: ResourceWatchSettings,
) => Measure | undefined;

/**
 * How each rule measures. They get the samples of the window, oldest first; `settled` gives those behind the
 * warm-up.
 */
export const MEASUREMENTS: Record<
  ResourceRule,
  { readonly samples: 'all' | 'settled'; readonly measure: Measurement }
> = {
  live_growth: {
    samples: 'settled',
    measure: (samples, { liveGrowth: limits }) => {
      const figure = growthPerMinute(samples, (sample) => sample.liveTotal);
      return {
        figure,
        limits,
        text: (limit) =>
          `live resources grow by ${figure.toFixed(1)} a minute over ${span(samples)} (limit ${limit})`,
      };
    },
  },
  live_baseline: {
    samples: 'settled',
    measure: (samples, { liveBaseline: limits }) => {
      const figure = Math.min(...samples.map((sample) => sample.liveTotal));
      return {
        figure,
        limits,
        text: (limit) => `never fewer than ${figure} live resources in ${span(samples)} (limit ${limit})`,
      };
    },
  },
  open_fds: {
    samples: 'all',
    measure: (samples, { openFds: limits }) => {
      const { fds, fdLimit } = samples.at(-1) as ResourceSample;
      if (fds === undefined || fdLimit === undefined || fdLimit === 0) return undefined;
      return {
        figure: fds / fdLimit,
        limits,
        text: (limit) =>
          `${fds} file descriptors open, ${percent(fds / fdLimit)} of the ${fdLimit} allowed (limit ${percent(limit)})`,
      };
    },
  },
  memory_growth: {
    samples: 'settled',
    measure: (samples, { memoryGrowth: limits }) => {
      const figure = growthPerMinute(samples, (sample) => sample.rss);
      return {
        figure,
        limits,
        text: (limit) =>
          `memory grows by ${mib(figure)} MiB a minute over ${span(samples)} (limit ${mib(limit)} MiB)`,
      };
    },
  },
  loki_success: {
    samples: 'all',
    measure: (samples, { lokiSuccess, lokiMinFailures }) => {
      const first = (samples[0] as ResourceSample).pushes;
      const last = (samples.at(-1) as ResourceSample).pushes;
      const tried = last.tried - first.tried;
      const failed = last.failed - first.failed;
      if (tried <= 0 || failed < lokiMinFailures) return undefined;
      return {
        figure: failed / tried,
        limits: { degraded: 1 - lokiSuccess.degraded, unhealthy: 1 - lokiSuccess.unhealthy },
        text: (limit) =>
          `${percent(1 - failed / tried)} of ${tried} pushes to Loki succeeded in ${span(samples)} (limit ${percent(1 - limit)})`,
      };
    },
  },
};

function growthPerMinute(samples: readonly ResourceSample[], of: (sample: ResourceSample) => number): number {
  return sustainedSlope(samples.map((sample) => ({ x: sample.at / 60_000, y: of(sample) })));
}

function span(samples: readonly ResourceSample[]): string {
  const ms = (samples.at(-1) as ResourceSample).at - (samples[0] as ResourceSample).at;
  return ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

function percent(part: number): string {
  return `${Number((part * 100).toFixed(1))} %`;
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
