import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { gapSpan, gapText, isGapText, type GapCause } from '../../../src/collector/gap.js';

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
        expect(gapSpan(text)).toEqual({ lastDelivered, firstAvailable });
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
