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
const NARROWEST_LAST = 8;

/**
 * Rows under a head, each column as wide as its widest cell. Nothing in a cell steers the terminal. On a terminal
 * long cells are cut, the last one at the right edge, so that no line is wrapped; elsewhere nothing is cut.
 */
export function table<T>(columns: readonly Column<T>[], rows: readonly T[], style: Style): string[] {
  const heads = columns.map(({ head }) => head);
  const texts = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const bounded = (cells: readonly string[], last: number): string[] =>
    cells.map((text, at) => shown(text, at === columns.length - 1 ? last : WIDEST, style));

  const widths = widthsOf([heads, ...texts.map((cells) => bounded(cells, WIDEST))]);
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
  const last = Math.max((style.width ?? 0) - before, NARROWEST_LAST);

  const line = (cells: readonly string[], row?: T): string =>
    cells
      .map((text, at) => {
        const { right, paint } = columns[at] as Column<T>;
        const painted = row === undefined || paint === undefined ? text : paint(row, text);
        const fill = ' '.repeat(Math.max((widths[at] as number) - columnsOf(text), 0));
        if (right === true) return fill + painted;
        return at === columns.length - 1 ? painted : painted + fill;
      })
      .join(GAP)
      .trimEnd();
  return [
    style.paint('dim', line(heads)),
    ...rows.map((row, at) => line(bounded(texts[at] as string[], last), row)),
  ];
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const cells of rows) {
    cells.forEach((text, at) => (widths[at] = Math.max(widths[at] ?? 0, columnsOf(text))));
  }
  return widths;
}

/** Cut only where there is a terminal to fit into. */
function shown(text: string, columns: number, { width, ascii }: Style): string {
  if (width === undefined) return printable(text);
  const cut = fitted(text, columns);
  return ascii ? cut.replace(/…$/, '~') : cut;
}
