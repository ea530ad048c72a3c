import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { NS_PER_SECOND } from '../../../../src/model/nanoseconds.js';
import { startLokiSimulator, type LokiSimulator } from '../../../../src/simulators/loki/index.js';
import { pushToLoki, type TestEntry, type TestStream } from '../../../support/loki-push.js';
import { ManualClock } from '../../../support/manual-clock.js';

// 2023-11-14T22:13:20Z
const NOW = 1_700_000_000n * NS_PER_SECOND;
const HOUR = 3600n * NS_PER_SECOND;
const A = '{service_name="s", stream="a"}';
const B = '{service_name="s", stream="b"}';

const entry = (stamp: bigint, line = 'x'): TestEntry => ({ stamp, line });
const stream = (labels: string, ...entries: TestEntry[]): TestStream => ({ labels, entries });

let clock: ManualClock;
let loki: LokiSimulator;

beforeEach(async () => {
  clock = new ManualClock(NOW);
  loki = await startLokiSimulator({ clock });
});

afterEach(async () => {
  await loki.close();
});

const push = (...streams: TestStream[]): ReturnType<typeof pushToLoki> => pushToLoki(loki.url, streams);
const lines = (selector?: string): string[] => loki.entries(selector).map(({ line }) => line);

async function restart(options: Parameters<typeof startLokiSimulator>[0]): Promise<void> {
  await loki.close();
  loki = await startLokiSimulator({ clock, ...options });
}

describe('a 204 does not prove that everything was stored', () => {
  test('a refused stream before a good one is hidden', async () => {
    expect((await push(stream(A, entry(NOW)))).status).toBe(204);

    const answer = await push(stream(A, entry(NOW - 2n * HOUR, 'lost')), stream(B, entry(NOW, 'good')));

    expect(answer).toMatchObject({ status: 204, body: '' });
    expect(lines()).toEqual(['x', 'good']);
    expect(loki.counts()).toMatchObject({ received: 3, stored: 2, refused: { too_far_behind: 1 } });
  });

  test('behind a good one it is told', async () => {
    await push(stream(A, entry(NOW)));

    const answer = await push(stream(B, entry(NOW, 'good')), stream(A, entry(NOW - 2n * HOUR, 'lost')));

    expect(answer.status).toBe(400);
    expect(lines()).toEqual(['x', 'good']);
  });

  test('it also hides a stream that was not created', async () => {
    await restart({ limits: { maxStreams: 1 } });
    await push(stream(A, entry(NOW, 'one')));

    expect((await push(stream(B, entry(NOW)), stream(A, entry(NOW, 'two')))).status).toBe(204);
    expect(lines()).toEqual(['one', 'two']);
    expect(loki.counts().refused).toEqual({ stream_limit: 1 });
  });
});

describe('too far behind', () => {
  test('names the entries, and stores the good ones', async () => {
    await push(stream(A, entry(NOW)));

    const answer = await push(stream(A, entry(NOW - HOUR - 1n, 'late'), entry(NOW - 1n, 'good')));

    expect(answer.status).toBe(400);
    expect(answer.body).toBe(
      "entry with timestamp 2023-11-14 21:13:19.999999999 +0000 UTC ignored, reason: 'entry too far behind, " +
        "entry timestamp is: 2023-11-14T21:13:19Z, oldest acceptable timestamp is: 2023-11-14T21:13:20Z',\n" +
        `user 'fake', total ignored: 1 out of 2 for stream: ${A}\n`,
    );
    expect(lines()).toEqual(['good', 'x']);
  });

  test('exactly an hour is not too far, and is measured inside of a request too', async () => {
    expect((await push(stream(A, entry(NOW), entry(NOW - HOUR)))).status).toBe(204);
    expect((await push(stream(B, entry(NOW), entry(NOW - HOUR - 1n)))).status).toBe(400);
  });

  test('names at most ten entries', async () => {
    await push(stream(A, entry(NOW)));
    const late = Array.from({ length: 12 }, (_, i) => entry(NOW - 3n * HOUR + BigInt(i)));

    const { body } = await push(stream(A, ...late));

    expect(body.match(/ignored, reason/g)).toHaveLength(10);
    expect(body).toContain('total ignored: 12 out of 12');
  });

  test('a new stream takes what is old, and a stream long idle does again', async () => {
    await push(stream(A, entry(NOW)));
    expect((await push(stream(B, entry(NOW - 24n * HOUR)))).status).toBe(204);
    expect((await push(stream(A, entry(NOW - 24n * HOUR)))).status).toBe(400);

    await clock.pass(31 * 60_000);

    expect((await push(stream(A, entry(NOW - 24n * HOUR)))).status).toBe(204);
  });
});

