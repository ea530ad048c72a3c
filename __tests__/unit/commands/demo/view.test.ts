import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { frame, plainLine, type Row, type Snapshot } from '../../../../src/commands/demo/view/frame.js';
import { screenFor } from '../../../../src/commands/demo/view/screen.js';
import { columnsOf } from '../../../../src/commands/view/cells.js';
import { painter } from '../../../../src/commands/view/paint.js';
import { recordedOutput } from '../../../support/commands/recorded-output.js';

const noColour = painter(false, {});

function row(name: string, over: Partial<Row> = {}): Row {
  return {
    name,
    state: 'running',
    lines: 3,
    lag: 0.25,
    gaps: 0,
    newest: 'hello',
    trouble: undefined,
    ...over,
  };
}

function snapshot(rows: readonly Row[], over: Partial<Snapshot> = {}): Snapshot {
  return {
    seconds: 12.9,
    phase: 'collecting for 20 s',
    rows,
    lines: 1234,
    rate: 101.6,
    polls: 40,
    pushes: 30,
    gaps: 0,
    sockets: 2,
    mostSockets: 7,
    fds: 33,
    memory: 64 * 1024 * 1024,
    notice: undefined,
    notices: 0,
    ...over,
  };
}

describe('the picture', () => {
  test('shows each container and the totals', () => {
    const rows = [row('web', { lines: 70, gaps: 2 }), row('db', { state: 'exited', lag: undefined })];
    expect(frame(snapshot(rows), 80, 24, noColour)).toEqual([
      'collecting for 20 s  12 s',
      '',
      'CONTAINER  STATE         LINES     LAG  GAPS  NEWEST LINE IN LOKI',
      'web        running          70    0.3s     2  hello',
      'db         exited            3       -     0  hello',
      '',
      '1234 lines in Loki, 102/s  40 polls  30 pushes  gaps 0',
      'Engine sockets open now 2, at most 7  33 file descriptors  64.0 MiB',
    ]);
  });

  test('a warning stands below, what is wrong with a container in its row', () => {
    const rows = [row('web', { trouble: 'it answered 500' })];
    const lines = frame(snapshot(rows, { notice: 'web: cannot be read', notices: 3 }), 80, 24, noColour);
    expect(lines[3]).toBe('web        running           3    0.3s     0  it answered 500');
    expect(lines.at(-1)).toBe('! (3 so far) web: cannot be read');
  });

  test('never wider or higher than the terminal, whatever containers say', () => {
    const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.constant('漢字'.repeat(100)));
    const anyRow = fc.record({
      name: fc.stringMatching(/^[a-z0-9_.-]{1,80}$/),
      state: fc.constantFrom('running', 'exited', 'unreadable'),
      lines: fc.nat(99_999_999),
      lag: fc.option(fc.double({ min: 0, max: 5000, noNaN: true }), { nil: undefined }),
      gaps: fc.nat(20),
      newest: fc.option(anyText, { nil: undefined }),
      trouble: fc.option(anyText, { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fc.array(anyRow, { maxLength: 40 }),
        fc.integer({ min: 50, max: 250 }),
        fc.integer({ min: 10, max: 60 }),
        fc.option(anyText, { nil: undefined }),
        (rows, columns, height, notice) => {
          const lines = frame(snapshot(rows, { notice, notices: 1 }), columns, height, noColour);
          expect(lines.length).toBeLessThan(height);
          for (const line of lines) {
            expect(columnsOf(line)).toBeLessThanOrEqual(columns);
            expect(line).not.toMatch(/\p{Cc}/u);
          }
          if (rows.length > height) expect(lines.join('\n')).toMatch(/^and \d+ more$/m);
        },
      ),
    );
  });

  test('in one line', () => {
    const rows = [row('web', { lag: 1.25 }), row('db', { lag: undefined })];
    expect(plainLine(snapshot(rows))).toBe(
      '12 s  collecting for 20 s  2 containers  lag 1.3 s  1234 lines in Loki, 102/s  40 polls  30 pushes  gaps 0' +
        '  Engine sockets open now 2, at most 7  33 file descriptors  64.0 MiB',
    );
    expect(plainLine(snapshot([row('db', { lag: undefined })], { fds: undefined }))).toMatch(
      /1 container {2}all read .*at most 7 {2}64\.0 MiB$/,
    );
  });
});

describe('the screen', () => {
  /** What a terminal shows in the end: rows of text, and where the cursor is. */
  function terminal(text: string): { rows: string[]; hidden: boolean } {
    const rows = [''];
    let at = 0;
    let column = 0;
    let hidden = false;
    // eslint-disable-next-line no-control-regex -- what steers a terminal is what is looked for
    for (const [token] of text.matchAll(/\u001b\[\??[0-9]*[A-Za-z]|\r|\n|[^\u001b\r\n]+/g)) {
      const up = /\[(\d+)A$/.exec(token);
      if (up) at = Math.max(0, at - Number(up[1]));
      else if (token.endsWith('?25l')) hidden = true;
      else if (token.endsWith('?25h')) hidden = false;
      else if (token.endsWith('[J')) rows.length = at + 1;
      else if (token.endsWith('[K')) rows[at] = rows[at]!.slice(0, column);
      else if (token === '\n') rows[++at] ??= '';
      else if (!token.startsWith('\u001b') && token !== '\r') {
        rows[at] = token + rows[at]!.slice(token.length);
        column = token.length;
      }
      if (token === '\n' || token === '\r') column = 0;
      if (token.endsWith('[J')) rows[at] = rows[at]!.slice(0, column);
    }
    return { rows, hidden };
  }

  test('a picture is drawn over the one before, also over a longer one; in the end the cursor is back', () => {
    const output = recordedOutput({ columns: 100, rows: 30 });
    const screen = screenFor(output.out, {}, noColour);
    screen.show(snapshot(['a', 'b', 'c'].map((name) => row(name))));
    expect(terminal(output.stdout()).hidden).toBe(true);
    const last = snapshot([row('a')], { lines: 99 });
    screen.show(last);
    expect(terminal(output.stdout())).toEqual({
      rows: [...frame(last, 100, 30, noColour), ''],
      hidden: true,
    });
    screen.close();
    screen.close();
    expect(terminal(output.stdout()).hidden).toBe(false);
  });

  test.each([
    ['no terminal', undefined, {}],
    ['a dumb one', { columns: 100, rows: 30 }, { TERM: 'dumb' }],
  ])('%s: a line now and then, and warnings as they come', (_what, size, env) => {
    const output = recordedOutput(size);
    const screen = screenFor(output.out, env, noColour);
    screen.show(snapshot([row('a')]));
    screen.notice('a: gone');
    screen.close();
    expect(output.stdout()).toBe(`${plainLine(snapshot([row('a')]))}\n! a: gone\n`);
    expect(screen.every).toBeGreaterThan(1000);
  });

  test('colours only where they are wanted', () => {
    const painted = (env: NodeJS.ProcessEnv): string =>
      frame(snapshot([row('a', { gaps: 1 })]), 80, 24, painter(true, env)).join('');
    expect(painted({})).toContain('\u001b[33m');
    expect(painted({ NO_COLOR: '1' })).not.toContain('\u001b');
  });
});
