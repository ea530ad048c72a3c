import fc from 'fast-check';
import type { Cursor } from '../../src/model/cursor.js';

/** The id of the container with this number. */
export function idOf(number: number): string {
  return number.toString(16).padStart(64, '0');
}

/** A cursor that says which commit it is of: `committedAt`. */
export function cursorOf(container: number, committedAt: number | bigint): Cursor {
  return {
    containerId: idOf(container),
    containerName: `c${container}`,
    anchor: [],
    open: [],
    moved: {},
    committedAt: BigInt(committedAt),
  };
}

const stamp = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n });
const stream = fc.constantFrom('stdout' as const, 'stderr' as const);
const hex = (length: number): fc.Arbitrary<string> =>
  fc
    .array(fc.nat(15), { minLength: length, maxLength: length })
    .map((digits) => digits.map((digit) => digit.toString(16)).join(''));
const moved = fc.record({ stamp, assigned: stamp });
const place = {
  anchor: fc.array(fc.record({ stamp, stream, hash: hex(16) }), { maxLength: 5 }),
  open: fc.array(
    fc.record(
      {
        stream,
        stamp,
        text: fc.uint8Array(),
        cut: fc.boolean(),
        delivered: fc.record({ count: fc.integer({ min: 1 }), lineId: stamp }),
      },
      { requiredKeys: ['stream', 'stamp', 'text', 'cut'] },
    ),
    { maxLength: 2 },
  ),
  moved: fc.record({ stdout: moved, stderr: moved }, { requiredKeys: [] }),
};

export const anyCursor: fc.Arbitrary<Cursor> = fc.record(
  {
    containerId: hex(64),
    containerName: fc.string({ unit: 'binary' }),
    ...place,
    committedAt: stamp,
    complete: fc.constant(true as const),
    soundUpTo: fc.record(place),
    start: fc.record({ stamp, stream, fullFiles: fc.nat(), bytes: fc.nat() }),
  },
  { requiredKeys: ['containerId', 'containerName', 'anchor', 'open', 'moved', 'committedAt'] },
);
