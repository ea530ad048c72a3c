import { describe, expect, test } from '@jest/globals';
import { StreamDoubts } from '../../../src/loki/stream-doubts.js';
import { testTarget } from '../../support/push-lines.js';

const out = testTarget({ containerId: 'c1', labels: { stream: 'stdout' } });
const err = testTarget({ containerId: 'c1', labels: { stream: 'stderr' } });
const other = testTarget({ containerId: 'c2' });
const ofNone = testTarget();
const UNKNOWN = { until: undefined, unasked: 0 };

describe('after a process that ended in order', () => {
  test('no container is in doubt', () => {
    const doubts = new StreamDoubts(false);
    expect([out, err, other, ofNone].map((target) => doubts.of(target))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(doubts.any).toBe(false);
  });

  test('one whose lines were not all committed is, until it was read to its end', () => {
    const doubts = new StreamDoubts(false);
    doubts.raise('c1');
    expect([doubts.of(out), doubts.of(err), doubts.of(other)]).toEqual([UNKNOWN, UNKNOWN, undefined]);
    expect([doubts.any, doubts.has('c1'), doubts.has('c2')]).toEqual([true, true, false]);
    doubts.settle('c1');
    expect([doubts.of(out), doubts.any]).toEqual([undefined, false]);
  });
});

describe('after a process that did not', () => {
  test('all are, each stream until it is known how far it was sent', () => {
    const doubts = new StreamDoubts(true);
    expect([doubts.of(out), doubts.of(other), doubts.of(ofNone)]).toEqual([UNKNOWN, UNKNOWN, undefined]);
    doubts.bound(out, 5n);
    doubts.bound(other, undefined);
    expect([doubts.of(out), doubts.of(err), doubts.of(other)]).toEqual([
      { until: 5n, unasked: 0 },
      UNKNOWN,
      { until: -1n, unasked: 0 },
    ]);
  });

  test('one that was read to its end is not, until it is again', () => {
    const doubts = new StreamDoubts(true);
    doubts.bound(out, 5n);
    doubts.settle('c1');
    doubts.bound(out, 7n);
    expect([doubts.of(out), doubts.has('c2'), doubts.any]).toEqual([undefined, true, false]);
    doubts.raise('c1');
    expect(doubts.of(out)).toEqual(UNKNOWN);
  });

  test('batches that were sent although nobody could be asked are counted', () => {
    const doubts = new StreamDoubts(true);
    doubts.sentUnasked(out);
    doubts.sentUnasked(out);
    expect([doubts.of(out), doubts.of(err)]).toEqual([{ until: undefined, unasked: 2 }, UNKNOWN]);
  });
});
