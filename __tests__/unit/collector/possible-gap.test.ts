import fc from 'fast-check';
import { gapText, isGapText } from '../../../src/collector/gap.js';
import {
  isMarkerText,
  isPossibleGapText,
  markedSpan,
  possibleGapText,
  shownLimit,
} from '../../../src/collector/possible-gap.js';

const anyStamp = fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n });

test('a marker says between which stamps lines may be missing, and is not that of a gap', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,40}$/),
      anyStamp,
      anyStamp,
      fc.nat(),
      (name, from, firstAvailable, limit) => {
        const text = possibleGapText(name, { from, firstAvailable, limit });
        expect([isPossibleGapText(text), isMarkerText(text), isGapText(text)]).toEqual([true, true, false]);
        expect(markedSpan(text)).toEqual({ lastDelivered: from, firstAvailable });
      },
    ),
  );
});

test('the marker of a gap is a marker, and no other line is one', () => {
  const gap = gapText('web', { cause: 'rotated', lastDelivered: 1n, firstAvailable: 2n });
  expect([isMarkerText(gap), isPossibleGapText(gap)]).toEqual([true, false]);
  expect(markedSpan(gap)).toEqual({ lastDelivered: 1n, firstAvailable: 2n });
  expect(isMarkerText('web: pollard: possible gap: lines of container')).toBe(false);
  expect(markedSpan('pollard: possible gap: lines of container web may be missing')).toBeUndefined();
});

test.each([
  [40_000, '40 kB'],
  [999, '999 B'],
  [1_500_000, '1.5 MB'],
  [5 * 20 * 1024 ** 2, '104.9 MB'],
])('%s bytes are %s', (bytes, text) => {
  expect(shownLimit(bytes)).toBe(text);
});
