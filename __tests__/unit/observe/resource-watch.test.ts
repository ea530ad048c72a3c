import fc from 'fast-check';
import { DEFAULT_RESOURCE_WATCH, type ResourceWatchSettings } from '../../../src/observe/resource-rules.js';
import { ResourceWatch, type Verdict } from '../../../src/observe/resource-watch.js';
import type { ResourceSample } from '../../../src/observe/resources.js';

const MIB = 1024 * 1024;
const EVERY = 10;

/** A sample each 10 s of so many minutes, each judged. */
function judged(
  minutes: number,
  shape: (minute: number, index: number) => Partial<ResourceSample>,
  settings: Partial<ResourceWatchSettings> = {},
  watch = new ResourceWatch({ ...DEFAULT_RESOURCE_WATCH, ...settings }),
  from = 0,
): Verdict[] {
  return Array.from({ length: (minutes * 60) / EVERY }, (_, i) =>
    watch.judge({
      at: 5000 + (from * 60 + i * EVERY) * 1000,
      live: {},
      liveTotal: 20,
      fds: 30,
      fdLimit: 1024,
      rss: 80 * MIB,
      heapUsed: 30 * MIB,
      heapTotal: 50 * MIB,
      external: 5 * MIB,
      lag: 0.002,
      engineSockets: 0,
      pushes: { tried: i * 10, failed: 0 },
      ...shape(from + (i * EVERY) / 60, i),
    }),
  );
}

