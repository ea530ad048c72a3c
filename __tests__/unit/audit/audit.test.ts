import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditOptions, AuditProgress } from '../../../src/audit/audit.js';
import { HeldBytes } from '../../../src/audit/held-bytes.js';
import { LineAssembler } from '../../../src/collector/line-assembler.js';
import { gapText } from '../../../src/collector/gap.js';
import type { LineBatch } from '../../../src/collector/line-batch.js';
import type { LogSource } from '../../../src/collector/log-source.js';
import { MovedStamps } from '../../../src/collector/moved-stamps.js';
import type { StreamNumber } from '../../../src/docker/entry-sink.js';
import type { Cursor, OpenLine } from '../../../src/model/cursor.js';
import { PollardError } from '../../../src/model/errors.js';
import { pieceMetadata, type LinePiece } from '../../../src/model/line-piece.js';
import { formatStamp, NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { EngineError } from '../../../src/docker/engine-error.js';
import { auditOf, containerNamed, labelsOf, START, type Fixture } from '../../support/audit-fixture.js';
import { LeapingClock } from '../../support/leaping-clock.js';
import { ModelLog } from '../../support/model-log.js';
import { ModelLoki } from '../../support/model-loki.js';

const SECOND = NS_PER_SECOND;
const web = containerNamed('web');

let log: ModelLog;
let loki: ModelLoki;

beforeEach(() => {
  log = new ModelLog();
  loki = new ModelLoki();
});

function write(at: bigint, text: string, stream: StreamNumber = 1, terminated = true): void {
  log.entries.push({ stream, stamp: START + at, text: Buffer.from(text), terminated });
}

function store(at: bigint, line: string, stream: StreamNumber = 1, container = web, piece?: LinePiece): void {
  loki.entries.push({
    labels: labelsOf(container, stream === 1 ? 'stdout' : 'stderr'),
    stamp: START + at,
    line,
    containerId: container.id,
    ...(piece === undefined ? {} : { metadata: Object.fromEntries(pieceMetadata(piece)) }),
  });
}

/** As the collector delivers the whole log. */
function deliver(
  rules: { maxLineBytes?: number; move?: boolean; journald?: boolean; ended?: boolean } = {},
): void {
  const sink = {
    line: (
      stream: StreamNumber,
      seconds: number,
      nanos: number,
      source: Buffer,
      start: number,
      end: number,
      piece?: LinePiece,
    ) =>
      store(
        BigInt(seconds) * SECOND + BigInt(nanos) - START,
        source.toString('utf8', start, end),
        stream,
        web,
        piece,
      ),
  };
  const assembler = new LineAssembler(new MovedStamps(sink, {}, rules.move ? 'shift' : 'keep'), {
    maxLineBytes: rules.maxLineBytes ?? 256 * 1024,
    chunksShareStamp: rules.journald !== true,
    tty: false,
  });
  for (const { stream, stamp, text, terminated } of log.entries) {
    const [seconds, nanos] = [Number(stamp / SECOND), Number(stamp % SECOND)];
    assembler.entry(stream, seconds, nanos, text, 0, text.length, terminated);
  }
  if (rules.ended) assembler.closeAll();
}

const run = (fixture: Partial<Fixture> = {}, over: Partial<AuditOptions> = {}) =>
  auditOf({ read: log.read, transport: loki, ...fixture }, over);

const cursor = (over: Partial<Cursor>): Cursor => ({
  containerId: web.id,
  containerName: 'web',
  anchor: [],
  open: [],
  moved: {},
  committedAt: 0n,
  ...over,
});

describe('lines are those of the collector', () => {
  test('chunks are put together, and long lines split at the same places', async () => {
    const text = (length: number, end: string): string =>
      Array.from({ length }, (_, i) => `${i} `)
        .join('')
        .slice(0, length - 1) + end;
    for (const length of [10, 1024, 1500, 3000]) {
      write(BigInt(length), text(length, 'x'));
      write(BigInt(length) + 1n, text(length, 'y'), 2, false);
      write(BigInt(length) + 1n, text(length, 'z'), 2);
    }
    deliver({ maxLineBytes: 1024 });
    const { first } = await run({ maxLineBytes: 1024 });
    expect(first.streams.stdout).toMatchObject({
      lines: 4,
      delivered: 4,
      inPieces: 2,
      missing: 0,
      unknown: 0,
    });
    expect(first.streams.stderr).toMatchObject({
      lines: 4,
      delivered: 4,
      inPieces: 3,
      missing: 0,
      unknown: 0,
    });
  });

  test('chunks of journald have stamps of their own', async () => {
    // At that length the Engine cuts.
    write(1n, 'a'.repeat(16384), 1, false);
    write(2n, 'b'.repeat(16384), 1, false);
    write(3n, 'c');
    deliver({ journald: true });
    const { first } = await run({ containers: [containerNamed('web', { logDriver: 'journald' })] });
    expect(first.streams.stdout).toMatchObject({ lines: 1, delivered: 1, unknown: 0 });
  });

  test.each(['filter', 'seek'] as const)(
    'equal stamps are moved as the collector moved them, wherever the range begins (%s)',
    async (semantics) => {
      for (let i = 0n; i < 30n; i++) {
        for (let same = 0n; same < i % 4n; same++) write(i / 3n + 7_000n * SECOND * (i / 10n), 'same');
      }
      deliver({ move: true });
      for (const from of [0n, 2n, 3n, 7_000n * SECOND, 7_000n * SECOND + 4n, 14_000n * SECOND + 8n]) {
        const { first } = await run({ semantics, moveEqualStamps: true }, { since: START + from });
        const { lines, folded, missing, unknown } = first.streams.stdout;
        expect({ from, folded, missing, unknown }).toEqual({ from, folded: 0, missing: 0, unknown: 0 });
        expect(lines).toBe(loki.entries.filter(({ stamp }) => stamp >= START + from).length);
      }
    },
  );

  test('a line still open at the end of a running container is pending, in Loki or not', async () => {
    write(1n, 'whole');
    write(2n, 'beginning of a lin', 1, false);
    store(1n, 'whole');
    const { first } = await run();
    expect(first.streams.stdout).toMatchObject({ lines: 2, delivered: 1, pending: 1, missing: 0 });
  });

  test('the last words of a container that has ended are a line', async () => {
    write(1n, 'whole');
    write(2n, 'last words', 1, false);
    store(1n, 'whole');
    const ended = containerNamed('web', { running: false, finishedAt: START + 3n });
    const { first } = await run({ containers: [ended] });
    expect(first.streams.stdout).toMatchObject({ lines: 2, delivered: 1, pending: 0, missing: 1 });
    // Not when the cursor carries them.
    const open: OpenLine = { stream: 'stdout', stamp: START + 2n, text: Buffer.from('last'), cut: false };
    const anchor = [{ stamp: START + 2n, stream: 'stdout' as const, hash: await hashOf('last words') }];
    const carried = await run({ containers: [ended] }, { cursorOf: () => cursor({ anchor, open: [open] }) });
    expect(carried.first.streams.stdout).toMatchObject({ lines: 2, delivered: 1, pending: 1, missing: 0 });
  });

  test('an entry with the text of a missing line, a little later, is none of its pieces', async () => {
    write(1n, 'line');
    store(3n, 'line');
    const { first } = await run();
    expect(first.streams.stdout).toMatchObject({ lines: 1, delivered: 0, missing: 1, unknown: 1 });
  });

  test('a line delivered in pieces, because it was not ended for too long, is delivered', async () => {
    const chunk = 'x'.repeat(16_384);
    write(1n, chunk, 1, false);
    write(1n, chunk, 1, false);
    write(1n, 'end');
    store(1n, chunk);
    store(1n, `${chunk}end`);
    const { first } = await run();
    expect(first.streams.stdout).toMatchObject({
      lines: 1,
      delivered: 1,
      inPieces: 1,
      missing: 0,
      unknown: 0,
    });
    expect(first.samples.unknown).toEqual([]);
  });

  test('a line of which Loki has only the beginning cannot be judged; a short foreign one is no beginning', async () => {
    write(1n, 'x'.repeat(5000));
    store(1n, 'x'.repeat(2000));
    write(2n, 'abc');
    store(2n, 'ab');
    const { first } = await run();
    expect(first.streams.stdout).toMatchObject({ lines: 2, changed: 1, missing: 1, unknown: 1 });
    expect(first.samples.missing).toEqual([{ stream: 'stdout', stamp: START + 2n, text: 'abc' }]);
    expect(first.samples.unknown).toEqual([{ stream: 'stdout', stamp: START + 2n, text: 'ab' }]);
  });
});

async function hashOf(text: string): Promise<string> {
  const { fingerprint } = await import('../../../src/collector/fingerprint.js');
  return fingerprint(Buffer.from(text), 0, Buffer.byteLength(text), 0);
}

describe('a container that was', () => {
  const old = containerNamed('web', { name: 'oldname' });
  beforeEach(() => {
    for (let at = 0n; at < 10n; at++) write(at, `line ${at}`);
    for (let at = 0n; at < 8n; at++) store(at, `line ${at}`, 1, at < 5n ? old : web);
    // Another one, whose lines have the same labels but for the name.
    store(9n, 'line 9', 1, containerNamed('db'));
  });

  test('renamed has its lines under both names, if its id was sent with them', async () => {
    const { first } = await run({}, { idIsSent: true });
    expect(first.streams.stdout).toMatchObject({
      lines: 10,
      delivered: 8,
      renamed: 5,
      missing: 2,
      unknown: 0,
    });
    expect((await run()).first.streams.stdout).toMatchObject({ delivered: 3, renamed: 0, missing: 7 });
  });

  test('renamed, and a Loki that cannot look for ids', async () => {
    const get = loki.get.bind(loki);
    loki.get = async (path, query) =>
      query.parameters?.['query']?.includes('|') === true
        ? { status: 400, body: 'parse error', contentType: '' }
        : await get(path, query);
    const report = await run({}, { idIsSent: true });
    expect(report.failure).toBeUndefined();
    expect(report.first.streams.stdout).toMatchObject({ delivered: 3, missing: 7 });
  });

  test('made of an image whose name was given to another has its lines under both', async () => {
    const labels = (image: string) => ({ ...labelsOf(web, 'stdout'), image });
    loki.entries = ['a', 'b', 'c'].map((line, i) => ({
      labels: labels(`image:${i}`),
      stamp: START + BigInt(i),
      line,
    }));
    log.entries = [];
    ['a', 'b', 'c', 'd'].forEach((text, i) => write(BigInt(i), text));
    const { first } = await run({}, { streamLabels: () => labels('image:2') });
    expect(first.streams.stdout).toMatchObject({ delivered: 3, missing: 1 });
  });
});

describe('what stands in Loki only', () => {
  test('markers of a gap are known, and shown', async () => {
    write(100n, 'behind the gap');
    const gap = { cause: 'rotated' as const, lastDelivered: START + 5n, firstAvailable: START + 100n };
    store(5n, 'rotated away');
    store(99n, gapText('web', gap));
    store(100n, 'behind the gap');
    const { first } = await run();
    expect(first.streams.stdout).toMatchObject({
      lines: 1,
      delivered: 1,
      gapMarkers: 1,
      rotated: 1,
      unknown: 0,
    });
    expect(first.samples.gaps).toEqual([{ stream: 'stdout', stamp: START + 99n, text: gapText('web', gap) }]);
  });

  test('copies of a line are counted, and the line is delivered once', async () => {
    write(1n, 'once');
    write(2n, 'three times');
    write(3n, 'perhaps other bytes: \ufffd');
    deliver();
    const shard = (number: number): Record<string, string> => ({
      ...labelsOf(web, 'stdout'),
      __stream_shard__: String(number),
    });
    for (const number of [1, 2]) {
      loki.entries.push({
        labels: shard(number),
        stamp: START + 2n,
        line: 'three times',
        containerId: web.id,
      });
    }
    loki.entries.push({
      labels: shard(1),
      stamp: START + 3n,
      line: 'perhaps other bytes: \ufffd',
      containerId: web.id,
    });
    const { first, totals } = await run();
    expect(first.streams.stdout).toMatchObject({ lines: 3, delivered: 3, storedTwice: 2, unknown: 0 });
    expect(totals.storedTwice).toBe(2);
  });

  test('a container that prints such a line has delivered a line', async () => {
    const gap = { cause: 'rotated' as const, lastDelivered: START, firstAvailable: START + 1n };
    write(5n, gapText('other', gap));
    deliver();
    const { first } = await run();
    expect(first.streams.stdout).toMatchObject({ lines: 1, delivered: 1, missing: 0, unknown: 0 });
  });

  test('everything is rotated away when the log is empty', async () => {
    store(5n, 'long gone', 2);
    const { first } = await run();
    expect(first.streams.stderr).toMatchObject({ lines: 0, rotated: 1, unknown: 0 });
  });

  test('without structured metadata, lines of others in the same stream are not held against a container', async () => {
    const db = containerNamed('db');
    write(1n, 'mine');
    loki.entries.push({ labels: { job: 'docker' }, stamp: START + 1n, line: 'mine' });
    loki.entries.push({ labels: { job: 'docker' }, stamp: START + 2n, line: 'of another' });
    const over = {
      streamLabels: () => ({ job: 'docker' }),
      selects: ({ name }: { name: string }) => name === 'web',
    };
    const shared = await run({ containers: [web, db] }, over);
    expect(shared.containers).toHaveLength(1);
    expect(shared.first.streams.stdout).toMatchObject({ lines: 1, delivered: 1, unknown: 0 });
    const alone = await run({ containers: [web] }, over);
    expect(alone.first.streams.stdout).toMatchObject({ lines: 1, delivered: 1, unknown: 1 });
  });
});

describe('what is not in Loki', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pollard-audit-'));
  });
  afterEach(async () => {
    await rm(dir, { recursive: true });
  });

  const refused = (at: bigint, line: string, over: Record<string, unknown> = {}): string =>
    `${JSON.stringify({
      time: formatStamp(START),
      status: 400,
      kind: 'too-old',
      reason: '400 entry for stream has timestamp too old',
      container: 'web',
      labels: labelsOf(web, 'stdout'),
      structuredMetadata: { container_id: web.id },
      ts: String(START + at),
      line,
      ...over,
    })}\n`;

  test('is refused, with the reason, where the rejected-lines file says so; the rest is missing', async () => {
    const rejectedFile = join(dir, 'rejected.jsonl');
    for (const at of [1n, 2n, 3n, 4n, 5n, 6n]) write(at, `line ${at}`);
    write(2n, 'line 2');
    store(1n, 'line 1');
    await writeFile(
      rejectedFile,
      [
        refused(1n, 'line 1'),
        refused(2n, 'line 2'),
        'torn {\n',
        refused(3n, 'line 3', { kind: 'too-far-behind', reason: 'far behind' }),
        refused(4n, 'line 4', { structuredMetadata: { container_id: 'another' } }),
        refused(5n, 'line 5', { structuredMetadata: {} }),
        refused(6n, 'line 6', { labels: labelsOf(web, 'stderr') }),
      ].join(''),
    );
    const { first, totals } = await run({}, { rejectedFile });
    expect(first.streams.stdout).toMatchObject({ lines: 7, folded: 1, delivered: 1, refused: 3, missing: 2 });
    expect(first.refusals).toEqual([
      { kind: 'too-old', lines: 2, reason: '400 entry for stream has timestamp too old' },
      { kind: 'too-far-behind', lines: 1, reason: 'far behind' },
    ]);
    expect(first.samples.missing.map(({ text }) => text)).toEqual(['line 4', 'line 6']);
    expect(first.samples.refused.map(({ text }) => text)).toEqual(['line 2', 'line 3', 'line 5']);
    expect(totals).toMatchObject({ lines: 7, refused: 3, missing: 2 });
  });

  test('a rejected-lines file that is not there is none; one that cannot be read is noted', async () => {
    write(1n, 'x');
    expect(await run({}, { rejectedFile: join(dir, 'none') })).toMatchObject({
      notes: [],
      totals: { missing: 1 },
    });
    const { notes, totals } = await run({}, { rejectedFile: dir });
    expect(notes).toEqual([expect.stringMatching(/rejected-lines file cannot be read.*EISDIR/)]);
    expect(totals.missing).toBe(1);
  });

  test('is not judged where Loki does not show so far back', async () => {
    loki.config = 'limits_config: { max_query_lookback: 1h }';
    write(0n, 'old');
    write(1_000_000n * SECOND - 1800n * SECOND, 'young');
    const { first } = await run();
    expect(first.streams.stdout).toMatchObject({ lines: 2, expired: 1, missing: 1 });
  });

  test('without a cursor, what is very young is not looked at; with one, what it has not come to is pending', async () => {
    write(1n, 'old');
    write(1_000_000n * SECOND - 30n * SECOND, 'young');
    expect((await run()).first).toMatchObject({
      byCursor: false,
      streams: { stdout: { lines: 1, missing: 1 } },
    });
    const anchor = [{ stamp: START + 1n, stream: 'stdout' as const, hash: await hashOf('old') }];
    expect((await run({}, { cursorOf: () => cursor({ anchor }) })).first).toMatchObject({
      byCursor: true,
      streams: { stdout: { lines: 2, missing: 1, pending: 1 } },
    });
    // A place that the log does not have any more: the collector has come to none of it.
    const lost = [{ stamp: START, stream: 'stdout' as const, hash: '0000000000000000' }];
    expect(
      (await run({}, { cursorOf: async () => cursor({ anchor: lost }) })).first.streams.stdout,
    ).toMatchObject({ lines: 2, missing: 0, pending: 2 });
  });

  test('is shown with at most so many examples', async () => {
    for (let at = 0n; at < 50n; at++) write(at, `line ${at} `.padEnd(2000, 'x'), at % 2n === 0n ? 1 : 2);
    const { first } = await run({ samples: 3 });
    expect(first.samples.missing.map(({ stream, stamp }) => [stream, stamp - START])).toEqual([
      ['stdout', 0n],
      ['stderr', 1n],
      ['stdout', 2n],
    ]);
    expect(first.samples.missing.every(({ text }) => text.length === 500)).toBe(true);
    expect(first.streams.stdout.missing + first.streams.stderr.missing).toBe(50);
  });

  describe('and is repaired', () => {
    const batches: { stream: string; lines: string[] }[] = [];
    let taken: (line: string) => boolean;
    let failAt: number;

    beforeEach(() => {
      batches.length = 0;
      taken = () => true;
      failAt = Infinity;
    });

    const repair = {
      batchBytes: 40,
      newBatch: (_: unknown, stream: 'stdout' | 'stderr') => {
        const lines: { at: bigint; text: string }[] = [];
        let bytes = 0;
        return {
          stream,
          lines,
          oldest: 0n,
          newest: 0n,
          get entries() {
            return lines.length;
          },
          get bytes() {
            return bytes;
          },
          append: (seconds: number, nanos: number, source: Buffer, start: number, end: number) => {
            if (lines.length >= 5) return false;
            const at = BigInt(seconds) * SECOND + BigInt(nanos) - START;
            lines.push({ at, text: source.toString('utf8', start, end) });
            bytes += end - start;
            return true;
          },
        };
      },
      push: async (pushed: LineBatch) => {
        const batch = pushed as unknown as { stream: string; lines: { at: bigint; text: string }[] };
        await new Promise(setImmediate);
        if (batches.length >= failAt)
          throw new PollardError('push_failed', 'Loki did not take it', { exit: 'loki' });
        batches.push({ stream: batch.stream, lines: batch.lines.map(({ text }) => text) });
        for (const { at, text } of batch.lines) {
          if (taken(text)) store(at, text, batch.stream === 'stdout' ? 1 : 2);
        }
        return { accepted: batch.lines.length, rejected: 0 };
      },
    };

    test('exactly the missing lines are sent, and found afterwards', async () => {
      for (let at = 0n; at < 100n; at++) {
        write(at, `line ${at}`, at % 3n === 0n ? 2 : 1);
        if (at % 7n === 0n) write(at, `line ${at}`, at % 3n === 0n ? 2 : 1);
        if (at % 5n > 0n) store(at, `line ${at}`, at % 3n === 0n ? 2 : 1);
      }
      const before = new Set(loki.entries.map(({ line }) => line));
      const { totals, first } = await run({ memoryBytes: 200 }, { repair });
      expect(totals).toMatchObject({ lines: 115, folded: 15, delivered: 100, repaired: 20, missing: 0 });
      const sent = batches.flatMap(({ lines }) => lines);
      expect(new Set(sent).size).toBe(20);
      expect(sent.filter((line) => before.has(line))).toEqual([]);
      expect(first.samples).toMatchObject({ missing: [] });
      expect(first.samples.repaired).toHaveLength(10);
      expect((await run()).totals).toMatchObject({ delivered: 100, missing: 0, repaired: 0 });
    });

    test('what Loki still does not have stays missing', async () => {
      taken = (line) => line !== 'line 3';
      for (let at = 0n; at < 10n; at++) write(at, `line ${at}`);
      const { first } = await run({}, { repair });
      expect(first.streams.stdout).toMatchObject({ delivered: 9, repaired: 9, missing: 1 });
      expect(first.samples.missing.map(({ text }) => text)).toEqual(['line 3']);
    });

    test('a push that fails ends it, and what was found until then is told', async () => {
      failAt = 1;
      for (let at = 0n; at < 500n; at++) write(at, `line ${at}`);
      const { first, failure } = await run({}, { repair });
      expect(failure).toMatchObject({ code: 'push_failed' });
      expect(first).toMatchObject({ status: 'failed', reason: 'Loki did not take it' });
      expect(first.streams.stdout).toMatchObject({ lines: 500, repaired: 5, missing: 495 });
    });
  });
});

