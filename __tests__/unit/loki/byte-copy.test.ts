import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ByteCopier } from '../../../src/loki/byte-copy.js';

const anySource = fc.uint8Array({ minLength: 400, maxLength: 1000 }).map((bytes) => Buffer.from(bytes));
const anyPiece = fc.record({
  source: fc.nat(2),
  start: fc.nat(400),
  // Around the length from which on the engine copies.
  length: fc.oneof(fc.nat(12), fc.integer({ min: 140, max: 160 }), fc.nat(600)),
});

test('puts pieces of any buffers one behind the other, and touches nothing else', () => {
  fc.assert(
    fc.property(
      fc.array(anySource, { minLength: 3, maxLength: 3 }),
      fc.array(anyPiece, { maxLength: 20 }),
      fc.boolean(),
      (sources, pieces, forgets) => {
        const copier = new ByteCopier();
        const target = Buffer.alloc(20_000, 0xee);
        const wanted: Buffer[] = [];
        let at = 3;
        for (const { source, start, length } of pieces) {
          const from = sources[source] as Buffer;
          const end = Math.min(start + length, from.length);
          wanted.push(Buffer.from(from.subarray(start, end)));
          at = copier.copy(target, at, from, start, end);
          if (forgets) copier.forget();
        }
        const written = Buffer.concat(wanted);
        expect(at).toBe(3 + written.length);
        const whole = Buffer.alloc(20_000, 0xee);
        written.copy(whole, 3);
        expect(target.equals(whole)).toBe(true);
      },
    ),
  );
});

test('sees what was written into a source since, and buffers that lie inside of larger ones', () => {
  const copier = new ByteCopier();
  const slab = Buffer.alloc(100, 'a');
  const source = slab.subarray(10, 50);
  const target = Buffer.alloc(100).subarray(20, 80);
  copier.copy(target, 0, source, 0, 9);
  slab.fill('b');
  expect(copier.copy(target, 9, source, 3, 12)).toBe(18);
  expect(target.toString('latin1', 0, 18)).toBe('aaaaaaaaabbbbbbbbb');
});
