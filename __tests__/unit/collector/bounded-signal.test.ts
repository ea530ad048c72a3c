import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { boundedSignal, DeadlinePassed } from '../../../src/collector/bounded-signal.js';

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

describe('a signal with an end', () => {
  test.each([0, 1])('aborts with parent %i, for its reason', (which) => {
    const parents = [new AbortController(), new AbortController()];
    const bounded = boundedSignal(parents.map((parent) => parent.signal));
    expect(bounded.signal.aborted).toBe(false);
    const reason = new Error('stop');
    parents[which]!.abort(reason);
    expect(bounded.signal.reason).toBe(reason);
    parents[1 - which]!.abort(new Error('later'));
    expect(bounded.signal.reason).toBe(reason);
    bounded.release();
  });

  test('of a parent that has aborted is aborted, and listens to nobody', () => {
    const alive = new AbortController();
    const reason = new Error('before');
    const bounded = boundedSignal([alive.signal, AbortSignal.abort(reason)], 1);
    expect(bounded.signal.reason).toBe(reason);
    expect(listeners(alive.signal)).toBe(0);
    bounded.release();
  });

  test('aborts when its time is over', async () => {
    const bounded = boundedSignal([new AbortController().signal], 5);
    await new Promise((resolve) => bounded.signal.addEventListener('abort', resolve));
    expect(bounded.signal.reason).toBeInstanceOf(DeadlinePassed);
    expect((bounded.signal.reason as Error).message).toContain('5 ms');
    bounded.release();
  });

  test('released, it never aborts again, and leaves nothing behind', async () => {
    const parent = new AbortController();
    for (let n = 0; n < 100; n++) {
      const bounded = boundedSignal([parent.signal, parent.signal], 5);
      bounded.release();
      bounded.release();
      if (n > 0) continue;
      await delay(30);
      expect(bounded.signal.aborted).toBe(false);
    }
    expect(listeners(parent.signal)).toBe(0);
    const bounded = boundedSignal([parent.signal]);
    bounded.release();
    parent.abort();
    expect(bounded.signal.aborted).toBe(false);
  });
});
