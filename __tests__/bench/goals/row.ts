import { median } from '../figures.js';

/** One figure of the bench, and what it is to be. */
export interface Row {
  /** For `--only`: the measurement that it comes from. */
  readonly name: string;
  readonly what: string;
  /** What it is held against; empty for a figure of its own. */
  readonly baseline: string;
  /** At most so much; undefined for a figure without a goal. */
  readonly goal: number | undefined;
  readonly unit: Unit;
  /** One a run. The figure is their median. */
  readonly values: readonly number[];
}

/** `ratio`: to the baseline of the same run. */
export type Unit = 'ratio' | 's' | 'ms' | 'us' | 'MiB' | 'lines/s' | '% of a core' | '';

export interface Judged extends Row {
  readonly figure: number;
  readonly verdict: 'met' | 'MISSED' | '';
}

export function judged(row: Row): Judged {
  const figure = median(row.values);
  if (row.goal === undefined) return { ...row, figure, verdict: '' };
  // Of nothing there is no verdict but this one.
  return { ...row, figure, verdict: figure <= row.goal ? 'met' : 'MISSED' };
}
