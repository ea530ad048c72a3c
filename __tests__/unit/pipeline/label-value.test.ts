import fc from 'fast-check';
import { cutToBytes, imageName } from '../../../src/pipeline/label-value.js';

describe('a value cut to bytes', () => {
  test.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'abc'],
    ['äöü', 3, 'ä'],
    ['äöü', 4, 'äö'],
    ['a😀', 4, 'a'],
    ['a😀', 5, 'a😀'],
    ['😀', 3, ''],
    ['', 3, ''],
    ['\ud800', 3, '\ufffd'],
  ])('%j to %i: %j', (text, max, expected) => {
    expect(cutToBytes(text, max)).toBe(expected);
  });

  test('any text: whole characters from its beginning, as many as there is room for', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.nat(60), (text, max) => {
        const cut = cutToBytes(text, max);
        const wellFormed = Buffer.from(text).toString();
        expect(wellFormed.startsWith(cut)).toBe(true);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(max);
        const next = Array.from(wellFormed.slice(cut.length))[0];
        if (next !== undefined) expect(Buffer.byteLength(cut + next)).toBeGreaterThan(max);
      }),
    );
  });
});

test.each([
  ['shop:1', 'shop:1'],
  ['registry:5000/shop/web@sha256:' + 'a'.repeat(64), 'registry:5000/shop/web@sha256:' + 'a'.repeat(64)],
  ['sha256:0123456789abcdef' + '0'.repeat(48), '0123456789ab'],
  ['0123456789abcdef' + '0'.repeat(48), '0123456789ab'],
  ['0123456789ab', '0123456789ab'],
  ['', ''],
])('the image %s is %s', (listed, name) => {
  expect(imageName(listed)).toBe(name);
});
