import {
  grown,
  isSettled,
  notSeen,
  pauseBeforeLook,
  quiet,
  readAgain,
  readToEnd,
  type AfterEnd,
  type End,
} from '../../../src/collector/after-end.js';
import { NS_PER_MS, NS_PER_SECOND } from '../../../src/model/nanoseconds.js';

const ENDED = 1_700_000_000n * NS_PER_SECOND;
const HOUR = 3_600_000;

/** Read to its end by a poll that began so many ms after the container's end, at the monotonic time 1,000,000. */
function endedAgo(ms: number, over: Partial<End> = {}): AfterEnd {
  return readToEnd({
    logDriver: 'json-file',
    finishedAt: ENDED,
    diedAt: undefined,
    began: 1_000_000,
    beganAt: ENDED + BigInt(ms) * NS_PER_MS,
    ...over,
  });
}

/** The pauses between all looks, each of which takes `find`. */
function pauses(log: AfterEnd, find: (log: AfterEnd, at: number) => AfterEnd): number[] {
  const all: number[] = [];
  let now = 1_000_000;
  for (let pause = pauseBeforeLook(log, now); pause !== undefined; pause = pauseBeforeLook(log, now)) {
    all.push(pause);
    now += pause;
    log = find(log, now);
  }
  return all;
}

describe('when the log of an ended container is looked at', () => {
  test('that ended just now: ever less often, for an hour', () => {
    const each = pauses(endedAgo(0), quiet);
    expect(each.slice(0, 5)).toEqual([1000, 10_000, 60_000, 600_000, 300_000]);
    expect(new Set(each.slice(5))).toEqual(new Set([300_000]));
    const sum = each.reduce((all, pause) => all + pause, 0);
    expect(sum).toBeGreaterThanOrEqual(HOUR);
    expect(sum).toBeLessThan(HOUR + 300_000);
  });

  test.each([
    { ago: 19_000, first: 1000 },
    { ago: 21_000, first: 10_000 },
    { ago: 30 * 60_000, first: 600_000 },
    { ago: HOUR - 1, first: 600_000 },
    { ago: HOUR, first: undefined },
    { ago: 48 * HOUR, first: undefined },
  ])('that ended $ago ms ago: the first look after $first ms', ({ ago, first }) => {
    expect(pauseBeforeLook(endedAgo(ago), 1_000_000)).toBe(first);
  });

  test('a look that fails counts as one: an Engine that is away is not asked once a second', () => {
    expect(pauses(endedAgo(0), notSeen)).toEqual(pauses(endedAgo(0), quiet));
  });

  test('that has grown: from the beginning', () => {
    const log = readAgain(grown(endedAgo(48 * HOUR), 2_000_000), 2_000_000);
    expect(pauseBeforeLook(log, 2_000_000)).toBe(1000);
  });

  test('whose death was reported late: from then on', () => {
    const log = endedAgo(60_000, { diedAt: ENDED + 59_000n * NS_PER_MS });
    expect(pauseBeforeLook(log, 1_000_000)).toBe(1000);
  });

  test('on a machine whose clock is behind that of the Engine: as one that ended just now', () => {
    expect(pauseBeforeLook(endedAgo(-HOUR), 1_000_000)).toBe(1000);
  });
});

describe('whether all of the log of an ended container was read', () => {
  const journald = { logDriver: 'journald' };
  const in12Seconds = ENDED + 12n * NS_PER_SECOND;

  test.each<[string, AfterEnd, bigint | undefined, boolean]>([
    ['a file is closed before the end is reported', endedAgo(0), ENDED, true],
    ['journald takes in what it was sent', endedAgo(0, journald), ENDED, false],
    ['journald, read a second later', endedAgo(1000, journald), ENDED, true],
    ['journald, a look a second later', quiet(endedAgo(0, journald), 1_001_000), ENDED, true],
    [
      'journald, the daemon waited in vain for its logger',
      endedAgo(13_000, { ...journald, diedAt: in12Seconds }),
      in12Seconds,
      false,
    ],
    [
      'journald, likewise, ten seconds later',
      endedAgo(22_000, { ...journald, diedAt: in12Seconds }),
      in12Seconds,
      true,
    ],
    ['more was found, and is not read', grown(endedAgo(HOUR), 2_000_000), undefined, false],
    ['more was found, and is read', readAgain(grown(endedAgo(HOUR), 2_000_000), 2_000_000), undefined, false],
    [
      'more was found, is read, and nothing came for a while',
      quiet(readAgain(grown(endedAgo(HOUR), 2_000_000), 2_000_000), 2_010_000),
      undefined,
      true,
    ],
  ])('%s', (_, log, diedAt, settled) => {
    expect(isSettled(log, diedAt)).toBe(settled);
  });
});
