/** The sum of a metric over all its labels, in a page of /metrics; 0 when it is not there. */
export function metricSum(page: string, name: string): number {
  let sum = 0;
  for (const line of page.split('\n')) {
    const [, found, value] = /^([a-zA-Z_:]+)(?:\{.*\})? (\S+)$/.exec(line) ?? [];
    if (found === name) sum += Number(value);
  }
  return sum;
}
