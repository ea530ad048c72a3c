/** The middle one; of an even number the mean of the two. NaN of none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** @param part 0.99 for the value that 99 % do not exceed; between two values in proportion */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  if (low === undefined || high === undefined) return NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** A straight line through points, and how well its slope is known. */
export interface Trend {
  readonly slope: number;
  /** Two standard errors of the slope: a true slope of 0 shows more than this one time in twenty. */
  readonly noise: number;
  readonly at: (x: number) => number;
}

/**
 * Fits a line by least squares. Neighbours that are alike count for less than their number: the error is worked
 * out with as many points as would be independent, by the correlation of each residual with the next.
 */
export function trendOf(xs: readonly number[], ys: readonly number[]): Trend {
  const n = xs.length;
  const meanX = mean(xs);
  const meanY = mean(ys);
  let sxx = 0;
  let sxy = 0;
  for (let i = 0; i < n; i++) {
    const dx = xs[i]! - meanX;
    sxx += dx * dx;
    sxy += dx * (ys[i]! - meanY);
  }
  const slope = sxx === 0 ? 0 : sxy / sxx;
  const at = (x: number) => meanY + slope * (x - meanX);
  const residuals = ys.map((y, i) => y - at(xs[i]!));
  const squares = residuals.reduce((sum, r) => sum + r * r, 0);
  const neighbours = residuals.slice(1).reduce((sum, r, i) => sum + r * residuals[i]!, 0);
  const alike = squares === 0 ? 0 : Math.min(Math.max(neighbours / squares, 0), 0.99);
  const independent = Math.max((n * (1 - alike)) / (1 + alike), 3);
  const noise = sxx === 0 ? Infinity : 2 * Math.sqrt(squares / (independent - 2) / sxx);
  return { slope, noise, at };
}

/** One point for each stretch of `width` in x: its middle and the median of its values. */
export function thinned(
  xs: readonly number[],
  ys: readonly number[],
  width: number,
): { readonly xs: number[]; readonly ys: number[] } {
  const stretches = new Map<number, number[]>();
  for (const [i, x] of xs.entries()) {
    const stretch = Math.floor(x / width);
    const values = stretches.get(stretch);
    if (values === undefined) stretches.set(stretch, [ys[i]!]);
    else values.push(ys[i]!);
  }
  return {
    xs: [...stretches.keys()].map((stretch) => (stretch + 0.5) * width),
    ys: [...stretches.values()].map(median),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
