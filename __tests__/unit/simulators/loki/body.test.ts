import { gzipSync, deflateRawSync, deflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compressSync } from 'snappy';
import { NS_PER_SECOND } from '../../../../src/model/nanoseconds.js';
import { startLokiSimulator, type LokiSimulator } from '../../../../src/simulators/loki/index.js';
import { encodePushRequest, postToLoki, pushToLoki, type TestStream } from '../../../support/loki-push.js';
import { ManualClock } from '../../../support/manual-clock.js';

const NOW = 1_700_000_000n * NS_PER_SECOND;
const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
const ONE: TestStream[] = [
  { labels: '{a="b"}', entries: [{ stamp: NOW + 1n, line: 'grüß', metadata: { id: '1' } }] },
];

let loki: LokiSimulator;

beforeEach(async () => {
  loki = await startLokiSimulator({ clock: new ManualClock(NOW) });
});

afterEach(async () => {
  await loki.close();
});

const post = (body: Uint8Array, headers: Record<string, string>): ReturnType<typeof postToLoki> =>
  postToLoki(loki.url, body, headers);
const postJson = (value: unknown, headers = {}): ReturnType<typeof postToLoki> =>
  post(Buffer.from(JSON.stringify(value)), { ...JSON_TYPE, ...headers });

const STORED = [
  {
    tenant: 'fake',
    labels: { a: 'b', service_name: 'unknown_service' },
    stamp: NOW + 1n,
    line: 'grüß',
    metadata: { id: '1', detected_level: 'unknown' },
  },
];

describe('protobuf', () => {
  const body = encodePushRequest(ONE);

  test.each([
    ['no encoding', compressSync(body), PROTOBUF],
    ['said to be snappy', compressSync(body), { ...PROTOBUF, 'content-encoding': 'snappy' }],
    ['in gzip as well', gzipSync(compressSync(body)), { ...PROTOBUF, 'content-encoding': 'gzip' }],
    ['any other type', compressSync(body), { 'content-type': 'text/plain' }],
  ])('%s: taken', async (_, bytes, headers) => {
    expect((await post(bytes, headers)).status).toBe(204);
    expect(loki.entries()).toEqual(STORED);
  });

  test.each([
    ['not compressed', body, PROTOBUF, 'snappy: corrupt input\n'],
    ['only gzip', gzipSync(body), { ...PROTOBUF, 'content-encoding': 'gzip' }, 'snappy: corrupt input\n'],
    ['cut short', compressSync(body.subarray(0, -1)), PROTOBUF, 'unexpected EOF\n'],
    ['empty', Buffer.alloc(0), PROTOBUF, 'snappy: corrupt input\n'],
    [
      'another encoding',
      compressSync(body),
      { ...PROTOBUF, 'content-encoding': 'zstd' },
      'Content-Encoding "zstd" not supported\n',
    ],
    ['no content type', compressSync(body), { 'content-type': '' }, 'mime: no media type\n'],
    [
      'a wrong wire type',
      compressSync(Buffer.from([0x08, 1])),
      PROTOBUF,
      'proto: wrong wireType = 0 for field 1\n',
    ],
  ])('%s: 400', async (_, bytes, headers, message) => {
    expect(await post(bytes, headers)).toMatchObject({ status: 400, body: message });
    expect(loki.counts()).toMatchObject({ received: 0, pushStatuses: { 400: 1 } });
  });

  test('an empty message is a request without streams', async () => {
    expect((await post(compressSync(Buffer.alloc(0)), PROTOBUF)).status).toBe(422);
  });

  test('any bytes are answered, with 204, 400 or 422', async () => {
    const mutated = fc.tuple(fc.nat(body.length - 1), fc.nat(255)).map(([at, byte]) => {
      const copy = Buffer.from(body);
      copy[at] = byte;
      return copy;
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, fc.uint8Array({ maxLength: 60 })), async (bytes) => {
        const { status } = await post(compressSync(Buffer.from(bytes)), PROTOBUF);
        expect([204, 400, 422]).toContain(status);
      }),
      { numRuns: 300 },
    );
  });
});