describe('what the distributor refuses, one entry for itself', () => {
  test.each([
    [
      'too old',
      entry(NOW - 168n * HOUR - 1n),
      `entry for stream '${A}' has timestamp too old: 2023-11-07T22:13:19Z, oldest acceptable timestamp is: 2023-11-07T22:13:20Z\n`,
    ],
    [
      'too new',
      entry(NOW + 600n * NS_PER_SECOND + 1n),
      `entry for stream '${A}' has timestamp too new: 2023-11-14T22:23:20Z\n`,
    ],
    [
      'too long',
      entry(NOW, 'y'.repeat(256 * 1024 + 1)),
      `Max entry size '262144' bytes exceeded for stream '${A}' while adding an entry with length '262145' bytes\n`,
    ],
    [
      'structured metadata too large',
      { ...entry(NOW), metadata: { k: 'v'.repeat(64 * 1024) } },
      `stream '${A}' has structured metadata too large: '65537' bytes, limit: '65536' bytes. Please see \`limits_config.max_structured_metadata_size\` or contact your Loki administrator to increase it.\n`,
    ],
    [
      'too many structured metadata',
      { ...entry(NOW), metadata: Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`k${i}`, 'v'])) },
      `stream '${A}' has too many structured metadata labels: '129', limit: '128'. Please see \`limits_config.max_structured_metadata_entries_count\` or contact your Loki administrator to increase it.\n`,
    ],
  ])('%s: 400, and the others are stored', async (_, bad, message) => {
    expect(await push(stream(A, bad, entry(NOW - 1n, 'good')))).toMatchObject({ status: 400, body: message });
    expect(lines()).toEqual(['good']);
  });

  test('just at the limits nothing is refused', async () => {
    const { status, body } = await push(
      stream(A, entry(NOW + 600n * NS_PER_SECOND), {
        ...entry(NOW, 'y'.repeat(256 * 1024)),
        metadata: { k: 'v'.repeat(64 * 1024 - 1) },
      }),
      stream(B, entry(NOW - 168n * HOUR)),
    );
    expect({ status, body }).toEqual({ status: 204, body: '' });
  });

  test('equal complaints are told once, with their number', async () => {
    const { body } = await push(
      stream(A, entry(NOW - 200n * HOUR), entry(NOW - 200n * HOUR), entry(NOW + 2n * HOUR)),
    );
    expect(body).toBe(
      `2 errors like: entry for stream '${A}' has timestamp too old: 2023-11-06T14:13:20Z, oldest acceptable timestamp is: 2023-11-07T22:13:20Z; ` +
        `1 errors like: entry for stream '${A}' has timestamp too new: 2023-11-15T00:13:20Z\n`,
    );
  });

  test('what the ingester says comes before what the distributor says', async () => {
    await push(stream(A, entry(NOW)));
    const { body } = await push(stream(A, entry(NOW - 200n * HOUR), entry(NOW - 2n * HOUR)));
    expect(body).toContain('entry too far behind');
    expect(body).toContain('total ignored: 1 out of 1');
  });

  test('structured metadata can be forbidden', async () => {
    await restart({ limits: { allowStructuredMetadata: false } });
    const answer = await push(stream(A, { ...entry(NOW), metadata: { a: 'b' } }, entry(NOW, 'plain')));
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('includes structured metadata, but this feature is disallowed');
    expect(loki.entries()).toMatchObject([{ line: 'plain', metadata: {} }]);
  });

  test('lines that are too long are cut where that is set', async () => {
    await restart({ limits: { maxLineBytes: 5, truncateLines: true } });
    expect((await push(stream(A, entry(NOW, '1234567')))).status).toBe(204);
    expect(lines()).toEqual(['12345']);
  });

  test('an entry without a stamp is of the year 1', async () => {
    const zero = -62_135_596_800n * NS_PER_SECOND;
    expect((await push(stream(A, entry(zero)))).body).toContain('too old: 0001-01-01T00:00:00Z');
  });
});

