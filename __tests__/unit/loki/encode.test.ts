import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeEmptyPush, encodePush, type EncodedPush } from '../../../src/loki/encode.js';
import type { PushedStream } from '../../../src/simulators/loki/entry.js';
import { formatLabels, parseLabels } from '../../../src/simulators/loki/labels.js';
import { decode, unwrap } from '../../../src/simulators/loki/push-body.js';
import {
  anyPushLines,
  batchOf,
  NOW,
  numbered,
  pushLine,
  testTarget,
  type PushLine,
} from '../../support/push-lines.js';

const metadata = { container_id: 'abc', 'odd "name"': 'ü' };
const pairs = Object.entries(metadata).map(([name, value]) => ({ name, value }));
const target = testTarget({
  labels: { a: 'b"c\\\n', empty: '', z: 'ü\u2028' },
  structuredMetadata: metadata,
});

/** As Loki reads it. */
async function read({ body, headers }: EncodedPush): Promise<PushedStream> {
  const plain = await unwrap(body, {
    contentType: headers['content-type'],
    contentEncoding: headers['content-encoding'],
  });
  const streams = decode(plain);
  expect(streams).toHaveLength(1);
  return streams[0]!;
}

function expectLines(
  stream: PushedStream,
  lines: readonly PushLine[],
  shown: (line: Buffer) => Buffer,
): void {
  // JSON labels are an object; what Loki makes of both is the same.
  expect(formatLabels(parseLabels(stream.labels))).toBe(formatLabels(parseLabels(target.labelString)));
  expect(stream.entries.map(({ stamp }) => stamp)).toEqual(lines.map(({ stamp }) => stamp));
  stream.entries.forEach(({ line, metadata: found }, i) => {
    expect(Buffer.from(line, 'latin1').equals(shown(lines[i]!.line))).toBe(true);
    expect(found).toEqual(expect.arrayContaining(pairs));
    expect(found).toHaveLength(pairs.length);
  });
}

describe('any bytes at any stamps are read back', () => {
  test('protobuf: to the byte', async () => {
    await fc.assert(
      fc.asyncProperty(anyPushLines, async (lines) => {
        const push = await encodePush(batchOf(lines, target).all(), 'protobuf');
        expectLines(await read(push), lines, (line) => line);
      }),
    );
  });

  test('JSON: broken UTF-8 becomes U+FFFD, all else is kept', async () => {
    await fc.assert(
      fc.asyncProperty(anyPushLines, async (all) => {
        // JSON has the stamp as one number of 64 bits: up to 2262.
        const lines = all.map(({ stamp, line }) => ({ stamp: BigInt.asIntN(64, stamp), line }));
        const push = await encodePush(batchOf(lines, target).all(), 'json');
        expectLines(await read(push), lines, (line) => Buffer.from(line.toString('utf8')));
      }),
    );
  });

  test('JSON: any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), async (texts) => {
        const lines = texts.map((text, i) => pushLine(NOW + BigInt(i), text));
        const push = await encodePush(batchOf(lines, target).all(), 'json');
        expectLines(await read(push), lines, (line) => line);
      }),
    );
  });
});

test('the same entries give the same bytes: a repetition is folded', async () => {
  for (const encoding of ['protobuf', 'json'] as const) {
    const one = await encodePush(batchOf(numbered(50), target).all(), encoding);
    const other = await encodePush(batchOf(numbered(50), target).all(), encoding);
    expect(other.body.equals(one.body)).toBe(true);
    expect(other.headers).toEqual(one.headers);
  }
});

test('JSON without metadata has pairs of two, and labels that are empty are left out', async () => {
  const plain = testTarget({ labels: { a: 'b', empty: '' } });
  const { body, headers } = await encodePush(batchOf([pushLine(NOW, 'x')], plain).all(), 'json');
  expect(headers).toEqual({ 'content-type': 'application/json', 'content-encoding': 'gzip' });
  expect(JSON.parse(gunzipSync(body).toString())).toEqual({
    streams: [{ stream: { a: 'b' }, values: [[String(NOW), 'x']] }],
  });
});

test('a push without entries has the labels, in both encodings', async () => {
  for (const encoding of ['protobuf', 'json'] as const) {
    expectLines(await read(await encodeEmptyPush(target, encoding)), [], (line) => line);
  }
});

test.each(['protobuf', 'json'] as const)(
  'a piece of a line says which one it is, after what each line says (%s)',
  async (encoding) => {
    const batch = batchOf([pushLine(NOW, 'whole')], target);
    const piece = { lineId: NOW + 1n, number: 1 };
    for (const [i, text] of ['aa', 'aa', 'a'].entries()) {
      const more = { ...piece, number: i + 1, ...(i === 2 ? { count: 3 } : {}) };
      const stamp = NOW + 1n + BigInt(i);
      expect(
        batch.append(
          Number(stamp / 1_000_000_000n),
          Number(stamp % 1_000_000_000n),
          Buffer.from(text),
          0,
          text.length,
          more,
        ),
      ).toBe(true);
    }
    const { entries } = await read(await encodePush(batch.all(), encoding));
    const told = entries.map(({ metadata: found }) =>
      Object.fromEntries(found.map(({ name, value }) => [name, value])),
    );
    const plain = (each: Record<string, string>): Record<string, string> =>
      Object.fromEntries(Object.entries(each).filter(([name]) => name.startsWith('line_')));
    expect(told.map(plain)).toEqual([
      {},
      { line_id: String(NOW + 1n), line_piece: '1' },
      { line_id: String(NOW + 1n), line_piece: '2' },
      { line_id: String(NOW + 1n), line_piece: '3', line_pieces: '3' },
    ]);
    expect(told.every((each) => each['container_id'] === 'abc')).toBe(true);
    // A part of the batch, as after a refusal, has the same.
    const part = await read(await encodePush(batch.slice(2, 4), encoding));
    expect(part.entries).toEqual(entries.slice(2, 4));
  },
);

test('where lines have no structured metadata, pieces have none', async () => {
  const batch = batchOf([], testTarget());
  const [seconds, nanos] = [Number(NOW / 1_000_000_000n), Number(NOW % 1_000_000_000n)];
  batch.append(seconds, nanos, Buffer.from('a'), 0, 1, { lineId: NOW, number: 1 });
  for (const encoding of ['protobuf', 'json'] as const) {
    const { entries } = await read(await encodePush(batch.all(), encoding));
    expect(entries.map(({ metadata: found }) => found)).toEqual([[]]);
  }
});
