import { expect, test } from '@jest/globals';
import { readDemoOptions } from '../../../../src/commands/demo/options.js';
import { PollardError } from '../../../../src/model/errors.js';

test('what is not given', () => {
  expect(readDemoOptions({})).toEqual({
    seconds: undefined,
    containers: 7,
    rate: 100,
    seed: 1,
    simulate: false,
  });
});

test('what is given', () => {
  const texts = {
    seconds: '2.5',
    containers: '20',
    rate: '0',
    seed: '4',
    lokiUrl: 'http://l',
    dockerHost: 'unix:///d',
  };
  expect(readDemoOptions(texts)).toEqual({
    seconds: 2.5,
    containers: 20,
    rate: 0,
    seed: 4,
    lokiUrl: 'http://l',
    dockerHost: 'unix:///d',
    simulate: false,
  });
});

test.each([
  [{ seconds: '0' }, '--seconds', 'a number from 1 to'],
  [{ seconds: '' }, '--seconds', 'a number from'],
  [{ seconds: 'x' }, '--seconds', 'a number from'],
  [{ containers: '1.5' }, '--containers', 'a whole number from 1'],
  [{ containers: '0' }, '--containers', 'a whole number from 1'],
  [{ rate: '-1' }, '--rate', 'a number from 0'],
  [{ seed: 'Infinity' }, '--seed', 'a whole number from 0'],
  [{ simulate: true, lokiUrl: 'http://l' }, '--simulate', 'leave out either'],
])('%j is refused', (texts, flag, hint) => {
  const read = (): unknown => readDemoOptions(texts);
  expect(read).toThrow(PollardError);
  expect(read).toThrow(
    expect.objectContaining({
      message: expect.stringContaining(flag),
      hint: expect.stringContaining(hint),
      exit: 'usage',
    }),
  );
});
