/** `a 1`, `a 2`, ... up to `a count`: lines that tell by themselves which of them is missing. */
export function numbered(name: string, count: number, first = 1): string[] {
  return Array.from({ length: count }, (_, i) => `${name} ${first + i}`);
}

/** A command for `sh` that prints the same lines at once. */
export function printNumbered(name: string, count: number, first = 1): string {
  return `seq ${first} ${first + count - 1} | sed 's/^/${name} /'`;
}

/** A command for `sh` that prints them one by one, about so many a second. */
export function trickleNumbered(name: string, count: number, perSecond: number): string {
  const pause = Math.round(1_000_000 / perSecond);
  return `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo "${name} $i"; usleep ${pause}; done`;
}
