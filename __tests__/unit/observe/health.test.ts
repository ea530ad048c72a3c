import fc from 'fast-check';
import type { LogFields, Logger } from '../../../src/model/logger.js';
import {
  Health,
  HEALTH_PARTS,
  worse,
  type HealthChange,
  type HealthState,
} from '../../../src/observe/health.js';
import { healthLog } from '../../../src/observe/health-log.js';
import { ManualClock } from '../../support/manual-clock.js';

const START = '2023-11-14T22:13:20.000000000Z';
const states: HealthState[] = ['healthy', 'degraded', 'unhealthy'];

describe('health', () => {
  test('is healthy until told otherwise', () => {
    const report = new Health(new ManualClock()).report();
    expect(report).toMatchObject({ state: 'healthy', reason: '', since: START });
    expect(Object.keys(report.parts)).toEqual([...HEALTH_PARTS]);
    expect(report.parts.loki).toEqual({ state: 'healthy', reason: '', since: START });
  });

  test('names reason and time of what is wrong, the worst first', async () => {
    const clock = new ManualClock();
    const health = new Health(clock);
    await clock.pass(1000);
    health.set('engine', 'degraded', 'the list took 12 s');
    await clock.pass(1000);
    health.set('loki', 'unhealthy', '401 since 3 tries');
    expect(health.report()).toMatchObject({
      state: 'unhealthy',
      reason: 'loki: 401 since 3 tries; engine: the list took 12 s',
      since: '2023-11-14T22:13:22.000000000Z',
      parts: { engine: { state: 'degraded', since: '2023-11-14T22:13:21.000000000Z' } },
    });
  });

  test('the same state again takes the new reason and keeps its time', async () => {
    const clock = new ManualClock();
    const changes: HealthChange[] = [];
    const health = new Health(clock, (change) => changes.push(change));
    health.set('loki', 'degraded', 'away for 1 s');
    await clock.pass(60_000);
    health.set('loki', 'degraded', 'away for 61 s');
    expect(health.report().parts.loki).toEqual({ state: 'degraded', reason: 'away for 61 s', since: START });
    expect(changes).toHaveLength(1);
  });

  test('tells how long the state before lasted, whatever the wall clock did', async () => {
    const clock = new ManualClock();
    const changes: HealthChange[] = [];
    const health = new Health(clock, (change) => changes.push(change));
    health.set('loki', 'degraded', 'away');
    await clock.pass(90_000);
    clock.step(-3_600_000);
    health.set('loki', 'healthy', 'forgotten');
    expect(changes[1]).toMatchObject({ part: 'loki', before: 'degraded', lasted: 90, now: { reason: '' } });
  });

  test('the whole is always as its worst part, since it is so', () => {
    const step = fc.record({
      part: fc.constantFrom(...HEALTH_PARTS),
      state: fc.constantFrom(...states),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const health = new Health(new ManualClock());
        for (const { part, state } of steps) {
          health.set(part, state, `${part} is ${state}`);
          const { parts, state: whole, reason } = health.report();
          const all = Object.values(parts).map((held) => held.state);
          expect(whole).toBe(
            all.includes('unhealthy') ? 'unhealthy' : all.includes('degraded') ? 'degraded' : 'healthy',
          );
          for (const name of HEALTH_PARTS)
            expect(reason.includes(`${name}: `)).toBe(parts[name].state !== 'healthy');
        }
      }),
    );
  });

  test('worse is the graver of two', () => {
    expect(worse('degraded', 'healthy')).toBe('degraded');
    expect(worse('degraded', 'unhealthy')).toBe('unhealthy');
  });
});

test('changes are logged as grave as they are', () => {
  const said: [string, string, LogFields | undefined][] = [];
  const say = (level: string) => (message: string, fields?: LogFields) =>
    void said.push([level, message, fields]);
  const logger: Logger = { error: say('error'), warn: say('warn'), info: say('info'), debug: say('debug') };
  const health = new Health(new ManualClock(), healthLog(logger));
  health.set('resources', 'unhealthy', 'live resources grow by 32.0 a minute (limit 10)');
  health.set('resources', 'degraded', 'less');
  health.set('resources', 'healthy');
  expect(said).toEqual([
    [
      'error',
      'health of resources: unhealthy',
      { reason: 'live resources grow by 32.0 a minute (limit 10)', before: 'healthy', seconds_before: 0 },
    ],
    ['warn', 'health of resources: degraded', { reason: 'less', before: 'unhealthy', seconds_before: 0 }],
    ['info', 'health of resources: healthy', { before: 'degraded', seconds_before: 0 }],
  ]);
});
