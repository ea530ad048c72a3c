import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { cutPlace, incompleteTail, sentBytes, unitEnd } from '../../../src/model/utf8.js';
import { runs } from '../../support/effort.js';

/** Characters of each length, their beginnings, and what begins none. */
const anyBytes = fc
  .array(
    fc.oneof(
      fc.constantFrom('a', 'é', '€', '😀', '\ufffd').map((char) => Buffer.from(char)),
      fc.constantFrom('é', '€', '😀').chain((char) => {
        const bytes = Buffer.from(char);
        return fc.integer({ min: 1, max: bytes.length - 1 }).map((length) => bytes.subarray(0, length));
      }),
      fc.uint8Array({ minLength: 1, maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom([0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80])
        .map((each) => Buffer.from(each)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts));

function units(bytes: Buffer): Buffer[] {
  const all: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = unitEnd(bytes, at, bytes.length);
    all.push(bytes.subarray(at, end));
    at = end;
  }
  return all;
}

test('units are those of a decoder: each is a character, or becomes one U+FFFD', () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const decoded = units(bytes).map((unit) => unit.toString('utf8'));
      expect(decoded.join('')).toBe(bytes.toString('utf8'));
      expect(decoded.every((unit) => Array.from(unit).length === 1)).toBe(true);
    }),
    { numRuns: runs(3000) },
  );
});

test('a text has as many bytes as are sent', () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      expect(sentBytes(bytes, 0, bytes.length, true)).toBe(Buffer.byteLength(bytes.toString('utf8')));
      expect(sentBytes(bytes, 0, bytes.length, false)).toBe(bytes.length);
    }),
  );
});

test('a cut lies between two units, and as late as the room allows', () => {
  fc.assert(
    fc.property(anyBytes, fc.nat({ max: 30 }), fc.boolean(), (bytes, room, asText) => {
      let at = 0;
      let expected = 0;
      let left = room;
      for (const unit of units(bytes)) {
        left -= asText && !isUtf8(unit) ? 3 : unit.length;
        at += unit.length;
        if (left < 0) break;
        expected = at;
      }
      expect(cutPlace(bytes, 0, bytes.length, room, asText)).toBe(expected);
    }),
    { numRuns: runs(3000) },
  );
});

test.each([
  ['', 0],
  ['a', 0],
  ['a€', 0],
  ['e2', 1],
  ['e282', 2],
  ['61f09f98', 3],
  // No character begins so.
  ['e228', 0],
  ['ff', 0],
  ['80', 0],
  ['f08080', 0],
])('of %s, %i bytes at the end are the beginning of a character', (text, tail) => {
  const bytes = /^[0-9a-f]{2,}$/.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text);
  expect(incompleteTail(bytes, 0, bytes.length)).toBe(tail);
});
