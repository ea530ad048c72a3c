import { describe, expect, test } from '@jest/globals';
import { readMaxDuration, timeLimit } from '../../../src/commands/max-duration.js';
import { sharedController } from '../../../src/model/shared-controller.js';
import { ManualClock, settle } from '../../support/manual-clock.js';

describe('--max-duration', () => {
  test.each([
    ['15m', 900_000],
    ['90s', 90_000],
    ['7d', 604_800_000],
    ['0', undefined],
  ])('%s', (written, ms) => expect(readMaxDuration(written)).toBe(ms));

  test.each(['', '15', 'soon', '8d', '-1s'])('cannot be %p', (written) =>
    expect(() => readMaxDuration(written)).toThrow(
      expect.objectContaining({ code: 'max_duration_invalid', exit: 'usage', setting: '--max-duration' }),
    ),
  );
});

describe('the time limit of a command', () => {
  test('aborts when the time is over, and says who is to blame by then', async () => {
    const clock = new ManualClock();
    let blame: 'loki' | 'partial' = 'partial';
    const limit = timeLimit('the work', 60_000, clock, sharedController().signal, () => blame);
    await clock.pass(59_999);
    expect([limit.signal.aborted, limit.passed]).toEqual([false, undefined]);
    blame = 'loki';
    await clock.pass(1);
    await settle();
    expect(limit.signal.reason).toBe(limit.passed);
    expect(limit.passed).toMatchObject({ code: 'max_duration_passed', exit: 'loki' });
    expect(limit.passed?.message).toBe('the work was given up after 1m: Loki takes nothing');
  });

  test('a signal that came before is what ended it', async () => {
    const clock = new ManualClock();
    const asked = sharedController();
    const limit = timeLimit('the work', 1000, clock, asked.signal, () => 'loki');
    asked.abort(new Error('SIGTERM was received'));
    await clock.pass(1000);
    await settle();
    expect([limit.signal.aborted, limit.passed]).toEqual([true, undefined]);
  });

  test('released, and without a bound, it never aborts', async () => {
    const clock = new ManualClock();
    const never = sharedController().signal;
    const released = timeLimit('the work', 1000, clock, never, () => 'loki');
    const unbound = timeLimit('the work', undefined, clock, never, () => 'loki');
    released.release();
    await clock.pass(10_000);
    await settle();
    expect([released.passed, unbound.passed, unbound.signal.aborted]).toEqual([undefined, undefined, false]);
    unbound.release();
  });
});
