import { afterEach, expect, jest, test } from '@jest/globals';
import { Sight, type Standing } from '../../chaos/sight.js';

afterEach(() => void jest.restoreAllMocks());

test('a container that was there for a moment need not be named, unless more was to come of its cursor', () => {
  const sight = new Sight();
  for (const cursor of ['open', 'complete', undefined] as const) {
    const id = cursor ?? 'none';
    sight.made(id);
    sight.stands(id, { running: true, cursor });
    sight.removed(id);
    // Its cursor is completed then, whether it is named or not.
    sight.stands(id, { running: false, cursor: 'complete' });
  }
  expect(['open', 'complete', 'none'].map((id) => sight.isUnseen(id))).toEqual([false, true, true]);
});

test('one that is there still, or that nobody made, is none that nobody saw', () => {
  const sight = new Sight();
  sight.made('here');
  expect(['here', 'of a run before'].map((id) => sight.isUnseen(id))).toEqual([false, false]);
});

test('a collector that is started knows of those only that have a cursor: others that went shortly before are excused', () => {
  const sight = new Sight();
  for (const id of ['polled', 'brief']) sight.made(id);
  sight.stands('polled', { running: true, cursor: 'open' });
  for (const id of ['polled', 'brief']) sight.removed(id);
  sight.begins(performance.now());
  sight.hasLooked(new Set(['polled']));
  expect(['polled', 'brief'].map((id) => sight.isUnseen(id))).toEqual([false, true]);
});

test.each([
  { cursor: 'complete', isUnseen: true },
  { cursor: undefined, isUnseen: false },
] as const)(
  'seen well, it ends, is started again and goes: to be seen anew if its cursor was $cursor',
  ({ cursor, isUnseen }) => {
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    const sight = new Sight();
    sight.made('web');
    for (; now < 10_000; now += 100) sight.look(true);
    const lives: readonly Standing[] = [true, false, true].map((running) => ({ running, cursor }));
    for (const standing of lives) sight.stands('web', standing);
    sight.look(false);
    sight.removed('web');
    expect(sight.isUnseen('web')).toBe(isUnseen);
  },
);
