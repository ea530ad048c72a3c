import { describe, expect, test } from '@jest/globals';
import { shownMark, styleFor } from '../../../../src/commands/view/style.js';
import { recordedOutput } from '../../../support/commands/recorded-output.js';

const terminal = recordedOutput({ columns: 100, rows: 30 }).out;
const pipe = recordedOutput().out;

describe('how text is shown', () => {
  test.each([
    [{ LANG: 'C.UTF-8' }, false],
    [{ LANG: 'de_DE.utf8' }, false],
    [{ LC_ALL: 'C', LANG: 'C.UTF-8' }, true],
    [{ LC_CTYPE: 'C.UTF-8', LANG: 'C' }, false],
    [{ LC_ALL: '', LANG: 'en_US.UTF-8' }, false],
    [{}, true],
  ])('the locale %j: ASCII only is %p', (env, ascii) => {
    expect(styleFor(pipe, env).ascii).toBe(ascii);
    expect(styleFor(pipe, env, true).ascii).toBe(true);
  });

  test('colours and a width are for terminals, and NO_COLOR takes the colours', () => {
    const red = (stream: typeof pipe, env: NodeJS.ProcessEnv): string =>
      styleFor(stream, env).paint('red', 'x');
    expect(red(terminal, {})).toBe('\u001b[31mx\u001b[39m');
    expect(red(terminal, { NO_COLOR: '1' })).toBe('x');
    expect(red(terminal, { NO_COLOR: '' })).not.toBe('x');
    expect(red(terminal, { TERM: 'dumb' })).toBe('x');
    expect(red(pipe, {})).toBe('x');
    expect(styleFor(terminal, {}).width).toBe(100);
    expect(styleFor(pipe, {}).width).toBeUndefined();
  });

  test('ticks and crosses, or words of one width', () => {
    const marks = (ascii: boolean): string[] =>
      (['ok', 'warning', 'failed', 'none'] as const).map((mark) =>
        shownMark(mark, { paint: (_, text) => text, ascii, width: undefined }),
      );
    expect(marks(false)).toEqual(['✓', '!', '✗', '-']);
    expect(marks(true)).toEqual(['ok    ', 'warn  ', 'FAILED', '-     ']);
  });
});
