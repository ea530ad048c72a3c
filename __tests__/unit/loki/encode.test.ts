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
