import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  isSameWork,
  newRun,
  withFinished,
  withSent,
  type ContainerResult,
} from '../../../src/backfill/progress.js';
import { decodeProgress, encodeProgress } from '../../../src/backfill/progress-file.js';

const stamp = fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n });
const count = fc.nat();
const anyResult: fc.Arbitrary<ContainerResult> = fc.record(
  {
    id: fc.stringMatching(/^[0-9a-f]{64}$/),
    name: fc.string(),
    status: fc.constantFrom('read', 'partial'),
    reason: fc.string(),
    logBegins: stamp,
    gap: fc.boolean(),
    lines: count,
    alreadyThere: count,
    sent: count,
    sentUnderLabel: count,
    refused: fc.dictionary(fc.constantFrom('too-old', 'too-far-behind'), count),
    missing: count,
    pending: count,
    otherLabels: count,
    notJudged: count,
  },
  {
    requiredKeys: [
      'id',
      'name',
      'status',
      'gap',
      'lines',
      'alreadyThere',
      'sent',
      'sentUnderLabel',
      'refused',
      'missing',
      'pending',
      'otherLabels',
      'notJudged',
    ],
  },
);

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test('what is written is read as it was', () => {
  fc.assert(
    fc.property(
      fc.string(),
      stamp,
      stamp,
      fc.array(anyResult),
      fc.option(stamp),
      (name, a, b, finished, end) => {
        const run = {
          ...newRun(name, { from: a, until: b }, '[]', a),
          finished,
          open: { ab: { sent: 1, sentUnderLabel: 0 } },
          ...(end === null ? {} : { finishedAt: end }),
        };
        expect(decodeProgress(bytesOf(encodeProgress(run)))).toEqual({ kind: 'run', run });
      },
    ),
  );
});

test('a file that is cut short, or full of NUL bytes, is damaged and nothing else', () => {
  const text = encodeProgress(newRun('a', { from: 0n, until: 1n }, '[]', 2n));
  for (let length = 0; length < text.length - 2; length++) {
    expect(decodeProgress(bytesOf(text.slice(0, length)))).toMatchObject({ kind: 'damaged' });
  }
  expect(decodeProgress(new Uint8Array(text.length))).toMatchObject({ kind: 'damaged' });
});

test('the format of a later version is not taken for damage', () => {
  expect(decodeProgress(bytesOf('{"version": 2}'))).toEqual({ kind: 'newer', version: 2 });
});

test('a finished container is no longer open, and a finished run is not gone on with', () => {
  const [result] = fc.sample(anyResult, { numRuns: 1, seed: 1 }) as [ContainerResult];
  const run = newRun('a', { from: 0n, until: 9n }, '[]', 0n);
  const begun = withSent(
    run,
    { [result.id]: { sent: 3, sentUnderLabel: 1 }, other: { sent: 1, sentUnderLabel: 0 } },
    1n,
  );
  const done = withFinished(begun, result, 2n);
  expect(done.open).toEqual({ other: { sent: 1, sentUnderLabel: 0 } });
  expect(isSameWork(done, { from: 0n, until: 9n }, '[]')).toBe(true);
  expect(isSameWork(done, { from: 1n, until: 9n }, '[]')).toBe(false);
  expect(isSameWork(done, { from: 0n, until: 9n }, '["x"]')).toBe(false);
  expect(isSameWork({ ...done, finishedAt: 3n }, { from: 0n, until: 9n }, '[]')).toBe(false);
});
