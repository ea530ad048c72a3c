import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Writer } from 'protobufjs/minimal.js';
import { lengthDelimited, VarintReader, varintSize, writeVarint } from '../../../src/loki/varint.js';

/** As another library writes it. */
const theirs = (value: number): Buffer => Buffer.from(Writer.create().int64(value).finish());

function ours(value: number): Buffer {
  const buffer = Buffer.alloc(12, 0xee);
  const end = writeVarint(buffer, 1, value);
  expect(buffer[0]).toBe(0xee);
  expect(buffer[end]).toBe(0xee);
  return buffer.subarray(1, end);
}

const BOUNDS = [7, 14, 21, 28, 31, 32, 35, 42, 49, 53].flatMap((bits) => [2 ** bits - 1, 2 ** bits]);
const EDGES = [0, 1, ...BOUNDS, ...BOUNDS.map((value) => -value)].filter(Number.isSafeInteger);
const anyWhole = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.nat(70_000), fc.constantFrom(...EDGES));

test('is what another library writes, has the size foretold, and is read back', () => {
  fc.assert(
    fc.property(anyWhole, fc.nat(5), (value, before) => {
      const bytes = ours(value);
      expect(bytes).toEqual(theirs(value));
      expect(varintSize(value)).toBe(bytes.length);
      const reader = new VarintReader(Buffer.concat([Buffer.alloc(before, 0xff), bytes, bytes]), before);
      expect([reader.next(), reader.next()]).toEqual([value, value]);
      expect(reader.at).toBe(before + 2 * bytes.length);
    }),
    { numRuns: 1000 },
  );
});

test.each(EDGES)('%i', (value) => {
  expect(ours(value)).toEqual(theirs(value));
  expect(varintSize(value)).toBe(theirs(value).length);
  expect(new VarintReader(theirs(value), 0).next()).toBe(value);
});

describe('a field with a length', () => {
  test.each([0, 1, 127, 128, 20_000])('of %i bytes', (length) => {
    const content = Buffer.alloc(length, 'a');
    const writer = Writer.create()
      .uint32((3 << 3) | 2)
      .bytes(content);
    expect(lengthDelimited(3, content)).toEqual(Buffer.from(writer.finish()));
  });
});
