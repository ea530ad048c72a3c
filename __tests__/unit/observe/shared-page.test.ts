import { describe, expect, test } from '@jest/globals';
import { SharedPage } from '../../../src/observe/shared-page.js';
import { ManualClock, settle } from '../../support/manual-clock.js';

/** Each making takes so many ms, and shows its number. */
function setUp(costMs = 0) {
  const clock = new ManualClock();
  const life = new AbortController();
  let made = 0;
  let fails: Error | undefined;
  const make = async (): Promise<number> => {
    const number = ++made;
    if (costMs > 0) await clock.sleep(costMs);
    if (fails) throw fails;
    return number;
  };
  const page = new SharedPage(make, clock, life.signal);
  return { clock, life, page, made: () => made, fail: (error: Error | undefined) => (fails = error) };
}

describe('a page that is shared', () => {
  test('is made anew for each who asks later', async () => {
    const { page } = setUp();
    expect([await page.get(), await page.get()]).toEqual([1, 2]);
  });

  test('is made once for all who ask while another one is being made', async () => {
    const { page, clock, made } = setUp(10);
    const first = page.get();
    const others = Array.from({ length: 500 }, () => page.get());
    await clock.pass(10_000);
    expect(await first).toBe(1);
    expect(new Set(await Promise.all(others))).toEqual(new Set([2]));
    expect(made()).toBe(2);
  });

  test('rests in proportion to what it cost, however often it is asked for', async () => {
    const { page, clock, made } = setUp(10);
    const answers: Promise<number>[] = [];
    for (let ms = 0; ms < 3000; ms += 5) {
      answers.push(page.get());
      await clock.pass(5);
    }
    // 10 ms of work, 300 ms of rest.
    expect(made()).toBe(10);
    await clock.pass(10_000);
    await Promise.all(answers);
  });

  test('rests for two seconds at most', async () => {
    const { page, clock } = setUp(1000);
    const first = page.get();
    await clock.pass(1000);
    expect(await first).toBe(1);
    const second = page.get();
    await clock.pass(3000);
    expect(await second).toBe(2);
  });

  test('one that fails is told to those who waited for it, and the next is made', async () => {
    const { page, clock, fail } = setUp(10);
    fail(new Error('no page'));
    const failed = expect(page.get()).rejects.toThrow('no page');
    const next = page.get();
    await clock.pass(10);
    await failed;
    fail(undefined);
    await clock.pass(1000);
    expect(await next).toBe(2);
  });

  test('at the end nobody waits for the next one', async () => {
    const { page, clock, life, made } = setUp(10);
    const first = page.get();
    await clock.pass(10);
    await first;
    const rests = expect(page.get()).rejects.toThrow('the end');
    await settle();
    life.abort(new Error('the end'));
    await rests;
    expect(made()).toBe(1);
  });
});
