import { describe, expect, test } from '@jest/globals';
import { Turnstile } from '../../../src/observe/turnstile.js';
import { ManualClock } from '../../support/manual-clock.js';

function setUp() {
  const clock = new ManualClock();
  const turnstile = new Turnstile({ clock, perSecond: 10, burst: 3 });
  const passed: string[] = [];
  const enter = (name: string, urgent = false): (() => void) => {
    const pass = (): void => void passed.push(name);
    turnstile.enter(pass, urgent);
    return pass;
  };
  return { clock, turnstile, passed, enter };
}

describe('the turnstile', () => {
  test('lets a burst pass at once, and then so many a second, in order', async () => {
    const { clock, turnstile, passed, enter } = setUp();
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) enter(name);
    expect(passed).toEqual(['a', 'b', 'c']);
    expect(turnstile.waiting).toBe(3);
    await clock.pass(99);
    turnstile.turn();
    expect(passed).toHaveLength(3);
    await clock.pass(1);
    turnstile.turn();
    expect(passed).toEqual(['a', 'b', 'c', 'd']);
    await clock.pass(200);
    turnstile.turn();
    expect(passed).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(turnstile.waiting).toBe(0);
  });

  test('saves up no more than a burst', async () => {
    const { clock, passed, enter } = setUp();
    await clock.pass(60_000);
    for (let i = 0; i < 10; i++) enter(String(i));
    expect(passed).toHaveLength(3);
  });

  test('lets the urgent ones pass first', async () => {
    const { clock, turnstile, passed, enter } = setUp();
    for (const name of ['a', 'b', 'c', 'd', 'e']) enter(name);
    enter('urgent', true);
    await clock.pass(100);
    turnstile.turn();
    expect(passed.at(-1)).toBe('urgent');
  });

  test('one that leaves takes no turn', async () => {
    const { clock, turnstile, passed, enter } = setUp();
    for (const name of ['a', 'b', 'c']) enter(name);
    const left = [enter('d'), enter('urgent', true)];
    enter('e');
    for (const pass of left) turnstile.leave(pass);
    await clock.pass(100);
    turnstile.turn();
    expect(passed).toEqual(['a', 'b', 'c', 'e']);
  });
});
