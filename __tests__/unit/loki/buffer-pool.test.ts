import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BufferPool } from '../../../src/loki/buffer-pool.js';

test('gives buffers in sizes of powers of two, and the same one again', () => {
  const pool = new BufferPool(1_000_000);
  const first = pool.take(5000);
  expect(first).toHaveLength(8192);
  expect(pool.take(1)).toHaveLength(4096);
  expect(pool.take(4096)).toHaveLength(4096);
  pool.give(first);
  expect(pool.keptBytes).toBe(8192);
  expect(pool.take(4097)).toBe(first);
  expect(pool.keptBytes).toBe(0);
});

test('keeps no more than it may, and nothing that did not come from here', () => {
  const pool = new BufferPool(10_000);
  const buffers = [1, 2, 3].map(() => pool.take(4096));
  for (const buffer of buffers) pool.give(buffer);
  expect(pool.keptBytes).toBe(8192);
  pool.give(Buffer.alloc(0));
  pool.give(Buffer.alloc(1000));
  expect(pool.keptBytes).toBe(8192);
});

test('never gives a buffer to two at once', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(50_000), fc.constant('give' as const)), { maxLength: 60 }),
      fc.nat(100_000),
      (steps, max) => {
        const pool = new BufferPool(max);
        const out: Buffer[] = [];
        for (const step of steps) {
          if (step === 'give') {
            const buffer = out.shift();
            if (buffer !== undefined) pool.give(buffer);
          } else {
            const buffer = pool.take(step);
            expect(buffer.length).toBeGreaterThanOrEqual(step);
            expect(out.includes(buffer)).toBe(false);
            out.push(buffer);
          }
          expect(pool.keptBytes).toBeGreaterThanOrEqual(0);
          expect(pool.keptBytes).toBeLessThanOrEqual(max);
        }
      },
    ),
  );
});
