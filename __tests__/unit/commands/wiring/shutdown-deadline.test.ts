import { describe, expect, test } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { ShutdownDeadline } from '../../../../src/commands/wiring/shutdown-deadline.js';
import { ManualClock } from '../../../support/manual-clock.js';

function setUp(timeoutMs = 5000) {
  const clock = new ManualClock();
  const stop = new AbortController();
  const loki = { isAway: false };
  let givenUp = 0;
  const deadline = new ShutdownDeadline(timeoutMs, clock, {
    isHopeless: () => loki.isAway,
    giveUp: () => givenUp++,
  });
  return { clock, stop, deadline, loki, givenUp: () => givenUp };
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

  test('what cannot succeed when the signal comes is given up after a second', async () => {
    const { clock, stop, deadline, loki, givenUp } = setUp();
    deadline.follow(stop.signal);
    loki.isAway = true;
    await clock.pass(60_000);
    expect(givenUp()).toBe(0);
    stop.abort();
    await clock.pass(999);
    expect(givenUp()).toBe(0);
    await clock.pass(101);
    expect(givenUp()).toBe(1);
    await clock.pass(60_000);
    expect(givenUp()).toBe(1);
    await deadline.end();
  });

  test('what turns out to be hopeless later is given up a second after that', async () => {
    const { clock, stop, deadline, loki, givenUp } = setUp();
    deadline.follow(stop.signal);
    stop.abort();
    await clock.pass(2000);
    loki.isAway = true;
    await clock.pass(900);
    expect(givenUp()).toBe(0);
    await clock.pass(300);
    expect(givenUp()).toBe(1);
    await deadline.end();
  });

  test('what can succeed again has the whole time', async () => {
    const { clock, stop, deadline, loki, givenUp } = setUp();
    deadline.follow(stop.signal);
    loki.isAway = true;
    stop.abort();
    await clock.pass(500);
    loki.isAway = false;
    await clock.pass(4499);
    expect(givenUp()).toBe(0);
    await clock.pass(1);
    expect(givenUp()).toBe(1);
    await deadline.end();
  });

  test('a timeout that is shorter than the second is kept', async () => {
    const { clock, stop, deadline, loki, givenUp } = setUp(300);
    deadline.follow(stop.signal);
    loki.isAway = true;
    stop.abort();
    await clock.pass(300);
    expect(givenUp()).toBe(1);
    await deadline.end();
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
