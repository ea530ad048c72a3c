import { expect, test } from '@jest/globals';
import { Notices } from '../../../../src/commands/demo/notices.js';

test('warnings and errors are kept, in one line each, with what they are about', () => {
  const told: string[] = [];
  const notices = new Notices(['hunter2'], (text) => told.push(text));
  notices.info();
  notices.warn('cannot be read', { container: 'web', error: new Error('it answered\n500 to hunter2') });
  notices.error('Loki does not take it', { reason: 'status 503' });
  // The demo's own state directory is a temporary one.
  notices.warn('in memory', { code: 'state_on_tmpfs' });
  expect(told).toEqual([
    'web: cannot be read: it answered\\u000a500 to ***',
    'Loki does not take it: status 503',
  ]);
  expect(notices.last).toEqual(told);
  expect(notices.count).toBe(2);
});

test('only the last ones are kept, all are counted', () => {
  const notices = new Notices([]);
  for (let n = 0; n < 100; n++) notices.warn(`number ${n}`);
  expect(notices.count).toBe(100);
  expect(notices.last.length).toBeLessThan(50);
  expect(notices.last.at(-1)).toBe('number 99');
});
