import { beforeEach, describe, expect, test } from '@jest/globals';
import { PushStateWatch, type PushState } from '../../../src/loki/push-state.js';
import { LeapingClock } from '../../support/leaping-clock.js';
import { NOW, SECOND } from '../../support/push-lines.js';

const DOWN = { reason: 'refused', hint: 'look' };
const WRONG = { reason: '404', hint: 'check', setting: 'loki.url' };

let clock: LeapingClock;
let told: PushState[];
let watch: PushStateWatch;

beforeEach(() => {
  clock = new LeapingClock(NOW);
  told = [];
  watch = new PushStateWatch(clock, (state) => told.push(state));
});

test('is ok until told otherwise, and says so to nobody', () => {
  watch.succeeded();
  expect(watch.current).toEqual({ kind: 'ok', since: NOW, reason: '', hint: '' });
  expect(told).toEqual([]);
});

test('is away while it fails, and not while it only limits the rate', () => {
  const seen = [watch.isAway];
  watch.failed('retrying', DOWN);
  seen.push(watch.isAway);
  watch.failed('retrying', { ...DOWN, reason: '429' }, true);
  seen.push(watch.isAway);
  watch.failed('halted', WRONG);
  seen.push(watch.isAway);
  watch.gaveUp();
  seen.push(watch.isAway);
  watch.succeeded();
  expect([...seen, watch.isAway]).toEqual([false, true, false, true, true, false]);
});

test('has answered once it took something or limited the rate, and does not forget it', () => {
  watch.failed('retrying', DOWN);
  watch.failed('halted', WRONG);
  expect(watch.hasAnswered).toBe(false);
  watch.failed('retrying', { ...DOWN, reason: '429' }, true);
  expect(watch.hasAnswered).toBe(true);
  watch.failed('retrying', DOWN);
  expect(watch.hasAnswered).toBe(true);
});

describe('trouble', () => {
  test('is told once, with the time it began', () => {
    clock.pass(1000);
    watch.failed('retrying', DOWN);
    clock.pass(1000);
    watch.failed('retrying', DOWN);
    expect(told).toEqual([{ kind: 'retrying', since: NOW + SECOND, ...DOWN }]);
    expect(watch.current).toEqual(told[0]);
  });

  test('of another kind or reason is told again; it lasts since the first', () => {
    watch.failed('retrying', DOWN);
    clock.pass(1000);
    watch.failed('halted', WRONG);
    watch.failed('retrying', { ...DOWN, reason: 'timeout' });
    expect(told.map(({ kind, reason }) => [kind, reason])).toEqual([
      ['retrying', 'refused'],
      ['halted', '404'],
      ['retrying', 'timeout'],
    ]);
    expect(told.every(({ since }) => since === NOW)).toBe(true);
    expect(told.map((state) => 'setting' in state)).toEqual([false, true, false]);
  });

  test('ends with the first success', () => {
    watch.failed('halted', WRONG);
    clock.pass(5000);
    watch.succeeded();
    watch.succeeded();
    expect(told).toHaveLength(2);
    expect(told[1]).toEqual({ kind: 'ok', since: NOW + 5n * SECOND, reason: '', hint: '' });
  });
});
