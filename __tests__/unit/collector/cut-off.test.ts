import { DeadlinePassed } from '../../../src/collector/bounded-signal.js';
import { CUTTING_SETTINGS, cutOffBy } from '../../../src/collector/cut-off.js';
import { LokiAway } from '../../../src/collector/loki-gate.js';
import { connectionError } from '../../../src/docker/connection-error.js';
import { badAnswerError, timeoutError, tooLargeError } from '../../../src/docker/engine-error.js';
import { LogBodyError } from '../../../src/docker/log-errors.js';
import { SETTINGS } from '../../../src/config/settings.js';

const question = { endpoint: { kind: 'unix', path: '/run/docker.sock' }, path: '/events' } as const;
const idle = Object.assign(new Error('nothing came'), { code: 'HTTP_IDLE' });

test.each<[string, Error | undefined, string | undefined]>([
  ['a frame that is too large', new LogBodyError('too_large', ''), 'poll.max_frame_bytes'],
  ['an answer that goes on no more', new LogBodyError('stalled', ''), 'poll.idle_timeout'],
  ['one that never begins', connectionError(question, idle), 'poll.idle_timeout'],
  ['one that goes on for too long', new DeadlinePassed(60_000), 'poll.deadline'],
  ['a list that is too long', tooLargeError(question, 1000), 'docker.max_answer_bytes'],
  ['one that takes too long', timeoutError(question, 1000), 'docker.timeout'],
  ['one that breaks off', new LogBodyError('truncated', ''), undefined],
  ['one that is none', badAnswerError(question, 'nonsense'), undefined],
  ['Loki is away', new LokiAway(), undefined],
  ['all is well', undefined, undefined],
])('%s', (_, error, setting) => {
  expect(cutOffBy(error)).toBe(setting);
});

test('they are settings that there are', () => {
  const known = new Set(SETTINGS.map(({ path }) => path));
  expect(CUTTING_SETTINGS.filter((path) => !known.has(path))).toEqual([]);
});
