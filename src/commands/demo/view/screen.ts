import type { Output } from '../../output.js';
import { frame, plainLine, type Snapshot } from './frame.js';
import type { Paint } from '../../view/paint.js';

/** Shows what goes on while it does. */
export interface Screen {
  /** ms between two pictures. */
  readonly every: number;
  show(snapshot: Snapshot): void;
  /** A warning, as it comes. */
  notice(text: string): void;
  /** What was shown stays; nothing is drawn over any more. */
  close(): void;
}

const TABLE_MS = 1000;
const LINE_MS = 5000;
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

const ESCAPE = '\u001b[';
/** Cursor hidden, and no line is wrapped: one that is wider than was thought does not spoil the picture. */
const BEGIN = `${ESCAPE}?25l${ESCAPE}?7l`;
const END = `${ESCAPE}?25h${ESCAPE}?7h`;

/** On a terminal a table that is drawn in place, each second; elsewhere a line now and then. */
export function screenFor(stream: Output['out'], env: NodeJS.ProcessEnv, paint: Paint): Screen {
  return isTerminal(stream, env) ? tableScreen(stream, paint) : lineScreen(stream);
}

export function isTerminal(stream: Output['out'], env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

function tableScreen(stream: Output['out'], paint: Paint): Screen {
  const { columns = DEFAULT_COLUMNS, rows = DEFAULT_ROWS } = stream as { columns?: number; rows?: number };
  let drawn = 0;
  let begun = false;
  return {
    every: TABLE_MS,
    show: (snapshot) => {
      const size = stream as { columns?: number; rows?: number };
      const lines = frame(snapshot, size.columns ?? columns, size.rows ?? rows, paint);
      const up = drawn > 0 ? `\r${ESCAPE}${drawn}A` : '';
      const text = lines.map((line) => `${line}${ESCAPE}K\n`).join('');
      stream.write(`${begun ? '' : BEGIN}${up}${text}${ESCAPE}J`);
      begun = true;
      drawn = lines.length;
    },
    // The picture has the last one in it.
    notice: () => undefined,
    close: () => {
      if (begun) stream.write(END);
      begun = false;
      drawn = 0;
    },
  };
}

function lineScreen(stream: Output['out']): Screen {
  return {
    every: LINE_MS,
    show: (snapshot) => void stream.write(`${plainLine(snapshot)}\n`),
    notice: (text) => void stream.write(`! ${text}\n`),
    close: () => undefined,
  };
}
