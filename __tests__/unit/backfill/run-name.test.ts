import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  checkRunName,
  runName,
  selectionKey,
  type BackfillSelection,
} from '../../../src/backfill/run-name.js';
import { parseStamp } from '../../../src/model/nanoseconds.js';

const ALL: BackfillSelection = { containers: [], labels: {} };
const range = {
  from: parseStamp('2026-11-27T00:00:00Z')!,
  until: parseStamp('2026-11-28T00:00:00Z')!,
};

test('a range of whole days of all containers has a name that says so', () => {
  expect(runName(range, ALL)).toBe('from-2026-11-27T00-00-00Z-to-2026-11-28T00-00-00Z');
});

test('a fraction of a second is part of the name, without zeros at its end', () => {
  const until = range.until + 10_500_000_000n;
  expect(runName({ ...range, until }, ALL)).toBe('from-2026-11-27T00-00-00Z-to-2026-11-28T00-00-10.5Z');
});

test('other containers or another nanosecond give another name', () => {
  const names = [
    runName(range, ALL),
    runName({ ...range, until: range.until + 1n }, ALL),
    runName(range, { ...ALL, containers: ['web'] }),
    runName(range, { ...ALL, containers: ['web', 'db'] }),
    runName(range, { ...ALL, project: 'web' }),
    runName(range, { ...ALL, service: 'web' }),
    runName(range, { ...ALL, labels: { web: '' } }),
  ];
  expect(new Set(names).size).toBe(names.length);
});

test('the order in which a selection is written does not matter', () => {
  const one = { containers: ['a', 'b'], labels: { x: '1', y: '2' } };
  const other = { containers: ['b', 'a'], labels: { y: '2', x: '1' } };
  expect(selectionKey(one)).toBe(selectionKey(other));
});

test('each name that is made is one that an operator may write', () => {
  const stamp = fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n });
  fc.assert(
    fc.property(stamp, stamp, fc.array(fc.string()), (from, until, containers) => {
      const name = runName({ from, until }, { containers, labels: {} });
      expect(checkRunName(name)).toBe(name);
    }),
  );
});

test.each(['', '.', '..', 'a/b', '../x', 'a b', '-a', 'a-', 'ä', 'a'.repeat(101)])(
  'the name %j is refused',
  (name) => {
    expect(() => checkRunName(name)).toThrow(/--name: .* is not allowed/);
  },
);
