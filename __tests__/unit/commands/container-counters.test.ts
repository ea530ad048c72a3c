import { describe, expect, test } from '@jest/globals';
import type { PollReport } from '../../../src/collector/poll.js';
import { ContainerCounters } from '../../../src/commands/wiring/container-counters.js';
import { RecentCount } from '../../../src/commands/wiring/recent-count.js';
import { cursorOf, idOf } from '../../support/any-cursor.js';
import { ManualClock } from '../../support/manual-clock.js';

const containerOf = (number: number) => ({
  id: idOf(number),
  name: `c${number}`,
  image: '',
  labels: {},
  state: 'running',
  created: 0n,
});

function reportOf(lines: number, more: Partial<PollReport> = {}): PollReport {
  return {
    cursor: cursorOf(1, 1),
    fresh: lines,
    entries: lines,
    reread: 0,
    lines,
    lineBytes: lines * 10,
    rejected: 0,
    rejectedBytes: 0,
    bodyBytes: 0,
    requests: 1,
    widenings: 0,
    window: 50,
    gap: undefined,
    possibleGap: undefined,
    gaps: 0,
    fault: undefined,
    suspect: false,
    tail: undefined,
    reach: undefined,
    readable: undefined,
    ...more,
  };
}

describe('what is counted of containers', () => {
  test('each for itself, and all together', async () => {
    const clock = new ManualClock();
    const counters = new ContainerCounters(clock);
    counters.polled(containerOf(1), reportOf(5, { rejected: 2 }));
    counters.polled(containerOf(1), reportOf(7, { window: undefined }));
    counters.polled(containerOf(2), reportOf(1));
    counters.gap(containerOf(2));
    await clock.pass(30_000);
    counters.polled(containerOf(2), reportOf(10));

    expect(counters.of(idOf(1))).toEqual({
      lines: 12,
      bytes: 120,
      rejected: 2,
      gaps: 0,
      possibleGaps: 0,
      missed: false,
      linesPerMinute: 12,
      window: null,
    });
    expect(counters.of(idOf(2))).toMatchObject({ lines: 11, gaps: 1, window: 50 });
    expect(counters.of(idOf(3))).toMatchObject({ lines: 0, linesPerMinute: 0, window: undefined });
    expect(counters.totals).toEqual({
      lines: 23,
      bytes: 230,
      rejected: 2,
      gaps: 1,
      possibleGaps: 0,
      missed: 0,
    });
  });

  test('those that were missed are named, the last twenty', () => {
    const counters = new ContainerCounters(new ManualClock());
    for (let i = 1; i <= 25; i++) counters.missed(containerOf(i), 'removed_early');
    expect(counters.totals.missed).toBe(25);
    expect(counters.lastMissed.map(({ name }) => name)).toEqual(
      Array.from({ length: 20 }, (_, i) => `c${i + 6}`),
    );
    expect(counters.of(idOf(25)).missed).toBe(true);
  });

  test('nothing is kept of what is forgotten, or was never there', () => {
    const counters = new ContainerCounters(new ManualClock());
    counters.polled(containerOf(1), reportOf(5));
    counters.forget(idOf(1));
    counters.missed(containerOf(2), 'removed_unwatched');
    expect(counters.of(idOf(1)).lines).toBe(0);
    expect(counters.of(idOf(2)).missed).toBe(false);
    expect(counters.totals).toMatchObject({ lines: 5, missed: 1 });
  });
});

describe('the count of the last minute', () => {
  test('what is older falls out of it, little by little and all at once', async () => {
    const clock = new ManualClock();
    const recent = new RecentCount(clock);
    recent.add(1);
    await clock.pass(30_000);
    recent.add(10);
    expect(recent.count).toBe(11);
    await clock.pass(29_000);
    expect(recent.count).toBe(11);
    await clock.pass(1000);
    expect(recent.count).toBe(10);
    await clock.pass(29_000);
    recent.add(100);
    expect(recent.count).toBe(110);
    await clock.pass(600_000);
    expect(recent.count).toBe(0);
    recent.add(3);
    expect(recent.count).toBe(3);
  });
});
