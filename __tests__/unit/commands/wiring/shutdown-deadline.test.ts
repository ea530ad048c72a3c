import { describe, expect, test } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { ShutdownDeadline } from '../../../../src/commands/wiring/shutdown-deadline.js';
import { ManualClock } from '../../../support/manual-clock.js';

function setUp(timeoutMs = 5000) {
  const clock = new ManualClock();
  const stop = new AbortController();
  let givenUp = 0;
  const deadline = new ShutdownDeadline(timeoutMs, clock, () => givenUp++);
  return { clock, stop, deadline, givenUp: () => givenUp };
}

describe('the deadline of a shutdown', () => {
  test('gives up what is under way when the timeout has passed since the signal', async () => {
    const { clock, stop, deadline, givenUp } = setUp();
    deadline.follow(stop.signal);
    await clock.pass(60_000);
    expect(givenUp()).toBe(0);
    stop.abort();
    await clock.pass(4999);
    expect(givenUp()).toBe(0);
    await clock.pass(1);
    expect(givenUp()).toBe(1);
    await deadline.end();
  });

  test('of a signal that came before counts from then on', async () => {
    const { clock, deadline, givenUp } = setUp();
    deadline.follow(AbortSignal.abort());
    await clock.pass(5000);
    expect(givenUp()).toBe(1);
  });

  test('ended before, it gives nothing up and leaves nothing behind', async () => {
    const { clock, stop, deadline, givenUp } = setUp();
    deadline.follow(stop.signal);
    stop.abort();
    await clock.pass(1000);
    await deadline.end();
    await clock.pass(60_000);
    expect(givenUp()).toBe(0);
  });

  test('ended before the signal, it does not count', async () => {
    const { clock, stop, deadline, givenUp } = setUp();
    deadline.follow(stop.signal);
    await deadline.end();
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    stop.abort();
    await clock.pass(60_000);
    expect(givenUp()).toBe(0);
  });
});
