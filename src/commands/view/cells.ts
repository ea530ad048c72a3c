import { printable } from '../../config/shown.js';

/** Characters that take two columns of a terminal: East Asian wide and fullwidth ones, and most emoji (Unicode TR 11). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
/** Those that take none: they go onto the character before. */
const NARROWEST = /[\p{Mn}\p{Me}\u200b-\u200d]/u;

/** How many columns of a terminal a printable text takes. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += widthOf(character);
  return columns;
}

/**
 * A text as one cell: on one line, nothing in it that steers the terminal, cut where it is too long, and filled up
 * with blanks where it is too short.
 */
export function cell(text: string, columns: number): string {
  const shown = fitted(text, columns);
  return shown + ' '.repeat(Math.max(0, columns - columnsOf(shown)));
}

/** The same, not filled up. */
export function fitted(text: string, columns: number): string {
  if (columns <= 0) return '';
  // More characters than columns are never shown; escapes only make it longer.
  const safe = printable(text.slice(0, columns * 2 + 2));
  if (columnsOf(safe) <= columns) return safe;
  let shown = '';
  let left = columns - 1;
  for (const character of safe) {
    left -= widthOf(character);
    if (left < 0) break;
    shown += character;
  }
  return `${shown}…`;
}

/** A number, right-aligned. */
export function numberCell(value: number | string, columns: number): string {
  return String(value).padStart(columns);
}

function widthOf(character: string): number {
  if (NARROWEST.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
