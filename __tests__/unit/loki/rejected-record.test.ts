import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  readRejectedRecord,
  RecordsThatFit,
  type RejectedLine,
  type Rejection,
} from '../../../src/loki/rejected-record.js';
import { anyPushLines, batchOf, NOW, numbered, pushLine, testTarget } from '../../support/push-lines.js';

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
const recordsOf = (...rejections: Rejection[]): string[] => [...new RecordsThatFit(rejections, NOW)];
const readAll = (records: readonly string[]): RejectedLine[] =>
  records.flatMap((record) => readRejectedRecord(record)!);

test('each record is a line of JSON, and all entries are read back: any bytes, any stamps', () => {
  fc.assert(
    fc.property(anyPushLines, fc.string({ unit: 'binary' }), (lines, reason) => {
      const records = recordsOf(rejection(lines, { reason }));
      for (const record of records) expect(record.indexOf('\n')).toBe(record.length - 1);
      const read = readAll(records);
      expect(read.map(({ line }) => line.toString('hex'))).toEqual(
        lines.map(({ line }) => line.toString('hex')),
      );
      read.forEach((each, i) =>
        expect(each).toEqual({
          line: lines[i]!.line,
          time: '2023-11-14T22:13:20.000000000Z',
          status: 400,
          kind: 'too-old',
          reason: JSON.parse(JSON.stringify(reason)),
          container: 'wëb',
          labels: { a: 'b', empty: '' },
          structuredMetadata: { container_id: 'abc' },
          tenant: 't',
          stamp: lines[i]!.stamp,
        }),
      );
    }),
  );
});

test('labels and reason are stored once for a run of lines, in records of a bounded size', () => {
  const lines = numbered(10_000);
  const records = recordsOf(rejection(lines));
  const bytes = lines.reduce((sum, { line }) => sum + line.length, 0);
  expect(readAll(records).map(({ line }) => line.toString())).toEqual(
    lines.map(({ line }) => line.toString()),
  );
  for (const record of records) expect(Buffer.byteLength(record)).toBeLessThanOrEqual(64 * 1024);
  expect(Buffer.byteLength(records.join(''))).toBeLessThan(6 * bytes);
  expect(records.join('').match(/timestamp too old/g)).toHaveLength(records.length);
});

test('a line that is larger than a record should be has one of its own', () => {
  const records = recordsOf(
    rejection([pushLine(NOW, 'a'), pushLine(NOW, 'x'.repeat(200_000)), pushLine(NOW, 'b')]),
  );
  expect(records.map((record) => readRejectedRecord(record)!.length)).toEqual([1, 1, 1]);
});

test('as many entries as there is room for, and the others are left', () => {
  const two = [rejection(numbered(20)), rejection(numbered(20, NOW, ' more'))];
  const all = recordsOf(...two).reduce((sum, record) => sum + Buffer.byteLength(record), 0);
  for (let room = 0; room <= all; room += 37) {
    const fitting = new RecordsThatFit(two, NOW, room);
    const records = [...fitting];
    const left = fitting.left.reduce((sum, { entries }) => sum + entries.size, 0);
    expect(Buffer.byteLength(records.join(''))).toBeLessThanOrEqual(room);
    expect(readAll(records).length + left).toBe(40);
    expect(fitting.written).toBe(records.length);
  }
  expect(new RecordsThatFit(two, NOW, all).left).toEqual([]);
});

test('text is readable, other bytes are base64, and no tenant is none', () => {
  const entries = batchOf([pushLine(NOW, 'tüxt'), pushLine(NOW + 1n, Buffer.from([0xff, 0]))]).all();
  const [record] = recordsOf(rejection([], { entries })).map((each) => JSON.parse(each) as object);
  expect(record).toMatchObject({
    lines: [
      { ts: '1700000000000000000', line: 'tüxt' },
      { ts: '1700000000000000001', lineBase64: '/wA=' },
    ],
  });
  expect(record).not.toHaveProperty('tenant');
});

test('a record of an earlier version, with one line, is read', () => {
  const single = {
    time: '2023-11-14T22:13:20.000000000Z',
    status: 400,
    kind: 'too-old',
    reason: 'timestamp too old',
    container: 'web',
    labels: { a: 'b' },
    structuredMetadata: { container_id: 'abc' },
    tenant: 't',
  };
  const text = JSON.stringify({ ...single, ts: '1700000000000000001', line: 'x' });
  expect(readRejectedRecord(text)).toEqual([{ ...single, stamp: NOW + 1n, line: Buffer.from('x') }]);
  const bytes = JSON.stringify({ ...single, ts: '7', lineBase64: '/wA=' });
  expect(readRejectedRecord(bytes)).toMatchObject([{ stamp: 7n, line: Buffer.from([0xff, 0]) }]);
  expect(readRejectedRecord(JSON.stringify({ ...single, ts: '7' }))).toBeUndefined();
});

describe('what is no record', () => {
  const good = recordsOf(rejection([pushLine(NOW)]))[0]!;

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
    ['without lines', good.replace(/"lines":\[.*\]/, '"lines":[]')],
    ['a stamp that is none', good.replace(/"ts":"\d+"/, '"ts":"soon"')],
    ['a stamp as a number', good.replace(/"ts":"(\d+)"/, '"ts":$1')],
    ['a label that is no text', good.replace('"a":"b"', '"a":7')],
    ['base64 that is none', good.replace('"line":"x"', '"lineBase64":"§"')],
    ['without a kind', good.replace('"kind"', '"kin"')],
  ])('%s', (_, text) => {
    expect(text).not.toBe(good);
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
    const [read] = readRejectedRecord(good.replace('{', '{"more":[1],'))!;
    expect(read).toMatchObject({ kind: 'too-old', stamp: NOW });
    expect(read).not.toHaveProperty('more');
    expect(readRejectedRecord(good.replace('too-old', 'new-kind'))?.[0]?.kind).toBe('new-kind');
  });
});

test('a piece of a line keeps what it says of itself', () => {
  const batch = batchOf([pushLine(NOW, 'whole')], target);
  const [seconds, nanos] = [Number(NOW / 1_000_000_000n), Number(NOW % 1_000_000_000n)];
  batch.append(seconds, nanos, Buffer.from('piece'), 0, 5, { lineId: NOW, number: 2, count: 2 });
  const read = readAll(recordsOf(rejection([], { entries: batch.all() })));
  expect(read.map(({ structuredMetadata }) => structuredMetadata)).toEqual([
    { container_id: 'abc' },
    { container_id: 'abc', line_id: String(NOW), line_piece: '2', line_pieces: '2' },
  ]);
});
