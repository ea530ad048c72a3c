import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AgeLimits } from '../../../src/loki/age-limits.js';
import { BufferPool } from '../../../src/loki/buffer-pool.js';
import { LokiRequestError, PushAborted, PushFailed } from '../../../src/loki/loki-error.js';
import { ALL_KEPT } from '../../../src/loki/rejected.js';
import { createPusher, type Pusher, type PusherOptions, type PushResult } from '../../../src/loki/pusher.js';
import { TooNewWaits } from '../../../src/loki/too-new-waits.js';
import type { UnstoredLines } from '../../../src/loki/unstored-lines.js';
import { PollardError } from '../../../src/model/errors.js';
import { seededRandom } from '../../../src/simulators/engine/seeded-random.js';
import { Messages } from '../../../src/simulators/loki/messages.js';
import { LeapingClock } from '../../support/leaping-clock.js';
import {
  batchOf,
  HOUR,
  linesAsText,
  NOW,
  numbered,
  pushLine,
  SECOND,
  testTarget,
  type PushLine,
} from '../../support/push-lines.js';
import { MemorySink, RecordingPushObserver } from '../../support/push-recorders.js';
import { ScriptedTransport, silence, type Asked, type Reaction } from '../../support/scripted-transport.js';
import { runs } from '../../support/effort.js';

const SETTINGS: PusherOptions['settings'] = {
  encoding: 'protobuf',
  maxInFlight: 2,
  backoff: { minMs: 500, maxMs: 30_000, maxRetries: 0 },
  query: 'auto',
  settleMs: 3000,
  limits: { maxLineBytes: 256 * 1024, maxAgeMs: 7 * 24 * 3_600_000, maxRequestBytes: 3 * 1024 * 1024 },
};
const WIDE = { maxBytes: 1 << 30, maxSpan: 1n << 80n };
const A = '{service_name="s", stream="a"}';
const say = new Messages('3.5');
const never = new AbortController().signal;

let clock: LeapingClock;
let loki: ScriptedTransport;
let sink: MemorySink;
let told: RecordingPushObserver;
let pool: BufferPool;
let pusher: Pusher;

const accept = (): Reaction => 204;

function start(react: (asked: Asked) => Reaction, more: Partial<PusherOptions['settings']> = {}): void {
  clock = new LeapingClock(NOW);
  loki = new ScriptedTransport(react);
  sink = new MemorySink();
  told = new RecordingPushObserver();
  pool = new BufferPool(1 << 30);
  pusher = newPusher(more);
}

function newPusher(
  settings: Partial<PusherOptions['settings']>,
  more: Pick<PusherOptions, 'tooNew'> = {},
): Pusher {
  return createPusher({
    transport: loki,
    settings: { ...SETTINGS, ...settings },
    clock,
    random: seededRandom(1),
    rejected: sink,
    events: told,
    ...more,
  });
}

beforeEach(() => start(accept));

async function push(
  lines: readonly PushLine[],
  target = testTarget(),
  signal = never,
): Promise<Pick<PushResult, 'accepted' | 'rejected'>> {
  const { accepted, rejected, rejectedBytes } = await pusher.push(batchOf(lines, target, WIDE, pool), signal);
  expect(rejectedBytes > 0).toBe(rejected > 0);
  return { accepted, rejected };
}

const sent = (): string[][] => loki.asked.map(({ lines }) => linesAsText(lines));
const kinds = (): string[] => told.states.map(({ kind }) => kind);
/** Nothing lies anywhere but in the pool. */
const memoryIsBack = (): boolean => {
  const before = pool.keptBytes;
  const batch = batchOf([pushLine(NOW)], testTarget(), WIDE, pool);
  const taken = before - pool.keptBytes;
  batch.release();
  return taken > 0;
};

