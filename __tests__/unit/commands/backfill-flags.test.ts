import { describe, expect, test } from '@jest/globals';
import { readBackfillFlags, type BackfillTexts } from '../../../src/commands/backfill-flags.js';
import { formatStamp, parseStamp } from '../../../src/model/nanoseconds.js';

const NOW = parseStamp('2026-11-28T12:30:00Z')!;
const CONFIG = { backfill: { label: 'backfill', rate: 1000, concurrency: 3 } };

function rangeOf(texts: Partial<BackfillTexts>, zone = 'Europe/Berlin'): string[] {
  const { range } = readBackfillFlags({ patience: '15m', ...texts }, CONFIG, NOW, zone);
  return [range.from, range.until].map((stamp) => formatStamp(stamp).replace('.000000000', ''));
}

describe('the range', () => {
  test.each([
    [
      'yesterday is the whole day',
      { since: 'yesterday', until: 'today' },
      '2026-11-26T23:00:00Z',
      '2026-11-27T23:00:00Z',
    ],
    ['up to now', { since: '36h' }, '2026-11-27T00:30:00Z', '2026-11-28T12:30:00Z'],
    [
      'without a zone',
      { since: '2026-11-20T08:00', until: '2026-11-20T09:00' },
      '2026-11-20T07:00:00Z',
      '2026-11-20T08:00:00Z',
    ],
    ['a day', { since: '2026-11-20', until: '2026-11-21' }, '2026-11-19T23:00:00Z', '2026-11-20T23:00:00Z'],
    [
      'Unix seconds',
      { since: '1764000000', until: '1764003600' },
      '2025-11-24T16:00:00Z',
      '2025-11-24T17:00:00Z',
    ],
  ])('%s', (_, texts, from, until) => {
    expect(rangeOf(texts)).toEqual([from, until]);
  });

  test.each([
    // Clocks are set back at 3:00 and forward at 2:00 on these days.
    ['comes twice', { since: '2026-10-25T02:30', until: '2026-10-26' }],
    ['does not exist', { since: '2026-03-29T02:30', until: '2026-03-30' }],
    ['the range is empty', { since: '2026-11-21', until: '2026-11-20' }],
    ['lies in the future', { since: 'yesterday', until: '2026-11-29' }],
    ['is no time', { since: 'last week' }],
  ])('%s: refused with what was understood', (problem, texts) => {
    expect(() => rangeOf(texts)).toThrow(problem);
  });
});

test('what is not given comes from the settings', () => {
  const flags = readBackfillFlags({ since: '1h', patience: '15m' }, CONFIG, NOW);
  expect(flags).toMatchObject({
    rate: 1000,
    concurrency: 3,
    patienceMs: 900_000,
    intoLive: false,
    name: undefined,
  });
});

test.each([
  ['1MiB/s', 1024 ** 2],
  ['500kB', 500_000],
])('--rate %s', (rate, bytes) => {
  expect(readBackfillFlags({ since: '1h', patience: '0', rate }, CONFIG, NOW).rate).toBe(bytes);
});

test('--blind never uses a stream of its own', () => {
  const flags = readBackfillFlags({ since: '1h', patience: '0', blind: true }, CONFIG, NOW);
  expect(flags).toMatchObject({ blind: true, intoLive: true });
});

test.each([
  [{ concurrency: '0' }, '--concurrency'],
  [{ concurrency: 'x' }, '--concurrency'],
  [{ patience: 'x' }, '--patience'],
  [{ rate: '-1' }, '--rate'],
  [{ label: ['=x'] }, '--label'],
])('%j is refused', (texts, flag) => {
  expect(() => readBackfillFlags({ since: '1h', patience: '0', ...texts }, CONFIG, NOW)).toThrow(flag);
});
