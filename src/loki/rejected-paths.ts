/** The older of the two files of refused lines: the first one is moved there when it has its share of the room. */
export function olderRejectedFile(path: string): string {
  return `${path}.1`;
}

/** Where refused lines of which no copy is kept are counted. */
export function rejectedSummaryFile(path: string): string {
  return `${path}.summary.json`;
}