describe('containers that cannot be looked at', () => {
  const failing = (code: ConstructorParameters<typeof EngineError>[0]): LogSource => {
    return async (request, sink) => {
      if (request.containerName === 'web') throw new EngineError(code, `no: ${code}`, { hint: '' });
      return await log.read(request, sink);
    };
  };
  const containers = [web, containerNamed('db')];

  test.each([
    ['engine_not_implemented', 'unreadable'],
    ['engine_conflict', 'unreadable'],
    ['engine_not_found', 'gone'],
    ['engine_server_error', 'failed'],
  ] as const)('%s: %s, and the others are looked at', async (code, status) => {
    write(1n, 'x');
    const report = await run({ containers, read: failing(code) });
    expect(report.failure).toBeUndefined();
    expect(report.containers).toMatchObject([
      { container: 'db', status: 'read', streams: { stdout: { missing: 1 } } },
      { container: 'web', status, reason: `no: ${code}` },
    ]);
  });

  test('an Engine that is away ends it', async () => {
    const report = await run({ containers, read: failing('engine_unreachable') });
    expect(report.failure).toMatchObject({ code: 'engine_unreachable' });
    expect(report.containers).toMatchObject([{ container: 'web', status: 'failed' }]);
  });

  test('a Loki that does not answer ends it', async () => {
    write(1n, 'x');
    loki.get = async () => ({ status: 403, body: 'no', contentType: '' });
    const report = await run({ containers });
    expect(report.failure).toMatchObject({ code: 'loki_query_refused', exit: 'loki' });
    expect(report.containers).toMatchObject([{ container: 'web', status: 'failed' }]);
  });

  test('one that never started has no log', async () => {
    const created = containerNamed('web', { startedAt: 0n, running: false });
    const { first } = await run({ containers: [created], read: failing('engine_server_error') });
    expect(first.status).toBe('never-started');
  });

  test('where an answer ends at a damaged place, the lines that a narrower one shows are judged as well', async () => {
    for (let number = 1n; number <= 9n; number++) write(number, `line ${number}`);
    deliver();
    const damaged = [3, 6, 7];
    const ends: LogSource = async (request, sink) => {
      const from = request.tail === undefined ? 0 : Math.max(0, log.entries.length - request.tail);
      const end = damaged.find((index) => index >= from) ?? log.entries.length;
      const shown = new ModelLog();
      shown.entries = log.entries.slice(from, end);
      return await shown.read({ ...request, tail: shown.entries.length }, sink);
    };
    const counts = { lines: 6, delivered: 6, missing: 0 };
    expect((await run({ read: ends })).first).toMatchObject({ status: 'read', streams: { stdout: counts } });
    loki.entries.splice(8, 1);
    const missing = { lines: 6, delivered: 5, missing: 1 };
    expect((await run({ read: ends })).first).toMatchObject({ streams: { stdout: missing } });
  });

  test('an answer that is cut off, or ends before the end of the log, makes it partial', async () => {
    write(1n, 'one');
    write(2n, 'two');
    deliver();
    log.cutAfter = 1;
    expect((await run()).first).toMatchObject({
      status: 'partial',
      reason: 'broke off',
      streams: { stdout: { lines: 1 } },
    });
    log.cutAfter = Infinity;
    let looks = 0;
    const hides: LogSource = async (request, sink) => {
      if (request.tail === 1 && looks++ === 0) return await log.read(request, sink);
      const shown = new ModelLog();
      shown.entries = log.entries.slice(0, 1);
      return await shown.read(request, sink);
    };
    expect((await run({ read: hides })).first).toMatchObject({
      status: 'partial',
      reason: expect.stringMatching(/does not show the log to its end/),
    });
    // A range behind all that was ever written has nothing to show.
    const later = { since: START + 50_000n * SECOND };
    expect((await run({}, later)).first).toMatchObject({ status: 'read', streams: { stdout: { lines: 0 } } });
  });
});

