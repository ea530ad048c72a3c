import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readRejectedRecord, rejectedRecords, type Rejection } from '../../../src/loki/rejected-record.js';
import { anyPushLines, batchOf, NOW, pushLine, testTarget } from '../../support/push-lines.js';

const target = testTarget({
  labels: { a: 'b', empty: '' },
  structuredMetadata: { container_id: 'abc' },
  tenant: 't',
  containerName: 'wëb',
});
const rejection = (lines: Parameters<typeof batchOf>[0], more: Partial<Rejection> = {}): Rejection => ({
  entries: batchOf(lines, target).all(),
  status: 400,
  kind: 'too-old',
  reason: 'timestamp too old',
  ...more,
});

test('each entry is a line of JSON, and is read back: any bytes, any stamps', () => {
  fc.assert(
    fc.property(anyPushLines, fc.string({ unit: 'binary' }), (lines, reason) => {
      const records = [...rejectedRecords(rejection(lines, { reason }), NOW)];
      expect(records).toHaveLength(lines.length);
      records.forEach((record, i) => {
        expect(record.indexOf('\n')).toBe(record.length - 1);
        const { line, ...rest } = readRejectedRecord(record)!;
        expect(line.equals(lines[i]!.line)).toBe(true);
        expect(rest).toEqual({
          time: '2023-11-14T22:13:20.000000000Z',
          status: 400,
          kind: 'too-old',
          reason: JSON.parse(JSON.stringify(reason)),
          container: 'wëb',
          labels: { a: 'b', empty: '' },
          structuredMetadata: { container_id: 'abc' },
          tenant: 't',
          stamp: lines[i]!.stamp,
        });
      });
    }),
  );
});

test('text is readable, other bytes are base64, and no tenant is none', () => {
  const entries = batchOf([pushLine(NOW, 'tüxt'), pushLine(NOW + 1n, Buffer.from([0xff, 0]))]).all();
  const [text, bytes] = [...rejectedRecords(rejection([], { entries }), NOW)].map(
    (record) => JSON.parse(record) as Record<string, unknown>,
  );
  expect(text).toMatchObject({ ts: '1700000000000000000', line: 'tüxt' });
  expect(bytes).toMatchObject({ ts: '1700000000000000001', lineBase64: '/wA=' });
  expect(text).not.toHaveProperty('tenant');
  expect(text).not.toHaveProperty('lineBase64');
  expect(bytes).not.toHaveProperty('line');
});

describe('what is no record', () => {
  const good = [...rejectedRecords(rejection([pushLine(NOW)]), NOW)][0]!;

  test('torn anywhere', () => {
    for (let end = 0; end < good.length - 2; end++) {
      expect(readRejectedRecord(good.slice(0, end))).toBeUndefined();
    }
    expect(readRejectedRecord(good)).toBeDefined();
  });

  test.each([
    ['not an object', '7'],
    ['null', 'null'],
    ['an array', '[]'],
    ['without a line', good.replace('"line":"x"', '"other":"x"')],
    ['a stamp that is none', good.replace(/"ts":"\d+"/, '"ts":"soon"')],
    ['a stamp as a number', good.replace(/"ts":"(\d+)"/, '"ts":$1')],
    ['a label that is no text', good.replace('"a":"b"', '"a":7')],
    ['base64 that is none', good.replace('"line":"x"', '"lineBase64":"§"')],
    ['without a kind', good.replace('"kind"', '"kin"')],
  ])('%s', (_, text) => {
    expect(readRejectedRecord(text)).toBeUndefined();
  });

  test('any text is read or is not, and nothing is thrown', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        expect(readRejectedRecord(text)).toBeUndefined();
      }),
    );
  });

  test('what a later Pollard adds is passed over', () => {
    const read = readRejectedRecord(good.replace('{', '{"more":[1],'));
    expect(read).toMatchObject({ kind: 'too-old', stamp: NOW });
    expect(read).not.toHaveProperty('more');
    expect(readRejectedRecord(good.replace('too-old', 'new-kind'))?.kind).toBe('new-kind');
  });
});

test('a piece of a line keeps what it says of itself', () => {
  const batch = batchOf([pushLine(NOW, 'whole')], target);
  const [seconds, nanos] = [Number(NOW / 1_000_000_000n), Number(NOW % 1_000_000_000n)];
  batch.append(seconds, nanos, Buffer.from('piece'), 0, 5, { lineId: NOW, number: 2, count: 2 });
  const records = [...rejectedRecords(rejection([], { entries: batch.all() }), NOW)];
  expect(records.map((record) => readRejectedRecord(record)?.structuredMetadata)).toEqual([
    { container_id: 'abc' },
    { container_id: 'abc', line_id: String(NOW), line_piece: '2', line_pieces: '2' },
  ]);
});
