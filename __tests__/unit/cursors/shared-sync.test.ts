import { expect, test } from '@jest/globals';
import { SharedSync } from '../../../src/cursors/shared-sync.js';
import { settle } from '../../support/manual-clock.js';

test('who calls during a run is served by one that begins afterwards, together with the others', async () => {
  const runs: ((error?: Error) => void)[] = [];
  const shared = new SharedSync(
    () =>
      new Promise((resolve, reject) => {
        runs.push((error) => (error ? reject(error) : resolve()));
      }),
  );
  const done: string[] = [];
  const call = (name: string): void => {
    shared.sync().then(
      () => done.push(name),
      (error: unknown) => done.push(`${name}: ${(error as Error).message}`),
    );
  };
  call('a');
  call('b');
  call('c');
  expect(runs).toHaveLength(1);
  runs[0]!();
  await settle();
  expect(done).toEqual(['a']);
  expect(runs).toHaveLength(2);
  call('d');
  runs[1]!(new Error('disk'));
  await settle();
  expect(done).toEqual(['a', 'b: disk', 'c: disk']);
  expect(runs).toHaveLength(3);
  runs[2]!();
  await settle();
  expect(done).toEqual(['a', 'b: disk', 'c: disk', 'd']);
  call('e');
  expect(runs).toHaveLength(4);
  runs[3]!();
  await settle();
  expect(done.at(-1)).toBe('e');
});