describe('labels', () => {
  const many = (count: number): string =>
    `{${Array.from({ length: count }, (_, i) => `l${i + 10}="v"`).join(', ')}}`;

  test('fifteen are taken, sixteen are not; service_name does not count', async () => {
    expect((await push(stream(many(15), entry(NOW)))).status).toBe(204);
    const { status, body } = await push(stream(many(16), entry(NOW)), stream(A, entry(NOW, 'good')));
    expect(status).toBe(400);
    expect(body).toMatch(/^entry for stream '\{l10="v".*' has 16 label names; limit 15\n$/);
    expect(lines(A)).toEqual(['good']);
  });

  test('long names and values, names that come twice', async () => {
    const name = 'n'.repeat(1025);
    const value = 'v'.repeat(2049);
    expect((await push(stream(`{${name}="v"}`, entry(NOW)))).body).toContain(
      `has label name too long: '${name}'`,
    );
    expect((await push(stream(`{n="${value}"}`, entry(NOW)))).body).toContain(
      `has label value too long: '${value}'`,
    );
    expect((await push(stream('{n="1", n="2"}', entry(NOW)))).body).toContain(
      "has duplicate label name: 'n'",
    );
    expect(lines()).toEqual([]);
  });

  test('labels that cannot be read refuse the whole request', async () => {
    const { status, body } = await push(stream(A, entry(NOW)), stream('{a=b}', entry(NOW)));
    expect(status).toBe(400);
    expect(body).toMatch(/^couldn't parse labels: 1:4: parse error: /);
    expect(lines()).toEqual([]);
    expect(loki.counts().refused).toEqual({ invalid_labels: 2 });
  });

  test('service_name is found in the labels, or unknown', async () => {
    await push(
      stream('{container="web", job="j"}', entry(NOW)),
      stream('{x="y"}', entry(NOW)),
      stream('{service_name="own", container="web"}', entry(NOW)),
    );
    expect(loki.streams().map(({ labels }) => labels)).toEqual([
      { container: 'web', job: 'j', service_name: 'web' },
      { x: 'y', service_name: 'unknown_service' },
      { container: 'web', service_name: 'own' },
    ]);
  });

  test('two spellings are one stream: order, escapes, empty values', async () => {
    await push(
      stream('{b="\\u0078", a="y"}', entry(NOW, '1')),
      stream('{a=`y`,b=\'x\',c="",}', entry(NOW, '2')),
    );
    expect(loki.streams()).toMatchObject([{ labels: { a: 'y', b: 'x' }, entries: 2 }]);
  });

  test('without any label and without discovery: 400', async () => {
    await restart({ limits: { discoverServiceName: [] } });
    expect(await push(stream('{}', entry(NOW)))).toMatchObject({
      status: 400,
      body: 'error at least one label pair is required per stream\n',
    });
  });
});

describe('whole requests', () => {
  test('no stream: 422; a stream without entries: 204', async () => {
    expect(await push()).toMatchObject({
      status: 422,
      body: 'error at least one valid stream is required for ingestion\n',
    });
    expect((await push(stream(A))).status).toBe(204);
  });

  test('over 4 MiB on the way to the ingester: 500, for ever, nothing stored', async () => {
    const big = stream(
      A,
      ...Array.from({ length: 20 }, (_, i) => entry(NOW + BigInt(i), 'z'.repeat(250_000))),
    );
    for (let i = 0; i < 2; i++) {
      await clock.pass(10_000);
      const { status, body } = await push(big);
      expect(status).toBe(500);
      expect(body).toMatch(
        /^rpc error: code = ResourceExhausted desc = grpc: received message larger than max \(500\d{4} vs\. 4194304\)\n$/,
      );
    }
    expect(loki.counts()).toMatchObject({ stored: 0, refused: { grpc_message_too_large: 40 } });
  });

  test('3.9 MB pass', async () => {
    const big = stream(
      A,
      ...Array.from({ length: 39 }, (_, i) => entry(NOW + BigInt(i), 'z'.repeat(100_000))),
    );
    expect((await push(big)).status).toBe(204);
  });

  test('what Loki adds counts: short lines grow over the limit', async () => {
    // 2.9 MB as sent; `detected_level` makes them twice as large.
    const small = Array.from({ length: 130_000 }, (_, i) => entry(NOW + BigInt(i), 'tiny'));
    expect((await push({ labels: A, entries: small })).status).toBe(500);
    await restart({ limits: { discoverLogLevels: false } });
    expect((await push({ labels: A, entries: small })).status).toBe(204);
  });

  test('blocked ingestion: 260, until it ends', async () => {
    const until = Number(NOW / 1_000_000n) + 60_000;
    await restart({ limits: { blockIngestionUntilMs: until } });
    expect(await push(stream(A, entry(NOW)))).toMatchObject({
      status: 260,
      body: "ingestion blocked for user fake until '2023-11-14T22:14:20Z' with status code '260'\n",
    });
    expect(loki.counts().refused).toEqual({ blocked_ingestion: 1 });
    await clock.pass(60_000);
    expect((await push(stream(A, entry(NOW)))).status).toBe(204);
  });

  test('blocked with 200: a 204, and all is gone', async () => {
    await restart({ limits: { blockIngestionUntilMs: 4e12, blockIngestionStatus: 200 } });
    expect((await push(stream(A, entry(NOW)))).status).toBe(204);
    expect(lines()).toEqual([]);
  });

  test('too many streams: 429', async () => {
    await restart({ limits: { maxStreams: 1 } });
    await push(stream(A, entry(NOW)));
    expect(await push(stream(B, entry(NOW)))).toMatchObject({
      status: 429,
      body: `Maximum active stream limit exceeded when trying to create stream ${B}, reduce the number of active streams (reduce labels or reduce label values), or contact your Loki administrator to see if the limit can be increased, user: 'fake'\n`,
    });
    expect(loki.activeStreams()).toBe(1);
  });
});

describe('3.7', () => {
  beforeEach(() => restart({ version: '3.7', limits: { ingestionBurstBytes: 300_000, maxStreams: 1 } }));

  test('speaks in lower case', async () => {
    expect((await push(stream(A, entry(NOW, 'y'.repeat(262_145))))).body).toMatch(/^max entry size '262144'/);
    const half = entry(NOW, 'y'.repeat(200_000));
    expect((await push(stream(A, half, half))).body).toMatch(/^ingestion rate limit exceeded for user fake/);
    await push(stream(A, entry(NOW)));
    expect((await push(stream(B, entry(NOW)))).body).toMatch(/^maximum active stream limit exceeded/);
    expect((await push(stream(A, { ...entry(NOW), metadata: { a: 'b'.repeat(70_000) } }))).body).toMatch(
      /administrator to increase it\n$/,
    );
  });

  test('a body over the limit: 413', async () => {
    await restart({ version: '3.7', limits: { maxRequestBytes: 10 } });
    const { status, body } = await push(stream(A, entry(NOW, 'more than ten')));
    expect(status).toBe(413);
    expect(body).toMatch(/^request body too large: /);
  });
});
