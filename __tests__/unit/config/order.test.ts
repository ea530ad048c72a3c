import fc from 'fast-check';
import { ConfigError } from '../../../src/config/config-error.js';
import { adaptationOf } from '../../../src/config/order.js';
import { settingAt } from '../../../src/config/settings.js';
import { anyWritten } from '../../support/any-setting.js';
import { loadTexts, problemsOf } from '../../support/config-text.js';

const valueAt = (config: unknown, path: string): unknown =>
  path.split('.').reduce((value, key) => (value as Record<string, unknown>)[key], config);

describe('a default follows what is set', () => {
  test.each<[Record<string, string>, Record<string, number>]>([
    [{ 'poll.interval': '200ms' }, { 'poll.min_interval': 200, 'poll.max_interval': 15_000 }],
    [{ 'poll.interval': '1m' }, { 'poll.min_interval': 500, 'poll.max_interval': 60_000 }],
    [{ 'poll.min_interval': '20s' }, { 'poll.interval': 20_000, 'poll.max_interval': 20_000 }],
    [{ 'poll.max_interval': '200ms' }, { 'poll.min_interval': 200, 'poll.interval': 200 }],
    [{ 'poll.min_interval': '1s', 'poll.max_interval': '2s' }, { 'poll.interval': 2000 }],
    [{ 'poll.deadline': '5s' }, { 'poll.idle_timeout': 5000 }],
    [{ 'poll.idle_timeout': '2m' }, { 'poll.deadline': 120_000 }],
    [{ 'loki.backoff.min': '1m' }, { 'loki.backoff.max': 60_000 }],
    [{ 'loki.backoff.max': '100ms' }, { 'loki.backoff.min': 100 }],
    [{ 'loki.limits.max_line_bytes': '64KiB' }, { 'lines.max_bytes': 65_536 }],
    [
      { 'loki.limits.max_request_bytes': '64KiB' },
      { 'loki.batch.max_bytes': 65_536, 'lines.max_bytes': 65_536, 'loki.limits.max_line_bytes': 262_144 },
    ],
    [{ 'loki.batch.max_bytes': '3MiB' }, { 'memory.max_in_flight': 16 * 1024 ** 2 }],
    [{ 'resources.interval': '10m' }, { 'resources.window': 1_800_000 }],
    [{ 'resources.live_growth.degraded': '20' }, { 'resources.live_growth.unhealthy': 20 }],
    [{ 'resources.open_fds.unhealthy': '0.1' }, { 'resources.open_fds.degraded': 0.1 }],
    [{ 'resources.loki_success.degraded': '0.5' }, { 'resources.loki_success.unhealthy': 0 }],
    [{ 'resources.loki_success.unhealthy': '1' }, { 'resources.loki_success.degraded': 1 }],
  ])('%j', async (flags, expected) => {
    const { config } = await loadTexts({ flags });
    for (const [path, value] of Object.entries(expected))
      expect([path, valueAt(config, path)]).toEqual([path, value]);
    for (const [path, written] of Object.entries(flags)) {
      const alone = await loadTexts({ flags: { [path]: written } });
      expect(valueAt(config, path)).toEqual(valueAt(alone.config, path));
    }
  });

  test('but knowledge of Loki does not follow a wish', async () => {
    expect(await problemsOf({ flags: { 'lines.max_bytes': '1MiB' } })).toEqual([
      'lines.max_bytes: 1MiB is over loki.limits.max_line_bytes, which is 256KiB by default',
    ]);
    const { config } = await loadTexts({
      flags: { 'lines.max_bytes': '1MiB', 'loki.limits.max_line_bytes': '1MiB' },
    });
    expect(config.lines.max_bytes).toBe(1024 ** 2);
  });
});

