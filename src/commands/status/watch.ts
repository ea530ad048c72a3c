import type { Clock } from '../../model/clock.js';
import { joinedSignal } from '../../model/joined-signal.js';
import { watchReader, type Output } from '../output.js';
import { fitted } from '../view/cells.js';

const ESCAPE = '\u001b[';
/** Cleared, the cursor hidden, and no line wrapped: one that is too long does not move those below. */
const BEGIN = `${ESCAPE}2J${ESCAPE}?25l${ESCAPE}?7l`;
const END = `${ESCAPE}?25h${ESCAPE}?7h`;

/** What is shown at one instant, and how the command would end with it. */
export interface Picture {
  readonly text: string;
  readonly code: number;
}

/**
 * Shows a picture again and again until the signal aborts or nobody reads the stream any more: on a terminal in place,
 * as much of it as there is room for; elsewhere one after the other.
 *
 * @param every ms
 * @returns the exit code of the last picture
 */
export async function watch(
  take: () => Promise<Picture>,
  every: number,
  stream: Output['out'],
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  const screen = stream.isTTY === true ? inPlace(stream) : oneByOne(stream);
  const reader = watchReader(stream);
  const ending = joinedSignal([signal, reader.signal]);
  let code = 0;
  try {
    while (!ending.signal.aborted) {
      const picture = await take();
      code = picture.code;
      screen.show(picture.text);
      await clock.sleep(every, ending.signal).catch(() => undefined);
    }
  } finally {
    ending.release();
    reader.release();
    screen.close();
  }
  return code;
}

interface Screen {
  show(text: string): void;
  close(): void;
}

function oneByOne(stream: Output['out']): Screen {
  return { show: (text) => void stream.write(text), close: () => undefined };
}

function inPlace(stream: Output['out']): Screen {
  let begun = false;
  return {
    show: (text) => {
      const { rows = 24 } = stream as { readonly rows?: number };
      const lines = text.trimEnd().split('\n');
      const room = Math.max(rows - 1, 1);
      const cut =
        lines.length > room ? [...lines.slice(0, room - 1), moreLines(lines.length - room + 1)] : lines;
      const drawn = cut.map((line) => `${line}${ESCAPE}K\n`).join('');
      stream.write(`${begun ? '' : BEGIN}${ESCAPE}H${drawn}${ESCAPE}J`);
      begun = true;
    },
    close: () => {
      if (begun) stream.write(END);
    },
  };
}

function moreLines(count: number): string {
  return fitted(`and ${count} more lines: the terminal is too low`, 60);
}