describe('a line in the middle of which the log is damaged', () => {
  const CHUNK = 16_384;
  const chunk = (letter: string): string => letter.repeat(CHUNK);
  const counts = { missing: 0, delivered: 1, unknown: 0 };

  /** Answers as Engine 24 does: up to a damaged entry. */
  const damagedAt =
    (...damaged: number[]): LogSource =>
    async (request, sink) => {
      const from = request.tail === undefined ? 0 : Math.max(0, log.entries.length - request.tail);
      const end = damaged.find((index) => index >= from) ?? log.entries.length;
      const shown = new ModelLog();
      shown.entries = log.entries.slice(from, end);
      return await shown.read({ ...request, tail: shown.entries.length }, sink);
    };

  /** On stderr: a line of three full chunks and an end, with lines of stdout in between. */
  const writeLong = (): void => {
    write(1n, 'first');
    write(10n, chunk('a'), 2, false);
    write(11n, 'between');
    write(10n, chunk('b'), 2, false);
    write(10n, chunk('c'), 2, false);
    write(10n, 'its end', 2);
    write(20n, 'after');
  };

  test.each([
    { what: 'its end', damaged: [5], lines: 1 },
    { what: 'its beginning', damaged: [1], lines: 1 },
    { what: 'its middle', damaged: [3], lines: 2 },
    { what: 'all but its middle', damaged: [1, 4, 5], lines: 1 },
  ])('is not missing where it was delivered before $what was destroyed', async ({ damaged, lines }) => {
    writeLong();
    deliver();
    const { first } = await run({ read: damagedAt(...damaged) });
    expect(first).toMatchObject({
      status: 'read',
      streams: { stderr: { lines, delivered: lines, missing: 0, unknown: 0 } },
    });
  });

  test('nor where the beginning of the log was rotated away in the middle of it', async () => {
    writeLong();
    deliver();
    log.entries.splice(0, 3);
    expect((await run()).first.streams.stderr).toMatchObject(counts);
  });

  test('nor where it was delivered in pieces', async () => {
    writeLong();
    deliver({ maxLineBytes: 20_000 });
    const { first } = await run({ read: damagedAt(5), maxLineBytes: 20_000 });
    expect(first.streams.stderr).toMatchObject({ ...counts, inPieces: 1 });
  });

  test('nor is the first line of a log, whole, where it was delivered in larger pieces than by now', async () => {
    write(10n, chunk('a'), 2, false);
    write(10n, chunk('b'), 2, false);
    write(10n, 'its end', 2);
    deliver();
    const { first } = await run({ maxLineBytes: 20_000 });
    expect(first.streams.stderr).toMatchObject({ ...counts, lines: 1, inPieces: 1 });
  });

  test('nor where it was delivered under another name of the container', async () => {
    writeLong();
    deliver();
    for (const entry of loki.entries) entry.labels = { ...entry.labels, container: 'old' };
    const { first } = await run({ read: damagedAt(5) }, { idIsSent: true });
    expect(first.streams.stderr).toMatchObject({ lines: 1, missing: 0, renamed: 1 });
  });

  test('is missing where Loki has nothing of it, only a part of what is left, or another line', async () => {
    writeLong();
    const others = [[], [chunk('a')], [`${chunk('a')}${chunk('x')}${chunk('c')}its end`]];
    for (const texts of others) {
      loki = new ModelLoki();
      for (const [at, text] of [
        [1n, 'first'],
        [11n, 'between'],
        [20n, 'after'],
      ] as const)
        store(at, text);
      for (const text of texts) store(10n, text, 2);
      const { first } = await run({ read: damagedAt(5) });
      const { missing, changed } = first.streams.stderr;
      expect({ texts: texts.length, notThere: missing + changed }).toEqual({
        texts: texts.length,
        notThere: 1,
      });
    }
  });

  test('a whole line is missing although a longer one of its timestamp ends or begins with it', async () => {
    write(1n, 'ends');
    write(5n, 'before');
    write(6n, 'destroyed');
    write(9n, 'begins');
    store(1n, `something that ends`);
    store(5n, 'before and more');
    store(9n, 'begins and goes on');
    const { first } = await run({ read: damagedAt(2) });
    expect(first.streams.stdout).toMatchObject({ lines: 3, delivered: 0, missing: 3, unknown: 3 });
  });
});

