import fc from 'fast-check';
import { nextInterval, withJitter, type IntervalPolicy } from '../../../src/collector/interval.js';
import { firstWindow, inFrontOfDamage, nextRate, widerWindow } from '../../../src/collector/window.js';

describe('the window', () => {
  const policy = { enabled: true, anchor: 32 };

  test('holds the anchor and what is expected, with headroom', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 32 }), fc.nat({ max: 100_000 }), (anchor, expected) => {
        expect(firstWindow(policy, anchor, 0, expected)).toBeGreaterThan(anchor + expected);
      }),
    );
  });

  test('from the beginning of a log, and when switched off, there is none', () => {
    expect(firstWindow(policy, 0, 0, 10)).toBeUndefined();
    expect(firstWindow({ ...policy, enabled: false }, 32, 0, 10)).toBeUndefined();
  });

  test('widens until it is the whole log, in few steps', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000_000 }), (first) => {
        let window: number | undefined = first;
        let steps = 0;
        while (window !== undefined) {
          const wider: number | undefined = widerWindow(window);
          if (wider !== undefined) expect(wider).toBeGreaterThan(window);
          window = wider;
          steps++;
        }
        expect(steps).toBeLessThan(10);
      }),
    );
  });

  test('stays in front of a damaged place, until one so wide did not reach the anchor', () => {
    expect(inFrontOfDamage(500, undefined)).toBe(500);
    expect(inFrontOfDamage(500, 40)).toBe(40);
    expect(inFrontOfDamage(30, 40)).toBe(30);
    expect(inFrontOfDamage(240, 40, 30)).toBe(40);
    expect(inFrontOfDamage(undefined, 40, 30)).toBe(40);
    expect(inFrontOfDamage(320, 40, 40)).toBe(320);
    expect(inFrontOfDamage(undefined, 40, 40)).toBeUndefined();
  });

  test('the rate follows a burst at once and forgets it slowly', () => {
    expect(nextRate(10, 5000, 5)).toBe(1000);
    const after = nextRate(1000, 0, 5);
    expect(after).toBeGreaterThan(500);
    expect(after).toBeLessThan(1000);
    expect(nextRate(10, 5, 0)).toBe(10);
  });
});

describe('the interval', () => {
  const policy: IntervalPolicy = { adaptive: true, interval: 5000, min: 500, max: 30_000, jitter: 0.1 };
  const idle = { entries: 0, rate: 0, more: false, young: false, longest: Infinity };

  test('idle containers back off to the longest, and one line brings them back', () => {
    let interval = 5000;
    for (let i = 0; i < 20; i++) interval = nextInterval(policy, interval, idle);
    expect(interval).toBe(30_000);
    expect(nextInterval(policy, interval, { ...idle, entries: 1, rate: 0.1 })).toBe(5000);
  });

  test('busy ones come sooner, never sooner than the shortest', () => {
    expect(nextInterval(policy, 5000, { ...idle, entries: 1000, rate: 40 })).toBe(2500);
    expect(nextInterval(policy, 5000, { ...idle, entries: 1000, rate: 1e6 })).toBe(500);
  });

  test('more to read: at once', () => {
    expect(nextInterval(policy, 5000, { ...idle, more: true })).toBe(0);
  });

  test('a log that is rotated is polled before it loses something, as far as that may be set', () => {
    expect(nextInterval(policy, 5000, { ...idle, longest: 2000 })).toBe(2000);
    expect(nextInterval(policy, 5000, { ...idle, entries: 10, rate: 1, longest: 2000 })).toBe(2000);
    expect(nextInterval(policy, 5000, { ...idle, entries: 10, rate: 1, longest: 1 })).toBe(500);
    expect(nextInterval(policy, 5000, { ...idle, entries: 1000, rate: 1e6, longest: 2000 })).toBe(500);
  });

  test('young containers are looked at often', () => {
    expect(nextInterval(policy, 0, { ...idle, young: true })).toBe(500);
  });

  test('switched off, it is always the same', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.boolean(), (entries, rate, young) => {
        const found = { entries, rate, young, more: false, longest: 0 };
        expect(nextInterval({ ...policy, adaptive: false }, 7, found)).toBe(5000);
      }),
    );
  });

  test('jitter stays within its share', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (value) => {
        const jittered = withJitter(policy, 1000, () => value);
        expect(jittered).toBeGreaterThanOrEqual(900);
        expect(jittered).toBeLessThanOrEqual(1100);
      }),
    );
  });
});
