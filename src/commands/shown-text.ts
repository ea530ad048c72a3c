/** Control characters, ends of lines, and what turns the direction of writing. */
const UNSHOWN = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * A text from a log as it may be shown on a terminal: on one line, cut to so many characters, and with nothing in
 * it that moves the cursor or changes colours.
 */
export function shownText(text: string, maxCharacters = 120): string {
  const head = text.slice(0, maxCharacters * 2);
  const plain = head.replace(UNSHOWN, (char) =>
    char === '\t' ? '\\t' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return plain.length > maxCharacters || head.length < text.length
    ? `${plain.slice(0, maxCharacters - 1)}…`
    : plain;
}

/** Rows as columns of one width each; the first row is the head. All but the first columns are figures. */
export function columns(rows: readonly (readonly string[])[], textColumns: number): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) =>
          i < textColumns ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
