import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { giveReadBuffer, READ_BYTES, takeReadBuffer } from '../../../src/docker/read-buffers.js';

test('no buffer is in two hands, whatever is taken and given', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 100 }), (steps) => {
      const held: Buffer[] = [];
      for (const take of steps) {
        if (take || held.length === 0) {
          const buffer = takeReadBuffer();
          expect(buffer).toHaveLength(READ_BYTES);
          expect(held).not.toContain(buffer);
          // Of its own memory, and not a part of one that others have parts of.
          expect(buffer.buffer.byteLength).toBe(READ_BYTES);
          held.push(buffer);
        } else giveReadBuffer(held.shift()!);
      }
      held.forEach(giveReadBuffer);
    }),
  );
});

test('a buffer given back is used again; of many only a few are kept', () => {
  const first = takeReadBuffer();
  giveReadBuffer(first);
  expect(takeReadBuffer()).toBe(first);

  const many = Array.from({ length: 100 }, takeReadBuffer);
  many.forEach(giveReadBuffer);
  const again = Array.from({ length: 100 }, takeReadBuffer);
  expect(again.filter((buffer) => many.includes(buffer))).toHaveLength(16);
});