/** Even noise from 0 to 1 (mulberry32): what fast-check makes itself leans towards runs of equal values. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const states = (verdicts: Verdict[]) => new Set(verdicts.map(({ state }) => state));

describe('live resources', () => {
  test('flat with noise is healthy, always', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 15 }), (seed, height) => {
        const random = noise(seed);
        const verdicts = judged(30, () => ({ liveTotal: 20 + Math.round(height * random()) }));
        expect(states(verdicts)).toEqual(new Set(['healthy']));
        expect(verdicts.at(-1)!.reason).toBe('');
      }),
      { numRuns: 100 },
    );
  });

  test('32 more a minute, as in the report that began the project, is unhealthy with figure and limit', () => {
    const verdicts = judged(10, (minute) => ({ liveTotal: Math.round(20 + 32 * minute) }));
    const last = verdicts.at(-1)!;
    expect(last.state).toBe('unhealthy');
    expect(last.reason).toMatch(/grow by 3[12]\.\d a minute over \d\.\d min \(limit 10\)/);
    expect(last.findings.find(({ rule }) => rule === 'live_growth')!.figure).toBeCloseTo(32, 0);
  });

  test('any growth well above the limit is found through noise', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 5, max: 200, noNaN: true }),
        fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 120, maxLength: 120 }),
        (slope, noise) => {
          const verdicts = judged(20, (minute, i) => ({ liveTotal: 20 + slope * minute + noise[i]! }));
          expect(verdicts.at(-1)!.state).not.toBe('healthy');
        },
      ),
      { numRuns: 50 },
    );
  });

  test('growth a little above the limit degrades, below it is healthy', () => {
    const at = (slope: number) => judged(30, (minute) => ({ liveTotal: slope * minute })).at(-1)!;
    expect(at(3).state).toBe('degraded');
    expect(at(3).reason).toContain('live resources grow by 3.0 a minute over 10.0 min (limit 2)');
    expect(at(1.5).state).toBe('healthy');
  });

  test('filling up in the first minutes is no alarm', () => {
    const verdicts = judged(30, (minute) => ({
      liveTotal: 10 + 60 * Math.min(minute / 2, 1),
      rss: (50 + 60 * Math.min(minute / 2, 1)) * MIB,
    }));
    expect(states(verdicts)).toEqual(new Set(['healthy']));
  });

  test('a step (many containers were started) is no alarm', () => {
    const verdicts = judged(40, (minute) => ({
      liveTotal: minute < 15 ? 10 : 80,
      rss: (minute < 15 ? 60 : 110) * MIB,
    }));
    expect(states(verdicts)).toEqual(new Set(['healthy']));
  });

  test('a high baseline is named; high for moments is none', () => {
    const high = judged(10, (_, i) => ({ liveTotal: i % 2 ? 150 : 120 })).at(-1)!;
    expect(high.state).toBe('degraded');
    expect(high.reason).toMatch(/never fewer than 120 live resources in \d\.\d min \(limit 100\)/);
    expect(judged(10, (_, i) => ({ liveTotal: i % 4 ? 150 : 20 })).at(-1)!.state).toBe('healthy');
  });
});

describe('file descriptors', () => {
  test('are judged against the limit, at once', () => {
    const verdicts = judged(1, () => ({ fds: 300, fdLimit: 1024 }));
    expect(verdicts.map(({ state }) => state)).toEqual([
      'healthy',
      'healthy',
      ...Array<string>(4).fill('degraded'),
    ]);
    expect(verdicts.at(-1)!.reason).toBe(
      '300 file descriptors open, 29.3 % of the 1024 allowed (limit 20 %)',
    );
    expect(judged(1, () => ({ fds: 1000, fdLimit: 1024 })).at(-1)!.state).toBe('unhealthy');
  });

  test('no limit, or none known, is no alarm', () => {
    expect(judged(1, () => ({ fds: 1e6, fdLimit: Infinity })).at(-1)!.state).toBe('healthy');
    expect(judged(1, () => ({ fds: undefined, fdLimit: undefined })).at(-1)!.state).toBe('healthy');
  });
});

test('memory that grows on and on is named; the saw of the garbage collector is not', () => {
  const leak = judged(20, (minute) => ({ rss: (80 + 8 * minute) * MIB })).at(-1)!;
  expect(leak).toMatchObject({
    state: 'degraded',
    reason: 'memory grows by 8.0 MiB a minute over 10.0 min (limit 4.0 MiB)',
  });
  const saw = judged(40, (_, i) => ({ rss: (80 + (i % 7) * 6) * MIB }));
  expect(states(saw)).toEqual(new Set(['healthy']));
});

describe("Loki's success", () => {
  test('below 99 % degrades, and an outage does no more than that', () => {
    const some = judged(5, (_, i) => ({ pushes: { tried: i * 100, failed: i * 2 } })).at(-1)!;
    expect(some.state).toBe('degraded');
    expect(some.reason).toMatch(/^98 % of \d+ pushes to Loki succeeded in 4\.8 min \(limit 99 %\)$/);
    const none = judged(20, (_, i) => ({ pushes: { tried: i, failed: i } })).at(-1)!;
    expect(none.state).toBe('degraded');
    expect(none.reason).toContain('0 % of');
  });

  test('a failure or two of few pushes say nothing', () => {
    const verdicts = judged(20, (_, i) => ({ pushes: { tried: 3 + i, failed: Math.min(i, 2) } }));
    expect(states(verdicts)).toEqual(new Set(['healthy']));
  });

  test('heals when the failures have left the window', () => {
    const watch = new ResourceWatch(DEFAULT_RESOURCE_WATCH);
    const during = judged(5, (_, i) => ({ pushes: { tried: i, failed: i } }), {}, watch);
    expect(during.at(-1)!.state).toBe('degraded');
    const after = judged(20, (_, i) => ({ pushes: { tried: 30 + i, failed: 30 } }), {}, watch, 5);
    expect(after.at(-1)).toMatchObject({ state: 'healthy', reason: '' });
  });
});

describe('hysteresis', () => {
  test('a figure around its limit changes the state once, not each time', () => {
    const verdicts = judged(30, (_, i) => ({ fds: i % 5 === 4 ? 195 : 215, fdLimit: 1000 }));
    const changes = verdicts.filter(({ state }, i) => i > 0 && state !== verdicts[i - 1]!.state);
    expect(changes).toHaveLength(1);
  });

  test('one bad judgement is none, and one very bad one does not make a bad state worse', () => {
    expect(states(judged(5, (_, i) => ({ fds: i === 12 ? 1000 : 30 })))).toEqual(new Set(['healthy']));
    const verdicts = judged(5, (_, i) => ({ fds: i === 12 ? 1000 : 300 }));
    expect(states(verdicts)).toEqual(new Set(['healthy', 'degraded']));
  });

  test('heals only well below the limit, and after a while', () => {
    const watch = new ResourceWatch(DEFAULT_RESOURCE_WATCH);
    judged(1, () => ({ fds: 300, fdLimit: 1000 }), {}, watch);
    const near = judged(5, () => ({ fds: 190, fdLimit: 1000 }), {}, watch, 1);
    expect(states(near)).toEqual(new Set(['degraded']));
    const well = judged(2, () => ({ fds: 100, fdLimit: 1000 }), {}, watch, 6).map(({ state }) => state);
    expect(well.slice(0, 5)).toEqual(Array(5).fill('degraded'));
    expect(well.slice(5)).toEqual(Array(7).fill('healthy'));
  });
});

test('several faults are all named, the worst first', () => {
  const last = judged(10, (minute) => ({ liveTotal: 30 * minute, fds: 300, fdLimit: 1000 })).at(-1)!;
  expect(last.state).toBe('unhealthy');
  expect(last.reason.split('; ')[0]).toContain('live resources grow');
  expect(last.reason).toContain('300 file descriptors');
});

test('limits are as configured', () => {
  const settings = { liveGrowth: { degraded: 50, unhealthy: 100 } };
  expect(judged(10, (minute) => ({ liveTotal: 32 * minute }), settings).at(-1)!.findings[0]!.state).toBe(
    'healthy',
  );
});
