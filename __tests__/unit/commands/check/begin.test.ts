import { expect, test } from '@jest/globals';
import { beginOf } from '../../../../src/commands/check/begin.js';
import type { Cursor } from '../../../../src/model/cursor.js';
import { NS_PER_SECOND } from '../../../../src/model/nanoseconds.js';
import { cursorOf } from '../../../support/any-cursor.js';

const WATCH = 1_700_000_000n * NS_PER_SECOND;
const made = (created: bigint) => ({ id: '', name: 'web', image: '', labels: {}, state: 'running', created });
const older = made(WATCH - 60n * NS_PER_SECOND);
const younger = made(WATCH + 60n * NS_PER_SECOND);
const anchored: Cursor = {
  ...cursorOf(1, 1),
  anchor: [
    { stamp: WATCH, stream: 'stdout', hash: '0'.repeat(16) },
    { stamp: WATCH + 5n * NS_PER_SECOND, stream: 'stderr', hash: '1'.repeat(16) },
  ],
};

test('behind the last entry delivered, if there is a cursor, whatever the policy', () => {
  expect(beginOf(younger, anchored, 'end', WATCH)).toEqual({
    from: 'cursor',
    text: 'behind 2023-11-14 22:13:25Z (cursor)',
    delivered: WATCH + 5n * NS_PER_SECOND,
  });
  expect(beginOf(older, cursorOf(1, 1), 'end', WATCH).text).toBe('at its beginning (cursor)');
});

test('at its beginning, if it was made while the directory was watched', () => {
  expect(beginOf(younger, undefined, 'end', WATCH)).toMatchObject({ from: 'birth' });
  expect(beginOf(made(WATCH), undefined, 'end', WATCH + NS_PER_SECOND / 2n)).toMatchObject({ from: 'birth' });
});

test('else as the start policy says', () => {
  const textOf = (start: Parameters<typeof beginOf>[2]): string =>
    beginOf(older, undefined, start, WATCH).text;
  expect(textOf('beginning')).toBe('at its beginning (start)');
  expect(textOf('end')).toBe('at its end (start)');
  expect(textOf({ backMs: 5_400_000 })).toBe('90m back (start)');
});
