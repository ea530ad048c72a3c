import { describe, expect, test } from '@jest/globals';
import { encodeCursor } from '../../../src/cursors/codec.js';
import { CursorCorrupt, CursorTooNew } from '../../../src/cursors/cursor-errors.js';
import { seeCursors } from '../../../src/cursors/read-cursors.js';
import { cursorOf, idOf } from '../../support/any-cursor.js';
import { PowerLossFs } from '../../support/power-loss-fs.js';

const pathOf = (number: number): string => `/state/cursors/${idOf(number)}.json`;

function newFs(): PowerLossFs {
  const fs = new PowerLossFs();
  fs.plantDir('/state');
  fs.plantDir('/state/cursors');
  return fs;
}

describe('looking at cursors that someone else owns', () => {
  test('tells good, damaged and too new ones apart, and changes nothing', async () => {
    const fs = newFs();
    fs.plant(pathOf(1), Buffer.from(encodeCursor(cursorOf(1, 10))));
    fs.plant(pathOf(2), Buffer.alloc(10));
    fs.plant(pathOf(3), Buffer.from('{"version":99}\n'));
    fs.plant(`${pathOf(4)}.tmp`, Buffer.from('half'));
    fs.plant(`${pathOf(5)}.corrupt-20260102T030405.000000006Z`, Buffer.from('old'));
    fs.plant('/state/cursors/README', Buffer.from('no cursor'));
    const before = fs.files();

    const { cursors, unusable, kept } = await seeCursors('/state', fs);

    expect(cursors).toEqual([cursorOf(1, 10)]);
    expect(unusable.map(({ id }) => id)).toEqual([idOf(2), idOf(3)]);
    expect(unusable[0]?.error).toBeInstanceOf(CursorCorrupt);
    expect(unusable[1]?.error).toBeInstanceOf(CursorTooNew);
    expect(unusable[1]?.error.message).toContain(pathOf(3));
    expect(kept).toBe(1);
    expect(fs.files()).toEqual(before);
    expect(new Set(fs.calls)).toEqual(new Set(['list', 'read']));
  });

  test('a directory that is not there has no cursors, and is not made', async () => {
    const fs = new PowerLossFs();
    fs.list = () => Promise.reject(Object.assign(new Error('ENOENT'), { code: 'ENOENT' }));
    expect(await seeCursors('/state', fs)).toEqual({ cursors: [], unusable: [], kept: 0 });
    expect(fs.calls).toEqual([]);
  });

  test('one that is forgotten while they are read is passed over', async () => {
    const fs = newFs();
    fs.plant(pathOf(1), Buffer.from(encodeCursor(cursorOf(1, 10))));
    fs.plant(pathOf(2), Buffer.from(encodeCursor(cursorOf(2, 20))));
    fs.decide = (_, name) => (name === 'read' && fs.calls.at(-2) === 'list' ? 'ENOENT' : undefined);
    expect((await seeCursors('/state', fs)).cursors).toEqual([cursorOf(2, 20)]);
  });

  test('a directory of another user: told as whom to look', async () => {
    const fs = newFs();
    fs.decide = () => 'EACCES';
    await expect(seeCursors('/state', fs)).rejects.toMatchObject({
      code: 'cursor_read_failed',
      setting: 'collector.state_dir',
      exit: 'state',
      hint: expect.stringContaining('runuser -u') as unknown,
    });
  });
});
