import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { gapBefore, gapSpan, gapText, isGapText, type GapCause } from '../../../src/collector/gap.js';

const anyStamp = fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n });

test('a marker says between which stamps lines are missing, to the nanosecond', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,40}$/),
      fc.constantFrom<GapCause>('rotated', 'unreadable'),
      anyStamp,
      anyStamp,
      (name, cause, lastDelivered, firstAvailable) => {
        const text = gapText(name, { cause, lastDelivered, firstAvailable });
        expect(isGapText(text)).toBe(true);
        // Where the clock was set back in between, the earlier stamp comes first all the same.
        const isOrdered = lastDelivered <= firstAvailable;
        expect(gapSpan(text)).toEqual(
          isOrdered
            ? { lastDelivered, firstAvailable }
            : { lastDelivered: firstAvailable, firstAvailable: lastDelivered },
        );
      },
    ),
  );
});

test.each([
  'shop-plain-0 #1 between 2026-01-01T00:00:00.000000000Z and 2026-01-02T00:00:00.000000000Z may be missing: x',
  'pollard: gap: lines of container x may be missing',
  'pollard: gap: lines of container x between then and now may be missing: the log was rotated',
])('%s: none', (line) => {
  expect(gapSpan(line)).toBeUndefined();
});

test('a gap at the beginning of a log is bounded by when the container was created, and is never empty', () => {
  expect(gapBefore('unreadable', undefined, 100n, 40n)).toEqual({
    cause: 'unreadable',
    lastDelivered: 40n,
    firstAvailable: 100n,
  });
  expect(gapBefore('unreadable', undefined, 100n, 400n)).toMatchObject({ lastDelivered: 99n });
  expect(gapBefore('unreadable', 70n, 100n, 40n)).toMatchObject({ lastDelivered: 70n });
  expect(gapBefore('rotated', undefined, 100n, 40n, 70n)).toMatchObject({ lastDelivered: 40n });
  expect(gapBefore('rotated', undefined, 100n, 400n, 410n)).toMatchObject({ lastDelivered: 410n });
});
