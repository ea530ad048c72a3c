/**
 * Windows in which a place is looked for in a log with damaged records, entries; at last the whole log. Narrow ones
 * first and close to each other: a place that stands closely behind a damaged record is shown only by a window that
 * begins between both.
 */
export const SEARCH_WINDOWS: readonly (number | undefined)[] = [
  1,
  2,
  3,
  4,
  6,
  8,
  12,
  16,
  24,
  32,
  48,
  64,
  96,
  128,
  256,
  1024,
  4096,
  16_384,
  65_536,
  262_144,
  undefined,
];
