/** `a 1`, `a 2`, ... up to `a count`: lines that tell by themselves which of them is missing. */
export function numbered(name: string, count: number, first = 1): string[] {
  return Array.from({ length: count }, (_, i) => `${name} ${first + i}`);
}

/** A command for `sh` that prints the same lines at once. */
export function printNumbered(name: string, count: number, first = 1): string {
  return `seq ${first} ${first + count - 1} | sed 's/^/${name} /'`;
}

/** How often a writer speaks; in between it costs nothing. */
const SPEAKS_PER_SECOND = 20;

/** A command for `sh` that prints them little by little, at most so many a second. */
export function trickleNumbered(name: string, count: number, perSecond: number): string {
  return trickle(name, `[ $i -lt ${count} ]`, perSecond, `[ $k -gt ${count} ] && k=${count}; `);
}

/** A command for `sh` that prints them until the file `/stop` is there, and then `a total COUNT`. */
export function numberedUntilStopped(name: string, perSecond: number): string {
  return `${trickle(name, '[ ! -e /stop ]', perSecond, '')}; echo "${name} total $i"`;
}

/** What numberedUntilStopped has written, by its last line among these. */
export function allUntilStopped(name: string, lines: readonly string[]): string[] {
  const last = lines.find((line) => line.startsWith(`${name} total `));
  if (last === undefined) throw new Error(`"${name} total" is not among the ${lines.length} lines`);
  return [...numbered(name, Number(last.split(' ').at(-1))), last];
}

function trickle(name: string, goesOn: string, perSecond: number, bound: string): string {
  const each = Math.max(1, Math.round(perSecond / SPEAKS_PER_SECOND));
  const pause = Math.round((each / perSecond) * 1_000_000);
  const speak = `k=$((i+${each})); ${bound}seq $((i+1)) $k | sed 's/^/${name} /'; i=$k`;
  return `i=0; while ${goesOn}; do ${speak}; usleep ${pause}; done`;
}