test('tells how far it is, and holds no more for a long log than for a short one', async () => {
  const peaks: number[] = [];
  for (const count of [6_000n, 24_000n]) {
    log = new ModelLog();
    loki = new ModelLoki();
    for (let i = 0n; i < count; i++) {
      write(i, `line ${i} of the log`);
      if (i % 100n > 0n) store(i, `line ${i} of the log`);
    }
    const progress: AuditProgress[] = [];
    const held = new HeldBytes();
    const onProgress = (each: AuditProgress): number => progress.push(each);
    const { totals } = await run({ memoryBytes: 128 * 1024 }, { held, onProgress });
    expect(totals).toMatchObject({
      lines: Number(count),
      missing: Number(count / 100n),
      delivered: Number(count - count / 100n),
    });
    expect(progress).toEqual([
      { done: 0, total: 1, lines: 0, missing: 0 },
      { done: 1, total: 1, lines: Number(count), missing: Number(count / 100n) },
    ]);
    expect(held.now).toBe(0);
    peaks.push(held.peak);
  }
  expect(peaks[1]).toBeLessThanOrEqual((peaks[0] as number) * 1.01);
});

test('an entry of Loki that cannot be understood may be the line that seems to be missing: nothing is sent', async () => {
  write(1n, 'one');
  write(2n, 'two');
  store(1n, 'one');
  store(2n, 'two');
  const damaged: typeof loki = Object.create(loki, {
    get: {
      value: async (...question: Parameters<ModelLoki['get']>) => {
        const answer = await loki.get(...question);
        return { ...answer, body: answer.body.replace('"two"', '2') };
      },
    },
  }) as typeof loki;
  const sent: unknown[] = [];
  const repair = {
    newBatch: () => {
      sent.push('a batch');
      throw new Error('nothing is to be sent');
    },
    push: () => Promise.reject(new Error('nothing is to be sent')),
    batchBytes: 1000,
  };
  const { first } = await run({ transport: damaged }, { repair });
  expect(first).toMatchObject({
    status: 'partial',
    reason: expect.stringContaining('could not be understood') as string,
    streams: { stdout: { delivered: 1, missing: 1 } },
  });
  expect(sent).toEqual([]);
});

