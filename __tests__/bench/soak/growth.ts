import { median, thinned, trendOf, type Trend } from '../figures.js';

/** One figure over the time of a soak: does it grow? */
export interface Growth {
  readonly name: string;
  readonly unit: string;
  /** Median around the end of the first minute, and of the last minute. */
  readonly first: number;
  readonly last: number;
  /** An hour, over the whole soak from the first minute on, or its second half. */
  readonly slopePerHour: number;
  /** Of the slope: two standard errors. */
  readonly noisePerHour: number;
  readonly goal: string;
  readonly holds: boolean;
  readonly trend: Trend;
  /** Seconds at which the fitted line begins. */
  readonly from: number;
}

/** Points of a series: seconds and values. */
export interface Series {
  readonly seconds: readonly number[];
  readonly values: readonly number[];
}

/** Until then the process warms up. */
export const WARM_UP_S = 60;
const HALF_MINUTE_S = 30;
/** The slope is fitted to medians of so many seconds: what comes and goes with each poll is no growth. */
const STRETCH_S = 10;

export interface GrowthGoal {
  /** What it may have more at the end than after the first minute; and what the slope may add up to over the soak. */
  readonly slack: number;
  /**
   * The slope is that of the second half: for memory, which fills up ever more slowly while code is compiled and
   * tables find their size; what leaks goes on.
   */
  readonly secondHalf?: boolean;
}

export function growthOf(
  name: string,
  unit: string,
  { seconds, values }: Series,
  { slack, secondHalf = false }: GrowthGoal,
): Growth {
  const end = seconds.at(-1) ?? 0;
  const between = (from: number, to: number) =>
    median(values.filter((_, i) => seconds[i]! >= from && seconds[i]! <= to));
  const first = between(WARM_UP_S - HALF_MINUTE_S, WARM_UP_S + HALF_MINUTE_S);
  const last = between(end - 2 * HALF_MINUTE_S, end);
  const begin = secondHalf ? end / 2 : WARM_UP_S - HALF_MINUTE_S;
  const warm = seconds.findIndex((at) => at >= begin);
  const points = thinned(seconds.slice(warm), values.slice(warm), STRETCH_S);
  const trend = trendOf(points.xs, points.ys);
  const slopePerHour = trend.slope * 3600;
  const noisePerHour = trend.noise * 3600;
  const flat = slopePerHour <= noisePerHour || trend.slope * (end - begin) <= slack;
  return {
    name,
    unit,
    first,
    last,
    slopePerHour,
    noisePerHour,
    goal: `as at minute 1 (+${slack}), slope 0 within noise${secondHalf ? ' in the second half' : ''}`,
    from: begin,
    holds: last - first <= slack && flat,
    trend,
  };
}
