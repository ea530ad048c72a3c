import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AnchorRing } from '../../../src/collector/anchor-ring.js';
import { Repeats } from '../../../src/collector/fingerprint.js';

const anyEntry = fc.record({
  stream: fc.constantFrom(1 as const, 2 as const),
  // Few of each, so that equal entries follow one another, also across the pieces.
  nanos: fc.constantFrom(1, 2),
  text: fc.constantFrom('', 'a', 'b', 'a longer text'),
});
const anyPieces = fc.array(fc.array(anyEntry, { maxLength: 5 }), { maxLength: 10 });

/** The anchor behind these pieces, and the number of each entry among equal ones. */
function remembered(pieces: readonly (readonly Entry[])[], overwrite: boolean) {
  const ring = new AnchorRing(4, []);
  const repeats = new Repeats();
  const numbers: number[] = [];
  for (const entries of pieces) {
    const piece = Buffer.from(entries.map(({ text }) => text).join(''));
    let at = 0;
    for (const { stream, nanos, text } of entries) {
      const end = at + text.length;
      const repeat = repeats.next(stream, 1, nanos, piece, at, end);
      ring.add(stream, 1, nanos, piece, at, end, repeat);
      numbers.push(repeat);
      at = end;
    }
    if (!overwrite) continue;
    ring.letGo();
    repeats.letGo();
    piece.fill('a');
  }
  return { anchor: ring.anchor(), numbers };
}

interface Entry {
  readonly stream: 1 | 2;
  readonly nanos: number;
  readonly text: string;
}

test('what is remembered of entries does not depend on the fate of the bytes that they came in', () => {
  fc.assert(
    fc.property(anyPieces, (pieces) => {
      expect(remembered(pieces, true)).toEqual(remembered(pieces, false));
    }),
  );
});