describe('what is set out of order is refused', () => {
  test.each<[Record<string, string>, string]>([
    [
      { 'poll.interval': '1s', 'poll.min_interval': '2s' },
      'poll.min_interval: 2s is over poll.interval, which is 1s',
    ],
    [
      { 'poll.interval': '1m', 'poll.max_interval': '5s' },
      'poll.interval: 1m is over poll.max_interval, which is 5s',
    ],
    [
      { 'poll.min_interval': '9s', 'poll.max_interval': '8s' },
      'poll.min_interval: 9s is over poll.max_interval, which is 8s',
    ],
    [
      { 'poll.idle_timeout': '1m', 'poll.deadline': '30s' },
      'poll.idle_timeout: 1m is over poll.deadline, which is 30s',
    ],
    [
      { 'loki.backoff.min': '10s', 'loki.backoff.max': '5s' },
      'loki.backoff.min: 10s is over loki.backoff.max, which is 5s',
    ],
    [
      { 'loki.batch.max_bytes': '2MiB', 'loki.limits.max_request_bytes': '1MiB' },
      'loki.batch.max_bytes: 2MiB is over loki.limits.max_request_bytes, which is 1MiB',
    ],
    [
      { 'loki.batch.max_bytes': '2MiB', 'memory.max_in_flight': '1MiB' },
      'loki.batch.max_bytes: 2MiB is over memory.max_in_flight, which is 1MiB',
    ],
    [
      { 'lines.max_bytes': '8MiB', 'loki.limits.max_line_bytes': '16MiB' },
      'lines.max_bytes: 8MiB is over loki.limits.max_request_bytes, which is 3MiB by default',
    ],
    [
      { 'resources.interval': '30s', 'resources.window': '1m' },
      'resources.interval: 3 times 30s is over resources.window, which is 1m',
    ],
    [
      { 'resources.loki_success.unhealthy': '0.9', 'resources.loki_success.degraded': '0.8' },
      'resources.loki_success.unhealthy: 0.9 is over resources.loki_success.degraded, which is 0.8',
    ],
  ])('%j', async (flags, problem) => {
    expect(await problemsOf({ flags })).toEqual([problem]);
  });

  test('but for intervals that are not used', async () => {
    const flags = { 'poll.interval': '1m', 'poll.max_interval': '5s', 'poll.adaptive': 'false' };
    expect((await loadTexts({ flags })).config.poll.interval).toBe(60_000);
  });
});

test('one poll interval among three that are in order stands as it was set', async () => {
  const intervals = ['poll.min_interval', 'poll.interval', 'poll.max_interval'] as const;
  const any = fc.record(Object.fromEntries(intervals.map((path) => [path, anyWritten(settingAt(path)!)])), {
    requiredKeys: [],
  });
  await fc.assert(
    fc.asyncProperty(any, async (flags) => {
      try {
        const { poll } = (await loadTexts({ flags })).config;
        expect(poll.min_interval).toBeLessThanOrEqual(poll.interval);
        expect(poll.interval).toBeLessThanOrEqual(poll.max_interval);
      } catch (error) {
        // Only between two that were set.
        expect(error).toBeInstanceOf(ConfigError);
        expect(Object.keys(flags).length).toBeGreaterThan(1);
        for (const { setting, others } of (error as ConfigError).problems) {
          expect(Object.keys(flags)).toEqual(
            expect.arrayContaining([setting, ...others!.map((other) => other.setting)]),
          );
          expect(others).toHaveLength(1);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('the reference is told how a default follows', () => {
  expect(adaptationOf('poll.interval')).toBe('at least poll.min_interval, at most poll.max_interval');
  expect(adaptationOf('resources.interval')).toBe('at most a third of resources.window');
  expect(adaptationOf('resources.window')).toBe('at least 3 times resources.interval');
  expect(adaptationOf('lines.max_bytes')).toBe(
    'at most loki.limits.max_line_bytes, at most loki.limits.max_request_bytes',
  );
  expect(adaptationOf('loki.limits.max_line_bytes')).toBeUndefined();
  expect(adaptationOf('loki.url')).toBeUndefined();
});
