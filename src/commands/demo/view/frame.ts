import { formatSize } from '../../output.js';
import { cell, columnsOf, fitted, numberCell } from '../../view/cells.js';
import type { Paint } from '../../view/paint.js';

/** One container as the table shows it. */
export interface Row {
  readonly name: string;
  readonly state: string;
  readonly lines: number;
  /** Seconds since its log was last read to the end; undefined where nothing more is to be read. */
  readonly lag: number | undefined;
  readonly gaps: number;
  /** The newest line that Loki has of it; undefined: none yet. */
  readonly newest: string | undefined;
  /** What is wrong with it. */
  readonly trouble: string | undefined;
}

/** What is to be seen at one moment. */
export interface Snapshot {
  /** Since the collector began. */
  readonly seconds: number;
  /** What goes on: collecting, or what comes behind it. */
  readonly phase: string;
  readonly rows: readonly Row[];
  /** Acknowledged by Loki. */
  readonly lines: number;
  /** Of them, a second, lately. */
  readonly rate: number;
  readonly polls: number;
  readonly pushes: number;
  readonly gaps: number;
  /** To the Engine. */
  readonly sockets: number;
  readonly mostSockets: number;
  /** Of this process; undefined where the system does not tell. */
  readonly fds: number | undefined;
  /** Bytes. */
  readonly memory: number;
  /** The last warning, and how many there were. */
  readonly notice: string | undefined;
  readonly notices: number;
}

const WIDTHS = { state: 9, lines: 8, lag: 6, gaps: 4 };
const GAP = 2;
const NARROWEST_NAME = 9;
const WIDEST_NAME = 32;
const NARROWEST_TEXT = 20;
/** Around the rows: title, blank, head, blank, totals (two), notice. */
const OTHER_LINES = 7;

/** The table, as lines of at most so many columns; as many rows as there is room for. */
export function frame(snapshot: Snapshot, columns: number, height: number, paint: Paint): string[] {
  const { rows, phase, seconds } = snapshot;
  const room = Math.max(1, height - OTHER_LINES - 1);
  const shown = rows.length > room ? rows.slice(0, room - 1) : rows;
  const longest = shown.reduce((most, { name }) => Math.max(most, columnsOf(name)), NARROWEST_NAME);
  const figures = WIDTHS.state + WIDTHS.lines + WIDTHS.lag + WIDTHS.gaps + GAP * 5;
  const widest = Math.max(NARROWEST_NAME, Math.min(WIDEST_NAME, columns - figures - NARROWEST_TEXT));
  const nameWidth = Math.min(longest, widest);
  const textWidth = columns - figures - nameWidth;
  const between = ' '.repeat(GAP);

  const head = [
    cell('CONTAINER', nameWidth),
    cell('STATE', WIDTHS.state),
    numberCell('LINES', WIDTHS.lines),
    numberCell('LAG', WIDTHS.lag),
    numberCell('GAPS', WIDTHS.gaps),
    fitted('NEWEST LINE IN LOKI', textWidth),
  ].join(between);
  const lines = [
    fitted(`${phase}  ${Math.floor(seconds)} s`, columns),
    '',
    paint('dim', fitted(head, columns)),
    ...shown.map((row) => rowLine(row, nameWidth, textWidth, between, paint)),
  ];
  if (shown.length < rows.length) lines.push(fitted(`and ${rows.length - shown.length} more`, columns));
  lines.push('', ...totals(snapshot).map((line) => fitted(line, columns)));
  if (snapshot.notice !== undefined) {
    const more = snapshot.notices > 1 ? ` (${snapshot.notices} so far)` : '';
    lines.push(paint('yellow', fitted(`!${more} ${snapshot.notice}`, columns)));
  }
  return lines;
}

/** The same in one line, for where lines are not drawn over. */
export function plainLine(snapshot: Snapshot): string {
  const { seconds, phase, rows } = snapshot;
  const lags = rows.flatMap((row) => row.lag ?? []);
  const lag = lags.length === 0 ? 'all read' : `lag ${Math.max(...lags).toFixed(1)} s`;
  const containers = `${rows.length} ${rows.length === 1 ? 'container' : 'containers'}`;
  return [`${Math.floor(seconds)} s`, phase, containers, lag, ...totals(snapshot)].join('  ');
}

function rowLine(row: Row, nameWidth: number, textWidth: number, between: string, paint: Paint): string {
  const { name, state, lines, lag, gaps, newest = '', trouble } = row;
  const gapCell = numberCell(gaps, WIDTHS.gaps);
  return [
    cell(name, nameWidth),
    cell(state, WIDTHS.state),
    numberCell(lines, WIDTHS.lines),
    numberCell(lag === undefined ? '-' : `${lag.toFixed(lag < 100 ? 1 : 0)}s`, WIDTHS.lag),
    gaps > 0 ? paint('yellow', gapCell) : gapCell,
    trouble === undefined ? fitted(newest, textWidth) : paint('red', fitted(trouble, textWidth)),
  ].join(between);
}

function totals(snapshot: Snapshot): [string, string] {
  const { lines, rate, polls, pushes, gaps, sockets, mostSockets, fds, memory } = snapshot;
  return [
    `${lines} lines in Loki, ${Math.round(rate)}/s  ${polls} polls  ${pushes} pushes  gaps ${gaps}`,
    [
      `Engine sockets open now ${sockets}, at most ${mostSockets}`,
      ...(fds === undefined ? [] : [`${fds} file descriptors`]),
      formatSize(memory),
    ].join('  '),
  ];
}
