import type { Output } from '../output.js';
import { painter, type Paint } from './paint.js';

/** How text is shown on one stream. */
export interface Style {
  /** Colours, or none. */
  readonly paint: Paint;
  /** Only ASCII: the terminal, or who reads the file, may know nothing else. */
  readonly ascii: boolean;
  /** Columns of the terminal; undefined where lines may be as long as they are. */
  readonly width: number | undefined;
}

/**
 * Colours on a terminal unless NO_COLOR says no, and nothing but ASCII unless the locale is one of UTF-8 (locale(7):
 * LC_ALL, else LC_CTYPE, else LANG; without any it is C, which is ASCII).
 *
 * @param ascii whatever the locale is
 */
export function styleFor(stream: Output['out'], env: NodeJS.ProcessEnv, ascii = false): Style {
  const terminal = stream.isTTY === true && env['TERM'] !== 'dumb';
  const { columns } = stream as { readonly columns?: number };
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return {
    paint: painter(terminal, env),
    ascii: ascii || !/utf-?8/i.test(locale),
    width: terminal && columns !== undefined && columns > 0 ? columns : undefined,
  };
}

/** How one thing that was tried stands: as it should be, worth a look, not as it must be, not tried. */
export type Mark = 'ok' | 'warning' | 'failed' | 'none';

const UNICODE: Readonly<Record<Mark, string>> = { ok: '✓', warning: '!', failed: '✗', none: '-' };
const ASCII: Readonly<Record<Mark, string>> = { ok: 'ok', warning: 'warn', failed: 'FAILED', none: '-' };
const COLOURS = { ok: 'green', warning: 'yellow', failed: 'red', none: 'dim' } as const;

/** A tick, a cross and the like, all of one width. */
export function shownMark(mark: Mark, { ascii, paint }: Style): string {
  const text = ascii ? ASCII[mark].padEnd(6) : UNICODE[mark];
  return paint(COLOURS[mark], text);
}