describe('whether lines are in Loki under other labels', () => {
  /** Refuses, or does not answer, what has this in its query. */
  function without(text: string, answer: { status: number; body: string; contentType: string }): typeof loki {
    return Object.create(loki, {
      get: {
        value: async (...question: Parameters<ModelLoki['get']>) => {
          const { query = '' } = question[1].parameters ?? {};
          return query.startsWith(text) ? answer : await loki.get(...question);
        },
      },
    }) as typeof loki;
  }
  const anywhere = '{stream="stdout"} |';
  const sent: string[] = [];
  const repair = {
    newBatch: () => {
      sent.push('a batch');
      throw new Error('a batch is wanted');
    },
    push: () => Promise.reject(new Error('nothing is pushed here')),
    batchBytes: 1000,
  };
  beforeEach(() => {
    sent.length = 0;
    write(1n, 'one');
    write(2n, 'two');
    store(1n, 'one');
  });

  test('cannot be asked: said, and nothing is sent', async () => {
    const transport = without(anywhere, { status: 404, body: 'no such page', contentType: 'text/plain' });
    const away = without(anywhere, { status: 500, body: 'internal', contentType: 'text/plain' });
    // A Loki that does not know structured metadata has no lines with an id.
    await expect(run({ transport }, { repair, idIsSent: true })).rejects.toThrow('a batch is wanted');
    const { first } = await run(
      { transport: away },
      { repair, idIsSent: true, clock: new LeapingClock(START + 1_000_000n * SECOND) },
    );
    expect(first).toMatchObject({ status: 'partial', streams: { stdout: { missing: 1, repaired: 0 } } });
    expect(first.reason).toContain('could not be asked');
    expect(sent).toEqual(['a batch']);
  });

  test('is asked of other hosts first, and of all streams only for what is not found before', async () => {
    const selectors = new Set<string>();
    const transport = Object.create(loki, {
      get: {
        value: async (...question: Parameters<ModelLoki['get']>) => {
          selectors.add(question[1].parameters?.['query'] ?? '');
          return await loki.get(...question);
        },
      },
    }) as typeof loki;
    loki.entries.push({
      labels: { ...labelsOf(web, 'stdout'), host: 'other' },
      stamp: START + 2n,
      line: 'two',
      containerId: web.id,
    });
    const { first } = await run({ transport }, { idIsSent: true });
    expect(first.streams.stdout).toMatchObject({ delivered: 2, relabelled: 1, missing: 0 });
    expect(first.otherLabels).toEqual([{ labels: '{host="other"}', lines: 1 }]);
    expect([...selectors].some((each) => each.startsWith(anywhere))).toBe(false);
  });

  test('a piece of the line is there, under other labels: it is not sent', async () => {
    write(3n, 'x'.repeat(5000));
    for (const [at, line] of [
      [2n, 'two'],
      [3n, 'x'.repeat(2000)],
    ] as const) {
      loki.entries.push({
        labels: { container: 'web', job: 'else', stream: 'stdout' },
        stamp: START + at,
        line,
        containerId: web.id,
      });
    }
    const { first } = await run({}, { repair, idIsSent: true });
    expect(first.streams.stdout).toMatchObject({ delivered: 3, relabelled: 2, missing: 0 });
    expect(first.otherLabels).toEqual([{ labels: '{host="", job="else"}', lines: 1 }]);
    expect(sent).toEqual([]);
  });
});
