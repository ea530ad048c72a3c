import { printable } from '../../config/shown.js';
import { columnsOf, fitted } from './cells.js';
import type { Style } from './style.js';

export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => string;
  /** Figures stand at the right. */
  readonly right?: boolean;
  /** How it is painted; it is measured without. */
  readonly paint?: (row: T, text: string) => string;
}

const GAP = '  ';
/** A name that is longer is cut on a terminal. */
const WIDEST = 40;
const NARROWEST_FIRST = 9;
const NARROWEST_LAST = 8;

/**
 * Rows under a head, each column as wide as its widest cell. Nothing in a cell steers the terminal. On a terminal
 * long cells are cut, the last one at the right edge and then the first, so that lines are not wrapped; elsewhere
 * nothing is cut.
 */
export function table<T>(columns: readonly Column<T>[], rows: readonly T[], style: Style): string[] {
  const heads = columns.map(({ head }) => head);
  const texts = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const cutTo = (limits: readonly number[]): string[][] =>
    texts.map((cells) => cells.map((text, at) => shown(text, limits[at] as number, style)));

  const limits = columns.map(() => WIDEST);
  const wanted = widthsOf([heads, ...cutTo(limits)]);
  const room = (style.width ?? Infinity) - sum(wanted.slice(0, -1)) - GAP.length * (columns.length - 1);
  const first = wanted[0] ?? 0;
  // The first column gives way before the last one is too narrow to say anything.
  limits[0] = Math.min(first, Math.max(first + room - NARROWEST_LAST, NARROWEST_FIRST));
  limits[columns.length - 1] = Math.max(room + first - limits[0], NARROWEST_LAST);
  const cut = cutTo(limits);
  const widths = widthsOf([heads, ...cut]);

  const line = (cells: readonly string[], row?: T): string =>
    cells
      .map((text, at) => {
        const { right, paint } = columns[at] as Column<T>;
        const painted = row === undefined || paint === undefined || text === '' ? text : paint(row, text);
        const fill = ' '.repeat(Math.max((widths[at] as number) - columnsOf(text), 0));
        if (right === true) return fill + painted;
        return at === columns.length - 1 ? painted : painted + fill;
      })
      .join(GAP)
      .trimEnd();
  return [style.paint('dim', line(heads)), ...rows.map((row, at) => line(cut[at] as string[], row))];
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const cells of rows) {
    cells.forEach((text, at) => (widths[at] = Math.max(widths[at] ?? 0, columnsOf(text))));
  }
  return widths;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Cut only where there is a terminal to fit into. */
function shown(text: string, columns: number, { width, ascii }: Style): string {
  if (width === undefined) return printable(text);
  const cut = fitted(text, columns);
  return ascii ? cut.replace(/…$/, '~') : cut;
}