describe('JSON', () => {
  const request = {
    streams: [{ stream: { a: 'b' }, values: [[String(NOW + 1n), 'grüß', { id: '1' }]] }],
  };
  const bytes = Buffer.from(JSON.stringify(request));

  test.each([
    ['plain', bytes, {}],
    ['gzip', gzipSync(bytes), { 'content-encoding': 'gzip' }],
    ['raw deflate', deflateRawSync(bytes), { 'content-encoding': 'deflate' }],
  ])('%s: taken', async (_, body, headers) => {
    expect((await post(body, { ...JSON_TYPE, ...headers })).status).toBe(204);
    expect(loki.entries()).toEqual(STORED);
  });

  test('deflate with a zlib header, gzip that is none: 400', async () => {
    const deflated = await post(deflateSync(bytes), { ...JSON_TYPE, 'content-encoding': 'deflate' });
    expect(deflated).toMatchObject({ status: 400 });
    const plain = await post(bytes, { ...JSON_TYPE, 'content-encoding': 'gzip' });
    expect(plain).toMatchObject({ status: 400, body: 'gzip: invalid header\n' });
  });

  test.each([
    ['a stamp that is a number', { streams: [{ stream: { a: 'b' }, values: [[1, 'x']] }] }],
    ['a line that is none', { streams: [{ stream: { a: 'b' }, values: [['1', null]] }] }],
    ['a stamp that is no number', { streams: [{ stream: { a: 'b' }, values: [['1.5', 'x']] }] }],
    ['metadata that are no texts', { streams: [{ stream: { a: 'b' }, values: [['1', 'x', { a: 1 }]] }] }],
    ['no labels', { streams: [{ values: [['1', 'x']] }] }],
    ['a list', []],
  ])('%s: 400', async (_, value) => {
    expect((await postJson(value)).status).toBe(400);
    expect(loki.counts().stored).toBe(0);
  });

  test('no streams: 422', async () => {
    expect((await postJson({})).status).toBe(422);
  });
});

describe('what Loki adds and changes', () => {
  test.each([
    ['{"level":"WARN","message":"error"}', 'warn'],
    ['{"log":{"level":"debug"}}', 'debug'],
    ['{"a":{"b":{"level":"debug"}}}', 'unknown'],
    ['level=err msg="all is info"', 'error'],
    ['msg=x lvl="dbg"', 'debug'],
    ['an ERROR happened', 'error'],
    ['an error, see info', 'info'],
    ['CRITICAL: disk', 'critical'],
    ['nothing', 'unknown'],
  ])('the level of %s is %s', async (line, level) => {
    await pushToLoki(loki.url, [{ labels: '{a="b"}', entries: [{ stamp: NOW, line }] }]);
    expect(loki.entries()).toMatchObject([{ metadata: { detected_level: level } }]);
  });

  test('a level in labels or metadata comes first', async () => {
    await pushToLoki(loki.url, [
      { labels: '{level="mine"}', entries: [{ stamp: NOW, line: 'error' }] },
      { labels: '{a="b"}', entries: [{ stamp: NOW, line: 'error', metadata: { severity: 'x' } }] },
    ]);
    const levels = loki.entries().map(({ metadata }) => metadata['detected_level']);
    expect(levels).toEqual(['mine', 'x']);
  });

  test('names of structured metadata are made valid', async () => {
    const metadata = { 'a.b-c': '1', '9x': '2', _y: '3', ok: '4' };
    await pushToLoki(loki.url, [{ labels: '{a="b"}', entries: [{ stamp: NOW, line: '', metadata }] }]);
    const stored = { a_b_c: '1', key_9x: '2', key_y: '3', ok: '4', detected_level: 'unknown' };
    expect(loki.entries()).toMatchObject([{ metadata: stored }]);
  });
});
