import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { columnsOf } from '../../../../src/commands/view/cells.js';
import type { Style } from '../../../../src/commands/view/style.js';
import { table, type Column } from '../../../../src/commands/view/table.js';

interface Row {
  readonly name: string;
  readonly lines: number;
  readonly last: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { head: 'NAME', cell: ({ name }) => name },
  { head: 'LINES', cell: ({ lines }) => String(lines), right: true },
  { head: 'LAST ERROR', cell: ({ last }) => last, paint: (_, text) => `<${text}>` },
];

const plain: Style = { paint: (_, text) => text, ascii: false, width: undefined };
const rows: readonly Row[] = [
  { name: 'web', lines: 7, last: '' },
  { name: 'a-longer-name', lines: 12_345, last: 'no answer' },
];

describe('a table', () => {
  test('columns are as wide as their widest cell, figures at the right', () => {
    expect(table(COLUMNS, rows, plain)).toEqual([
      'NAME           LINES  LAST ERROR',
      'web                7',
      'a-longer-name  12345  <no answer>',
    ]);
  });

  test('wide characters count as two columns', () => {
    expect(table(COLUMNS, [{ name: '日本', lines: 1, last: 'x' }], plain)[1]).toBe('日本      1  <x>');
  });

  test('where there is no terminal nothing is cut, and no row is no row', () => {
    const last = 'x'.repeat(500);
    expect(table(COLUMNS, [{ name: 'n'.repeat(100), lines: 1, last }], plain)[1]).toContain(last);
    expect(table(COLUMNS, [], plain)).toEqual(['NAME  LINES  LAST ERROR']);
  });

  test('on a terminal the last column ends at its edge; in ASCII that is seen in ASCII', () => {
    const long = [{ name: 'web', lines: 7, last: 'the daemon gave up half way' }];
    const unpainted = COLUMNS.map(({ head, cell, right }) => ({ head, cell, right: right === true }));
    const narrow = (ascii: boolean): string | undefined =>
      table(unpainted, long, { ...plain, ascii, width: 30 })[1];
    expect(narrow(false)).toBe('web       7  the daemon gave …');
    expect(narrow(true)).toBe('web       7  the daemon gave ~');
  });

  test('no cell can steer a terminal, and no line is wider than it', () => {
    const anyRow = fc.record({
      name: fc.string({ unit: 'binary', maxLength: 60 }),
      lines: fc.nat(),
      last: fc.string({ unit: 'binary', maxLength: 200 }),
    });
    const unpainted = COLUMNS.map(({ head, cell, right }) => ({ head, cell, right: right === true }));
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 4 }), fc.boolean(), (any, ascii) => {
        for (const line of table(unpainted, any, { ...plain, ascii, width: 100 })) {
          // eslint-disable-next-line no-control-regex -- they are what must not be there
          expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
          expect(columnsOf(line)).toBeLessThanOrEqual(100);
        }
      }),
    );
  });
});