async function failure(promise: Promise<unknown>): Promise<PollardError> {
  const error: unknown = await promise.then(
    () => new Error('did not fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PollardError);
  return error as PollardError;
}

describe('accepted', () => {
  test('one request; the memory is given back, and all is well', async () => {
    expect(await push(numbered(3), testTarget({ tenant: 't' }))).toEqual({ accepted: 3, rejected: 0 });
    expect(sent()).toEqual([['line 0', 'line 1', 'line 2']]);
    expect(loki.asked[0]?.tenant).toBe('t');
    expect(memoryIsBack()).toBe(true);
    expect(pusher.state()).toMatchObject({ kind: 'ok', reason: '' });
    expect(told).toMatchObject({ retries: [], rejected: [], states: [] });
    const bytes = loki.asked[0]?.body.length;
    expect(told.attempts).toEqual([{ status: 204, seconds: 0, entries: 3, bytes, repeated: false }]);
    expect(sink.writes).toBe(0);
  });

  test('an empty batch asks nothing', async () => {
    expect(await push([])).toEqual({ accepted: 0, rejected: 0 });
    expect(loki.asked).toEqual([]);
  });

  test('so many at once, all of them in the end', async () => {
    const results = await Promise.all(Array.from({ length: 9 }, (_, i) => push(numbered(i + 1))));
    expect(results.map(({ accepted }) => accepted)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(loki.mostAtOnce).toBe(2);
  });
});

describe('what may heal', () => {
  test('is sent again, the same bytes, with growing waits, until it is taken', async () => {
    start(({ number }) =>
      number < 3 ? 503 : number === 3 ? new LokiRequestError('loki_timeout', 'late') : 204,
    );
    expect(await push(numbered(3))).toEqual({ accepted: 3, rejected: 0 });
    expect(loki.asked).toHaveLength(5);
    expect(loki.asked.every(({ body }) => body.equals(loki.asked[0]!.body))).toBe(true);
    expect(told.attempts.map(({ status, repeated }) => [status, repeated])).toEqual([
      [503, false],
      [503, true],
      [503, true],
      ['timeout', true],
      [204, true],
    ]);
    const random = seededRandom(1);
    expect(clock.slept).toEqual([500, 1000, 2000, 4000].map((bound) => bound * random()));
    expect(told.retries.map(({ delayMs }) => delayMs)).toEqual(clock.slept);
  });

  test('is tried for ever, the waits stay bounded', async () => {
    start(({ number }) => (number < 500 ? new LokiRequestError('loki_unreachable', 'gone') : 204));
    expect(await push(numbered(1))).toEqual({ accepted: 1, rejected: 0 });
    expect(clock.slept).toHaveLength(500);
    expect(Math.max(...clock.slept)).toBeLessThanOrEqual(30_000);
    expect(told.attempts[0]?.status).toBe('connection');
  });

  test('is told once when it begins, and once when it ends', async () => {
    start(({ number }) => (number < 4 ? 503 : 204));
    await push(numbered(1));
    expect(kinds()).toEqual(['retrying', 'ok']);
    expect(told.states[0]).toMatchObject({ reason: '503', since: NOW });
    expect(told.states[0]?.hint).toMatch(/\w/);
  });

  test('after what the server asks for', async () => {
    start(({ number }) => (number === 0 ? { status: 429, retryAfter: '7' } : 204));
    await push(numbered(1));
    expect(clock.slept[0]).toBeGreaterThanOrEqual(7000);
    expect(clock.slept[0]).toBeLessThanOrEqual(7500);
  });
});

describe('what somebody must change', () => {
  test.each([401, 403, 404, 301, 415])('%i: tried slowly, told, and nothing is lost', async (status) => {
    start(({ number }) => (number < 3 ? status : 204));
    expect(await push(numbered(2))).toEqual({ accepted: 2, rejected: 0 });
    expect(clock.slept).toEqual([30_000, 30_000, 30_000]);
    expect(kinds()).toEqual(['halted', 'ok']);
    expect(told.states[0]?.setting).toMatch(/^loki\./);
    expect(sink.writes).toBe(0);
  });

  test('not before the server wants it', async () => {
    start(({ number }) => (number === 0 ? { status: 401, retryAfter: '90' } : 204));
    await push(numbered(1));
    expect(clock.slept).toEqual([90_000]);
  });

  test('a certificate, another protocol, a proxy', async () => {
    const codes = ['loki_tls', 'loki_not_http', 'loki_proxy'] as const;
    start(({ number }) => (number < 3 ? new LokiRequestError(codes[number]!, codes[number]!) : 204));
    await push(numbered(1));
    expect(told.states.map(({ kind, reason }) => [kind, reason])).toEqual([
      ['halted', 'loki_tls'],
      ['halted', 'loki_not_http'],
      ['halted', 'loki_proxy'],
      ['ok', ''],
    ]);
  });
});

describe('what Loki refuses', () => {
  const long = ({ lines }: Asked): Reaction =>
    lines.some(({ line }) => line.includes('long')) ? { status: 400, body: say.lineTooLong(1, A, 2) } : 204;

  test('is found by dividing: it alone is set aside, all others are stored', async () => {
    start(long);
    const lines = numbered(100).map((line, i) =>
      i === 37 || i === 80 ? pushLine(line.stamp, `long ${i}`) : line,
    );
    expect(await push(lines)).toEqual({ accepted: 98, rejected: 2 });
    expect(sink.texts).toEqual(['long 37', 'long 80']);
    expect(sink.lines[0]).toMatchObject({ kind: 'line-too-long', status: 400, stamp: NOW + 37n });
    expect(sink.lines[0]?.reason).toContain('Max entry size');
    // Two halves for each level of two paths, at most.
    expect(loki.asked.length).toBeLessThanOrEqual(1 + 2 * 2 * 7);
    expect(kinds()).toEqual([]);
    expect(clock.slept).toEqual([]);
    expect(memoryIsBack()).toBe(true);
  });

  test('is told once for each reason, when it is durable', async () => {
    start(long);
    await push([pushLine(NOW, 'long 1'), pushLine(NOW, 'good'), pushLine(NOW, 'long 2')]);
    expect(told.rejected).toHaveLength(1);
    expect(told.rejected[0]).toMatchObject({ kind: 'line-too-long', entries: 2 });
    expect(told.rejected[0]?.target.containerName).toBe('web');
  });

  test('all of them', async () => {
    start(long);
    const lines = numbered(5).map(({ stamp }, i) => pushLine(stamp, `long ${i}`));
    expect(await push(lines)).toEqual({ accepted: 0, rejected: 5 });
    expect(sink.texts.sort()).toEqual(linesAsText(lines).sort());
  });

  test('for the stream: nothing of it is sent once more', async () => {
    start(() => ({ status: 400, body: say.tooManyLabels(A, 16, 15) }));
    expect(await push(numbered(50))).toEqual({ accepted: 0, rejected: 50 });
    expect(loki.asked).toHaveLength(1);
    expect(sink.lines.every(({ kind }) => kind === 'stream')).toBe(true);
  });

  test('what heals in between does not confuse it', async () => {
    start((asked) => (asked.number % 3 === 1 ? 503 : long(asked)));
    const lines = numbered(20).map((line, i) => (i === 11 ? pushLine(line.stamp, 'long') : line));
    expect(await push(lines)).toEqual({ accepted: 19, rejected: 1 });
    expect(sink.texts).toEqual(['long']);
    expect(kinds()).toContain('retrying');
    expect(pusher.state().kind).toBe('ok');
  });
});

describe('the window for stamps', () => {
  /** Refuses what is older than a stamp, as the ingester does. */
  const behind =
    (cutoff: bigint, said = cutoff) =>
    ({ lines }: Asked): Reaction => {
      const refused = lines.filter(({ stamp }) => stamp < cutoff);
      if (refused.length === 0) return 204;
      const reason = say.tooFarBehind(refused[0]!.stamp, said);
      return {
        status: 400,
        body: `entry with timestamp x ignored, reason: '${reason}',\nuser 'fake', total ignored: ${refused.length} out of ${lines.length} for stream: ${A}\n`,
      };
    };
  /** A line a second. */
  const seconds = (count: number): PushLine[] =>
    Array.from({ length: count }, (_, i) => pushLine(NOW + BigInt(i) * SECOND, `line ${i}`));

  test('too far behind: Loki says where it begins, and four requests are enough', async () => {
    start(behind(NOW + 600n * SECOND));
    expect(await push(seconds(1000))).toEqual({ accepted: 400, rejected: 600 });
    expect(new Set(sink.texts)).toEqual(new Set(linesAsText(seconds(600))));
    expect(loki.asked.map(({ lines }) => lines.length)).toEqual([1000, 400, 1]);
  });

  test('the beginning is inside of a second', async () => {
    start(behind(NOW + 600n * SECOND + 5n, NOW + 600n * SECOND));
    expect(await push(seconds(1000))).toEqual({ accepted: 399, rejected: 601 });
    expect(sink.lines).toHaveLength(601);
    expect(loki.asked.length).toBeLessThan(30);
  });

  test('Loki does not say where, or says it wrongly', async () => {
    for (const said of [NOW - HOUR, NOW + 990n * SECOND, NOW + HOUR]) {
      start(behind(NOW + 600n * SECOND, said));
      expect(await push(seconds(1000))).toEqual({ accepted: 400, rejected: 600 });
      expect(new Set(sink.texts)).toEqual(new Set(linesAsText(seconds(600))));
      expect(loki.asked.length).toBeLessThan(40);
    }
  });

  test('in whatever order the lines are', async () => {
    start(behind(NOW + 600n * SECOND, NOW - HOUR));
    const lines = seconds(1000).map((_, i) => seconds(1000)[(i * 617) % 1000]!);
    expect(await push(lines)).toEqual({ accepted: 400, rejected: 600 });
    expect(new Set(sink.texts)).toEqual(new Set(linesAsText(seconds(600))));
    expect(loki.asked.length).toBeLessThan(40);
  });

  test('too new: the oldest refused one settles all that are newer', async () => {
    start(({ lines }) => {
      const refused = lines.find(({ stamp }) => stamp > NOW + 600n * SECOND);
      return refused === undefined ? 204 : { status: 400, body: say.tooNew(A, refused.stamp) };
    });
    const lines = seconds(1000).reverse();
    expect(await push(lines)).toEqual({ accepted: 601, rejected: 399 });
    expect(sink.lines.every(({ kind, stamp }) => kind === 'too-new' && stamp > NOW + 600n * SECOND)).toBe(
      true,
    );
    expect(loki.asked.length).toBeLessThan(40);
  });

  test('too new for now: the others are sent, nothing is set aside, and the next try costs one line', async () => {
    const refusesFrom = NOW + 600n * SECOND;
    const date = new Date(Number(NOW / 1_000_000n) - 20 * 60_000).toUTCString();
    let refuses = true;
    start(({ lines }) => {
      const refused = refuses ? lines.find(({ stamp }) => stamp > refusesFrom) : undefined;
      return refused === undefined ? 204 : { status: 400, body: say.tooNew(A, refused.stamp), date };
    });
    const waits = new TooNewWaits({ clock, patienceMs: 15 * 60_000 });
    pusher = newPusher({}, { tooNew: waits });
    clock.pass(1000 * 1000);
    const error = await failure(push(seconds(1000)));
    expect(error).toMatchObject({ code: 'lines_too_new', retryMs: 30_000, isAllThatFollows: false });
    expect(error.message).toMatch(/Loki's clock is 3[67] minutes behind the clock here/);
    expect(sink.writes).toBe(0);
    expect(pusher.state().kind).toBe('ok');
    expect(memoryIsBack()).toBe(true);

    loki.asked.splice(0);
    const late = seconds(1000).slice(601);
    expect(await failure(push(late))).toMatchObject({ isAllThatFollows: true });
    expect(sent()).toEqual([[late[0]!.line.toString()]]);
    refuses = false;
    expect(await push(late)).toEqual({ accepted: 399, rejected: 0 });
    expect(waits.refusedFrom(testTarget())).toBeUndefined();
  });

  test('equal stamps are refused together', async () => {
    start(behind(NOW + 1n, NOW - HOUR));
    const lines = Array.from({ length: 64 }, (_, i) => pushLine(NOW + BigInt(i % 2), `line ${i}`));
    expect(await push(lines)).toEqual({ accepted: 32, rejected: 32 });
    expect(sink.lines.every(({ stamp }) => stamp === NOW)).toBe(true);
  });
});

describe('a reason that Pollard does not know', () => {
  const odd = ({ lines }: Asked): Reaction =>
    lines.some(({ line }) => line.includes('odd')) ? { status: 400, body: 'the moon is full' } : 204;

  test('of the lines: a push without lines is taken, and then it is divided', async () => {
    start(odd);
    expect(await push([pushLine(NOW, 'a'), pushLine(NOW, 'odd'), pushLine(NOW, 'b')])).toEqual({
      accepted: 2,
      rejected: 1,
    });
    expect(sent()[1]).toEqual([]);
    expect(sent().filter((lines) => lines.length === 0)).toHaveLength(1);
    expect(sink.lines).toMatchObject([{ kind: 'other', reason: '400 the moon is full' }]);
  });

  test('of the endpoint: nothing is set aside, the lines wait until it heals', async () => {
    start(({ number }) => (number < 8 ? { status: 400, body: 'no' } : 204));
    expect(await push(numbered(3))).toEqual({ accepted: 3, rejected: 0 });
    expect(sink.writes).toBe(0);
    expect(kinds()).toEqual(['halted', 'ok']);
    expect(told.states[0]?.hint).toContain('even a request without any line is refused');
    expect(clock.slept).toEqual([30_000, 30_000, 30_000, 30_000]);
  });

  test('while the endpoint is away: it is asked again', async () => {
    start(({ number, lines }) => {
      if (number === 1) return 503;
      return lines.length > 0 && number < 3 ? { status: 422, body: 'odd' } : 204;
    });
    expect(await push(numbered(3))).toEqual({ accepted: 3, rejected: 0 });
    expect(kinds()).toEqual(['retrying', 'ok']);
  });

  test.each([
    ['a page', { status: 400, body: '<html>no</html>' }],
    ['a page that is a success', { status: 200, body: '<html>welcome</html>' }],
  ])('%s: nothing is set aside', async (_, answer) => {
    start(({ number }) => (number < 5 ? answer : 204));
    expect(await push(numbered(3))).toEqual({ accepted: 3, rejected: 0 });
    expect([sink.writes, kinds()]).toEqual([0, ['halted', 'ok']]);
  });
});

describe('too large', () => {
  const KB = 1024;
  const under =
    (bytes: number, status = 413) =>
    (asked: Asked): Reaction =>
      asked.bytes > bytes
        ? { status, body: status === 500 ? 'received message larger than max (2 vs. 1)' : '' }
        : 204;
  const large = (count: number, bytes: number): PushLine[] => numbered(count, NOW, 'x'.repeat(bytes));

  test.each([413, 500])('%i: divided without a wait, and learned for what comes', async (status) => {
    start(under(400 * KB, status));
    expect(await push(large(100, 10 * KB))).toEqual({ accepted: 100, rejected: 0 });
    const tries = loki.asked.length;
    expect(tries).toBeLessThanOrEqual(7);
    expect(clock.slept).toEqual([]);
    expect(await push(large(100, 10 * KB))).toEqual({ accepted: 100, rejected: 0 });
    expect(loki.asked.slice(tries).every(({ bytes }) => bytes <= 400 * KB)).toBe(true);
    expect(kinds()).toEqual([]);
  });

  test('one line alone: it is set aside', async () => {
    start(under(100 * KB));
    expect(await push([...large(2, 10), pushLine(NOW, 'y'.repeat(150 * KB))])).toEqual({
      accepted: 2,
      rejected: 1,
    });
    expect(sink.lines).toMatchObject([{ kind: 'too-large', status: 413 }]);
  });

  test('a short line alone: whoever says so is broken, and nothing is set aside', async () => {
    start((asked) => (asked.number < 9 ? 413 : 204));
    expect(await push(numbered(2))).toEqual({ accepted: 2, rejected: 0 });
    expect(sink.writes).toBe(0);
    expect(kinds()[0]).toBe('halted');
    expect(told.states[0]?.hint).toContain('one short line');
  });

  test.each([
    ['429 that stays: over the burst', 429],
    ['500 that stays', 500],
    ['a request that always takes too long', 0],
  ])('%s: halved after four tries', async (_, status) => {
    start(({ bytes }) => {
      if (bytes <= 300 * KB) return 204;
      return status === 0 ? new LokiRequestError('loki_timeout', 'late') : status;
    });
    expect(await push(large(100, 10 * KB))).toEqual({ accepted: 100, rejected: 0 });
    const sizes = loki.asked.map(({ lines }) => lines.length);
    expect(sizes.slice(0, 5)).toEqual([100, 100, 100, 100, 50]);
    expect(Math.min(...sizes)).toBeGreaterThan(20);
  });

  test('what is small is not halved: it is not the size', async () => {
    start(({ number }) => (number < 40 ? 429 : 204));
    await push(numbered(100));
    expect(loki.asked.every(({ lines }) => lines.length === 100)).toBe(true);
  });

  test('an outage does not divide a batch without end', async () => {
    start(({ number }) => (number < 400 ? 500 : 204));
    expect(await push(large(1000, KB))).toEqual({ accepted: 1000, rejected: 0 });
    expect(loki.asked.length).toBeLessThan(420);
  });
});

describe('what Loki may refuse, as far as is known', () => {
  test('goes apart from the rest and after it', async () => {
    const { maxLineBytes } = SETTINGS.limits;
    const old = NOW - 169n * HOUR;
    await push([
      pushLine(old, 'old'),
      pushLine(NOW, 'good'),
      pushLine(NOW, 'y'.repeat(maxLineBytes + 1)),
      pushLine(NOW, 'z'.repeat(maxLineBytes)),
      pushLine(old, 'old too'),
    ]);
    expect(sent().map((lines) => lines.map((line) => line.slice(0, 7)))).toEqual([
      ['good', 'zzzzzzz'],
      ['yyyyyyy'],
      ['old', 'old too'],
    ]);
  });

  test('is sent all the same: the real limits are known to Loki alone', async () => {
    expect(await push([pushLine(NOW - 10_000n * HOUR, 'old')])).toEqual({ accepted: 1, rejected: 0 });
  });

  test('a batch larger than a request may be is sent in several', async () => {
    start(accept, { limits: { ...SETTINGS.limits, maxRequestBytes: 100_000 } });
    expect(await push(numbered(100, NOW, 'x'.repeat(5000)))).toEqual({ accepted: 100, rejected: 0 });
    expect(loki.asked.every(({ bytes }) => bytes <= 100_000)).toBe(true);
    expect(loki.asked.length).toBeLessThanOrEqual(6);
  });
});

describe('what concerns one stream', () => {
  const full = (): Reaction => ({ status: 429, body: say.streamLimit(A, 'fake') });

  test('is tried on, and the others go on: Loki is there', async () => {
    start(({ number }) => (number < 5 ? full() : 204));
    expect(await push(numbered(2))).toEqual({ accepted: 2, rejected: 0 });
    expect(kinds()).toEqual([]);
    expect(told.retries).toHaveLength(5);
    expect(told.retries[0]).toMatchObject({ ofStream: true, target: { containerName: 'web' } });
    expect(told.retries[0]?.hint).toContain('max_global_streams_per_user');
    expect(sink.writes).toBe(0);
  });

  test('shows that an outage is over', async () => {
    start(({ number }) => (number === 0 ? 503 : number < 3 ? full() : 204));
    await push(numbered(2));
    expect(kinds()).toEqual(['retrying', 'ok']);
    expect(told.retries.map(({ ofStream }) => ofStream)).toEqual([false, true, true]);
  });
});

describe('after so many tries', () => {
  const three = { backoff: { ...SETTINGS.backoff, maxRetries: 3 } };

  test.each([503, 401])('of %i: given up, nothing counts, the memory is given back', async (status) => {
    start(() => status, three);
    const error = await failure(push(numbered(2)));
    expect(error).toBeInstanceOf(PushFailed);
    expect(error).toMatchObject({ code: 'push_failed', container: 'web', exit: 'loki' });
    expect(error.message).toContain('in 4 tries');
    expect(error.hint).toMatch(/\w/);
    expect(loki.asked).toHaveLength(4);
    expect(sink.writes).toBe(0);
    expect(memoryIsBack()).toBe(true);
  });

  test('what was refused by then is not set aside: all of it comes again', async () => {
    start(({ number, lines }) => {
      if (number > 4) return 503;
      return lines.some(({ line }) => line.includes('0'))
        ? { status: 400, body: say.lineTooLong(1, A, 9) }
        : 503;
    }, three);
    await failure(push(numbered(8)));
    expect([sink.writes, told.rejected]).toEqual([0, []]);
  });

  test('nobody tries any more: that is told, so that others begin again', async () => {
    start(() => 503, three);
    await failure(push(numbered(1)));
    expect(kinds()).toEqual(['retrying', 'failed']);
    expect(pusher.state()).toMatchObject({ kind: 'failed', since: NOW, reason: '503' });
    loki.react = accept;
    await push(numbered(1));
    expect(kinds()).toEqual(['retrying', 'failed', 'ok']);
  });

  test('not while another still tries', async () => {
    start(({ lines }) => (lines.length === 1 || loki.asked.length < 12 ? 503 : 204), {
      ...three,
      maxInFlight: 1,
    });
    const waiting = new ScriptedTransport(accept);
    expect(waiting.asked).toEqual([]);
    const [gone, other] = await Promise.allSettled([push(numbered(1)), push(numbered(2))]);
    expect(gone.status).toBe('rejected');
    // Whoever is the last tells.
    expect(kinds().at(-1)).toBe(other.status === 'fulfilled' ? 'ok' : 'failed');
    expect(kinds().filter((kind) => kind === 'failed').length).toBeLessThanOrEqual(1);
  });
});

describe('refused lines that cannot be kept', () => {
  const refuseLong = ({ lines }: Asked): Reaction =>
    lines.some(({ line }) => line.includes('long')) ? { status: 400, body: say.lineTooLong(1, A, 2) } : 204;

  test('are reported, and the good lines of the batch are settled all the same', async () => {
    start(refuseLong);
    sink.full = 'the disk is full';
    const lines = [pushLine(NOW, 'good'), pushLine(NOW + 1n, 'long'), pushLine(NOW + 2n, 'good too')];
    expect(await push(lines)).toEqual({ accepted: 2, rejected: 1 });
    expect(told.rejected).toMatchObject([{ kind: 'line-too-long', entries: 1, notKept: 1 }]);
    expect(told.notKept).toMatchObject([
      {
        lines: { kind: 'line-too-long', lines: 1, from: NOW + 1n, until: NOW + 1n },
        why: 'the disk is full',
      },
    ]);
    expect([clock.slept, kinds(), sink.writes]).toEqual([[], [], 1]);
    expect(memoryIsBack()).toBe(true);
  });

  test('where the sink must have all of them: the push fails and nothing counts', async () => {
    start(refuseLong);
    sink.failures.push(new PollardError('rejected_file_unusable', 'disk full'));
    expect((await failure(push([pushLine(NOW, 'long')]))).code).toBe('rejected_file_unusable');
    expect([memoryIsBack(), told.rejected, sink.writes]).toEqual([true, [], 1]);
  });
});

describe('lines that are too old for Loki', () => {
  const DAY = 24n * HOUR;
  let oldest: bigint;
  let counted: UnstoredLines[];

  /** Refuses what is older than `oldest` at the beginning, as a distributor does, with a clock that goes on. */
  const aged = ({ lines }: Asked): Reaction => {
    const cutoff = oldest + (clock.now() - NOW);
    const refused = lines.find(({ stamp }) => stamp < cutoff);
    return refused === undefined ? 204 : { status: 400, body: say.tooOld(A, refused.stamp, cutoff) };
  };

  function startAged(): void {
    start(aged);
    oldest = NOW - 7n * DAY;
    counted = [];
    pusher = createPusher({
      transport: loki,
      settings: SETTINGS,
      clock,
      random: seededRandom(1),
      rejected: sink,
      tooOld: {
        limits: new AgeLimits(clock, SETTINGS.limits.maxAgeMs),
        count: async (lines) => void counted.push(...lines),
      },
      events: told,
    });
  }
  const old = (count: number, from = NOW - 30n * DAY): PushLine[] => numbered(count, from, ' old');
  const countedLines = (): number => counted.reduce((sum, { lines }) => sum + lines, 0);

  beforeEach(startAged);

  test('the first refusal shows the limit; no older line is sent after it, and none is copied', async () => {
    expect(await push(old(100))).toEqual({ accepted: 0, rejected: 100 });
    const asked = loki.asked.length;
    expect(asked).toBeLessThanOrEqual(2);
    for (let i = 1; i <= 50; i++) {
      expect(await push(old(100, NOW - 30n * DAY + BigInt(i) * SECOND))).toEqual({
        accepted: 0,
        rejected: 100,
      });
    }
    expect(loki.asked).toHaveLength(asked);
    expect(sink.writes).toBe(0);
    expect(told.tooOld).toEqual(counted);
    expect(countedLines()).toBe(5100);
    expect(counted.every(({ reason }) => reason === 'older than the 7 days that Loki accepts')).toBe(true);
    expect(counted.at(-1)).toMatchObject({
      kind: 'too-old',
      lines: 100,
      from: NOW - 30n * DAY + 50n * SECOND,
      until: NOW - 30n * DAY + 50n * SECOND + 99n,
    });
    expect(memoryIsBack()).toBe(true);
  });

  test('a line within the limit is never skipped, however near to it', async () => {
    await push(old(1));
    const near = [
      pushLine(oldest - 30n * SECOND, 'a little too old'),
      pushLine(oldest, 'just young enough'),
      pushLine(NOW, 'new'),
      pushLine(NOW - 30n * DAY, 'old'),
    ];
    expect(await push(near)).toEqual({ accepted: 2, rejected: 2 });
    expect(sent().flat()).toEqual(expect.arrayContaining(['just young enough', 'new', 'a little too old']));
    expect(sent().slice(1).flat()).not.toContain('old');
    expect([countedLines(), sink.writes]).toEqual([3, 0]);
  });

  test('the limit moves on with the time, and not with a step of the clock', async () => {
    await push(old(1));
    const line = pushLine(oldest + HOUR, 'too old in two hours');
    const unhurried = clock.now.bind(clock);
    clock.now = () => unhurried() + 48n * HOUR;
    loki.react = accept;
    expect(await push([line])).toEqual({ accepted: 1, rejected: 0 });
    clock.now = unhurried;
    loki.react = aged;
    clock.pass(2 * 3_600_000);
    // It is time to ask again, with one line; then it is known for the others.
    expect(await push([line, pushLine(oldest + HOUR + 1n, 'and another')])).toEqual({
      accepted: 0,
      rejected: 2,
    });
    expect(sent().at(-1)).toEqual(['too old in two hours']);
  });

  test('a clock of Loki that differs from ours changes nothing', async () => {
    // Loki is an hour behind: it accepts what is an hour older.
    oldest -= HOUR;
    await push(old(1));
    expect(await push([pushLine(oldest, 'young enough for it')])).toEqual({ accepted: 1, rejected: 0 });
    expect(await push([pushLine(oldest - 2n * HOUR, 'too old for it')])).toEqual({
      accepted: 0,
      rejected: 1,
    });
  });

  test('Loki accepts older lines by now: that is found out with one line after a while, and all are sent', async () => {
    await push(old(10));
    oldest = NOW - 60n * DAY;
    expect(await push(old(10))).toEqual({ accepted: 0, rejected: 10 });
    clock.pass(11 * 60_000);
    const lines = old(10, NOW - 20n * DAY);
    expect(await push(lines)).toEqual({ accepted: 10, rejected: 0 });
    expect(loki.asked.slice(-2).map((asked) => asked.lines.length)).toEqual([1, 9]);
    // And the new limit is learned as the first one was.
    expect(await push(old(10, NOW - 90n * DAY))).toEqual({ accepted: 0, rejected: 10 });
    expect(counted.at(-1)?.reason).toBe('older than the 60 days that Loki accepts');
  });

  test('Loki accepts all ages: all are sent, and nothing is skipped', async () => {
    loki.react = accept;
    expect(await push(old(100, NOW - 3000n * DAY))).toEqual({ accepted: 100, rejected: 0 });
    expect([counted, told.tooOld]).toEqual([[], []]);
  });

  test('a clock that is wrong by days shows no limit: the lines are kept as others are', async () => {
    oldest = NOW + DAY;
    expect(await push(numbered(3))).toEqual({ accepted: 0, rejected: 3 });
    expect([[...sink.texts].sort(), counted]).toEqual([['line 0', 'line 1', 'line 2'], []]);
    oldest = NOW - 7n * DAY;
    expect(await push(numbered(3))).toEqual({ accepted: 3, rejected: 0 });
  });

  test('a refusal that does not name the limit: the setting stands in for it', async () => {
    loki.react = ({ lines }) =>
      lines.some(({ stamp }) => stamp < oldest) ? { status: 400, body: 'timestamp too old' } : 204;
    expect(await push(old(5))).toEqual({ accepted: 0, rejected: 5 });
    const asked = loki.asked.length;
    expect(await push([...old(5), pushLine(oldest, 'young enough')])).toEqual({ accepted: 1, rejected: 5 });
    expect(loki.asked).toHaveLength(asked + 1);
  });

  test('too far behind is another kind: those lines are kept', async () => {
    await push(old(1));
    loki.react = ({ lines }) =>
      lines.some(({ line }) => line.includes('late'))
        ? { status: 400, body: say.tooFarBehind(NOW - 2n * HOUR, NOW - HOUR) }
        : 204;
    expect(await push([pushLine(NOW - 2n * HOUR, 'late'), pushLine(NOW, 'good')])).toEqual({
      accepted: 1,
      rejected: 1,
    });
    expect(sink.lines).toMatchObject([{ kind: 'too-far-behind' }]);
  });

  test('tenants have limits of their own', async () => {
    await push(old(1), testTarget({ tenant: 'a' }));
    loki.react = accept;
    expect(await push(old(1), testTarget({ tenant: 'b' }))).toEqual({ accepted: 1, rejected: 0 });
    expect(await push(old(1), testTarget({ tenant: 'a' }))).toEqual({ accepted: 0, rejected: 1 });
  });

  test('whatever the lines, the limits and the time between: each line is in Loki, or counted and really too old', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            /** Seconds from the limit at the beginning. */
            ages: fc.array(fc.integer({ min: -7200, max: 7200 }), { minLength: 1, maxLength: 12 }),
            minutes: fc.nat(15),
            /** The administrator moves the limit by so many seconds. */
            moved: fc.constantFrom(0, 0, 0, 3600, -3600),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        async (steps) => {
          startAged();
          const stored = new Set<string>();
          let lastMove = -Infinity;
          loki.react = (asked) => {
            const cutoff = oldest + (clock.now() - NOW);
            for (const { stamp, line } of asked.lines) if (stamp >= cutoff) stored.add(line.toString());
            return aged(asked);
          };
          const began = oldest;
          for (const [step, { ages, minutes, moved }] of steps.entries()) {
            oldest += BigInt(moved) * SECOND;
            if (moved !== 0) lastMove = clock.monotonic();
            const lines = ages.map((age, i) => pushLine(began + BigInt(age) * SECOND, `${step} ${i}`));
            const before = countedLines();
            const { accepted, rejected } = await push(lines);
            const cutoff = oldest + (clock.now() - NOW);
            const good = lines.filter(({ stamp }) => stamp >= cutoff);
            const missing = good.filter(({ line }) => !stored.has(line.toString()));
            // Only what an administrator has just allowed may be skipped, until the next line is sent to ask.
            if (clock.monotonic() - lastMove > 600_000) expect(linesAsText(missing)).toEqual([]);
            expect([accepted, rejected]).toEqual([good.length - missing.length, lines.length - accepted]);
            expect(countedLines() - before).toBe(rejected);
            expect(sink.writes).toBe(0);
            clock.pass(minutes * 60_000);
          }
        },
      ),
      { numRuns: runs(200) },
    );
  });

  test('a push that is given up has skipped nothing', async () => {
    await push(old(1));
    const before = countedLines();
    const stop = new AbortController();
    loki.react = ({ signal }) => {
      setImmediate(() => stop.abort(new Error('stopped')));
      return silence(signal);
    };
    const mixed = [...old(5), pushLine(NOW, 'new')];
    expect(await failure(push(mixed, testTarget(), stop.signal))).toBeInstanceOf(PushAborted);
    expect(countedLines()).toBe(before);
  });
});

describe('giving up', () => {
  const reason = new Error('the service is stopped');

  async function aborted(lines: readonly PushLine[], stop: AbortController): Promise<void> {
    const error = await failure(push(lines, testTarget(), stop.signal));
    expect(error).toBeInstanceOf(PushAborted);
    expect(error).toMatchObject({ code: 'push_aborted', container: 'web', exit: 'loki' });
    expect(sink.texts).toEqual([]);
    expect(told.rejected).toEqual([]);
    expect(memoryIsBack()).toBe(true);
  }

  test('before anything', async () => {
    const stop = new AbortController();
    stop.abort(reason);
    await aborted(numbered(1), stop);
    expect(loki.asked).toEqual([]);
  });

  test('while a request is under way', async () => {
    const stop = new AbortController();
    start(({ signal }) => {
      setImmediate(() => stop.abort(reason));
      return silence(signal);
    });
    await aborted(numbered(1), stop);
    expect(loki.asked).toHaveLength(1);
  });

  test.each([503, 401])('while it waits after %i', async (status) => {
    const stop = new AbortController();
    start(() => status);
    told.atRetry = (retries) => {
      if (retries === 2) stop.abort(reason);
    };
    await aborted(numbered(1), stop);
    expect(loki.asked).toHaveLength(2);
  });

  test('the last one while Loki is away: another push must show whether it is back', async () => {
    const stop = new AbortController();
    start(() => 503);
    told.atRetry = () => stop.abort(reason);
    await aborted(numbered(1), stop);
    expect(kinds()).toEqual(['retrying', 'failed']);
    loki.react = accept;
    await push(numbered(1));
    expect(kinds()).toEqual(['retrying', 'failed', 'ok']);
  });

  test('one of several while Loki is away: the others will show it', async () => {
    const stop = new AbortController();
    start(({ number }) => (number < 4 ? 503 : 204));
    const other = push(numbered(2));
    told.atRetry = (retries) => {
      if (retries === 2) stop.abort(reason);
    };
    await failure(push(numbered(1), testTarget(), stop.signal));
    await other;
    expect(kinds()).toEqual(['retrying', 'ok']);
  });

  test('while others have the slots; these go on', async () => {
    const stop = new AbortController();
    let answer: (() => void) | undefined;
    start(
      () =>
        new Promise((resolve) => {
          answer = () => resolve({ status: 204, body: '', contentType: '' });
        }),
      { maxInFlight: 1 },
    );
    const first = push(numbered(2));
    while (answer === undefined) await new Promise((resolve) => setImmediate(resolve));
    const second = failure(push(numbered(3), testTarget(), stop.signal));
    stop.abort(reason);
    expect(await second).toBeInstanceOf(PushAborted);
    answer();
    expect(await first).toEqual({ accepted: 2, rejected: 0 });
    expect(loki.asked).toHaveLength(1);
  });

  test('in the middle of dividing', async () => {
    const stop = new AbortController();
    start(({ number, signal }) => {
      if (number === 4) {
        stop.abort(reason);
        return silence(AbortSignal.any([signal, AbortSignal.abort(reason)]));
      }
      return { status: 400, body: say.lineTooLong(1, A, 2) };
    });
    loki.react = ((react) => (asked: Asked) => {
      if (asked.number !== 4) return react(asked);
      stop.abort(reason);
      return Promise.reject(reason);
    })(loki.react);
    await aborted(numbered(16), stop);
    expect(sink.writes).toBe(0);
  });

  test('while the endpoint is in doubt', async () => {
    const stop = new AbortController();
    start(({ lines }) => {
      if (lines.length > 0) return { status: 400, body: 'odd' };
      stop.abort(reason);
      return Promise.reject(reason);
    });
    await aborted(numbered(2), stop);
  });
});

describe('the end', () => {
  test('stop gives up all pushes, those to come too, and closing waits for them', async () => {
    start(({ number, signal }) => (number === 0 ? silence(signal) : 503));
    let retried = (): void => undefined;
    const waits = new Promise<void>((resolve) => (retried = resolve));
    told.atRetry = () => retried();
    let ended = 0;
    const failures = [push(numbered(1)), push(numbered(2)), push(numbered(3))].map(async (pushing) => {
      const error = await failure(pushing);
      ended++;
      return error;
    });
    await waits;
    await pusher.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(3);
    for (const error of await Promise.all(failures)) expect(error).toBeInstanceOf(PushAborted);
    const asked = loki.asked.length;
    expect(await failure(push(numbered(1)))).toBeInstanceOf(PushAborted);
    expect(loki.asked).toHaveLength(asked);
    // Nobody waits for Loki to come back.
    expect(kinds()).not.toContain('failed');
  });

  test('a write of refused lines that is under way is waited for', async () => {
    start(() => ({ status: 400, body: say.lineTooLong(1, A, 2) }));
    let written = (): void => undefined;
    let begun = (): void => undefined;
    const writes = new Promise<void>((resolve) => (begun = resolve));
    sink.write = () => {
      begun();
      return new Promise((resolve) => (written = () => resolve(ALL_KEPT)));
    };
    const pushing = push(numbered(1));
    await writes;
    let closed = false;
    const closing = pusher.close().then(() => (closed = true));
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(false);
    written();
    await closing;
    expect(await pushing).toEqual({ accepted: 0, rejected: 1 });
  });
});

test('whatever mixture, whatever fails in between: each line ends at one place', async () => {
  type Fate = 'good' | 'long' | 'old' | 'new' | 'odd';
  const anyLine = fc.record({
    fate: fc.constantFrom<Fate>('good', 'good', 'good', 'long', 'old', 'new', 'odd'),
    at: fc.nat(1000),
    bytes: fc.constantFrom(1, 10, 30_000),
  });
  const anyTrouble = fc.constantFrom(0, 0, 0, 429, 500, 503, 401, 1, 2);
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyLine, { minLength: 1, maxLength: 40 }),
      fc.array(anyTrouble, { maxLength: 30 }),
      fc.integer({ min: 70_000, max: 1_000_000 }),
      fc.boolean(),
      async (fates, troubles, maxBytes, saysWindow) => {
        const stored = new Map<string, number>();
        const lines = fates.map(({ fate, at, bytes }, i) => {
          const base = fate === 'old' ? NOW - 2n * HOUR : fate === 'new' ? NOW + HOUR : NOW;
          return pushLine(base + BigInt(at) * SECOND, `${i} ${fate} ${'x'.repeat(bytes)}`);
        });
        const fateOf = (line: string): Fate => line.split(' ')[1] as Fate;
        // Stores what is good of a request, and answers with the first reason for what is not.
        start(({ lines: asked, bytes, number }) => {
          const trouble = troubles[number] ?? 0;
          if (trouble > 2) return trouble;
          if (trouble === 1) return new LokiRequestError('loki_unreachable', 'gone');
          if (bytes > maxBytes) return 413;
          let said: string | undefined;
          for (const { line, stamp } of asked) {
            const text = line.toString();
            const fate = fateOf(text);
            if (fate === 'good') stored.set(text, (stored.get(text) ?? 0) + 1);
            if (fate === 'long') said ??= say.lineTooLong(1, A, 2);
            if (fate === 'old') said ??= say.tooFarBehind(stamp, saysWindow ? NOW - HOUR : stamp);
            if (fate === 'new') said ??= say.tooNew(A, stamp);
            if (fate === 'odd') said ??= 'the moon is full';
          }
          // Stored, but the answer is lost.
          if (trouble === 2) return new LokiRequestError('loki_timeout', 'late');
          return said === undefined ? 204 : { status: 400, body: said };
        });
        const { accepted, rejected } = await push(lines);
        const texts = linesAsText(lines);
        const good = texts.filter((text) => fateOf(text) === 'good');
        expect([...stored.keys()].sort()).toEqual([...good].sort());
        expect([...sink.texts].sort()).toEqual(texts.filter((text) => fateOf(text) !== 'good').sort());
        expect([accepted, rejected]).toEqual([good.length, texts.length - good.length]);
        expect(pusher.state().kind).toBe('ok');
        expect(memoryIsBack()).toBe(true);
        // It ends, and soon: each refused line costs at most its way down.
        expect(loki.asked.length).toBeLessThanOrEqual(troubles.length + 20 + rejected * 14);
      },
    ),
    { numRuns: runs(300) },
  );
});
