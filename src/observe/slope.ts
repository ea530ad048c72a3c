export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Fit {
  readonly slope: number;
  /** The standard error of the slope: how far noise alone can turn the line. */
  readonly error: number;
}

/** The least-squares line through the points; flat when they do not span any x. */
export function leastSquares(points: readonly Point[]): Fit {
  const n = points.length;
  if (n < 2) return { slope: 0, error: 0 };
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / n;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / n;
  let xx = 0;
  let xy = 0;
  for (const { x, y } of points) {
    xx += (x - meanX) ** 2;
    xy += (x - meanX) * (y - meanY);
  }
  if (xx === 0) return { slope: 0, error: 0 };
  const slope = xy / xx;
  const residuals = points.reduce((sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  return { slope, error: n < 3 ? 0 : Math.sqrt(residuals / (n - 2) / xx) };
}

/** Noise alone goes beyond so many standard errors once in 700 times. */
const BEYOND_NOISE = 3;

/**
 * The slope of growth that goes on: of the line through all points, 0 if noise alone can make it, and not more
 * than the median of the slopes of their three thirds. A leak rises in each third; a step (twenty containers were
 * started, the heap was enlarged) rises in one of them at most, and is no leak.
 */
export function sustainedSlope(points: readonly Point[]): number {
  const { slope, error } = leastSquares(points);
  if (Math.abs(slope) <= BEYOND_NOISE * error) return 0;
  const third = Math.floor(points.length / 3);
  if (third < 2) return slope;
  const thirds = [
    points.slice(0, third),
    points.slice(third, points.length - third),
    points.slice(points.length - third),
  ].map((part) => leastSquares(part).slope);
  const median = thirds.sort((a, b) => a - b)[1] as number;
  return Math.min(slope, median);
}
