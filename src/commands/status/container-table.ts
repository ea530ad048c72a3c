import type { Style } from '../view/style.js';
import { table, type Column } from '../view/table.js';
import { formatSeconds } from '../view/times.js';
import type { ContainerSnapshot } from './snapshot.js';

/**
 * The containers as a table, those with trouble first. Removed ones, and ended ones that were read to their end, are
 * only counted, unless something of them may have been lost.
 *
 * @param all shows these as well
 */
export function containerTable(
  containers: readonly ContainerSnapshot[],
  style: Style,
  all: boolean,
): string[] {
  const shown = containers.filter((each) => all || isTroubled(each) || !isOver(each));
  const rows = [...shown].sort(byTrouble);
  const hidden = containers.length - rows.length;
  const rest = hidden === 0 ? [] : ['', `and ${hidden} read to their end or removed (--all shows them)`];
  if (rows.length === 0) return ['no container is collected at present', ...rest];
  return [...table(columnsFor(rows, style), rows, style), ...rest];
}

function columnsFor(rows: readonly ContainerSnapshot[], style: Style): Column<ContainerSnapshot>[] {
  const red = (bad: (row: ContainerSnapshot) => boolean) => (row: ContainerSnapshot, text: string) =>
    bad(row) ? style.paint('red', text) : text;
  const rejected: Column<ContainerSnapshot> = {
    head: 'REJECTED',
    cell: (row) => String(row.rejected),
    right: true,
    paint: red((row) => row.rejected > 0),
  };
  return [
    { head: 'CONTAINER', cell: ({ name }) => name },
    { head: 'STATE', cell: stateText, paint: red(({ missed, life }) => missed || life === 'unreadable') },
    { head: 'POLLED', cell: ({ polled_seconds_ago: seconds }) => time(seconds), right: true },
    { head: 'LAG', cell: (row) => (row.life === 'active' ? time(row.lag_seconds) : '-'), right: true },
    { head: 'LINES/MIN', cell: (row) => String(row.lines_per_minute), right: true },
    { head: 'LINES', cell: ({ lines }) => String(lines), right: true },
    { head: 'WINDOW', cell: ({ window }) => String(window ?? '-'), right: true },
    { head: 'GAPS', cell: ({ gaps }) => String(gaps), right: true, paint: red(({ gaps }) => gaps > 0) },
    ...(rows.some((row) => row.rejected > 0) ? [rejected] : []),
    { head: 'LAST ERROR', cell: errorText, paint: red(() => true) },
  ];
}

function stateText({ state, life, missed }: ContainerSnapshot): string {
  switch (life) {
    case 'gone':
      return missed ? 'removed, missed' : 'removed';
    case 'drained':
      return `${state}, read`;
    case 'unreadable':
      return 'unreadable';
    case 'unlogged':
      return 'no log';
    default:
      return state;
  }
}

function errorText({ last_error: error, failures }: ContainerSnapshot): string {
  if (error === null) return '';
  return failures > 1 ? `${failures} times: ${error}` : error;
}

function time(seconds: number | null): string {
  return seconds === null ? '-' : formatSeconds(seconds);
}

function isOver({ life }: ContainerSnapshot): boolean {
  return life === 'gone' || life === 'drained';
}

function isTroubled({
  last_error: error,
  gaps,
  possible_gaps: possible,
  rejected,
  missed,
  life,
}: ContainerSnapshot): boolean {
  // That a removed container is not there is no trouble.
  return (
    (error !== null && life !== 'gone') ||
    gaps + possible > 0 ||
    rejected > 0 ||
    missed ||
    life === 'unreadable'
  );
}

function byTrouble(a: ContainerSnapshot, b: ContainerSnapshot): number {
  return Number(isTroubled(b)) - Number(isTroubled(a)) || (a.name < b.name ? -1 : 1);
}
