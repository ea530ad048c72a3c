import { beforeEach, describe, expect, test } from '@jest/globals';
import type { AuditOptions } from '../../../src/audit/audit.js';
import { fingerprint } from '../../../src/collector/fingerprint.js';
import type { LineBatch } from '../../../src/collector/line-batch.js';
import type { StreamNumber } from '../../../src/docker/entry-sink.js';
import type { StreamName } from '../../../src/model/container.js';
import type { Cursor } from '../../../src/model/cursor.js';
import { PollardError } from '../../../src/model/errors.js';
import { pieceMetadata } from '../../../src/model/line-piece.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { auditOf, containerNamed, labelsOf, START, type Fixture } from '../../support/audit-fixture.js';
import { ModelLog } from '../../support/model-log.js';
import { ModelLoki } from '../../support/model-loki.js';
import { ObjectBatch, type StoredLine } from '../../support/strict-loki.js';

const web = containerNamed('web');
const SECOND = NS_PER_SECOND;
/** So few fingerprints that an examination needs many slices. */
const LITTLE = 4096;

let log: ModelLog;
let loki: ModelLoki;
/** All lines that were sent, in order. */
let sent: StoredLine[];
let refuses: (line: StoredLine) => boolean;
let loses: (line: StoredLine) => boolean;
let beforePush: () => void;

beforeEach(() => {
  log = new ModelLog();
  loki = new ModelLoki();
  sent = [];
  refuses = () => false;
  loses = () => false;
  beforePush = () => undefined;
});

const repair = {
  batchBytes: 500,
  newBatch: (_: unknown, stream: StreamName) => new ObjectBatch(stream, 50, 3600n * SECOND),
  push: async (batch: LineBatch) => {
    const { lines } = batch as ObjectBatch;
    await new Promise(setImmediate);
    beforePush();
    let rejected = 0;
    for (const line of lines) {
      sent.push(line);
      if (refuses(line)) rejected++;
      else if (!loses(line)) store(line);
    }
    return { accepted: lines.length - rejected, rejected };
  },
};

function store({ stream, stamp, text, piece }: StoredLine, container = web): void {
  loki.entries.push({
    labels: labelsOf(container, stream),
    stamp,
    line: text,
    containerId: container.id,
    ...(piece === undefined ? {} : { metadata: Object.fromEntries(pieceMetadata(piece)) }),
  });
}

function write(at: bigint, text: string, stream: StreamNumber = 1, terminated = true): void {
  log.entries.push({ stream, stamp: START + at, text: Buffer.from(text), terminated });
}

/** Lines over a day, on both streams. */
function writeLines(count: number): void {
  for (let i = 0; i < count; i++) {
    write((BigInt(i) * 86_400n * SECOND) / BigInt(count), `line ${i}`, i % 3 === 0 ? 2 : 1);
  }
}

/** The lines from one to another, as they were delivered. */
function storeLines(from: number, to: number): void {
  for (const { stream, stamp, text } of log.entries.slice(from, to)) {
    store({ stream: stream === 1 ? 'stdout' : 'stderr', stamp, text: text.toString() });
  }
}

const run = (fixture: Partial<Fixture> = {}, over: Partial<AuditOptions> = {}) =>
  auditOf(
    { read: log.read, transport: loki, memoryBytes: LITTLE, ...fixture },
    { repair, idIsSent: true, until: START + 86_400n * SECOND, ...over },
  );

function anchorAt(number: number): Cursor['anchor'] {
  const { stream, stamp, text } = log.entries[number]!;
  return [{ stream: stream === 1 ? 'stdout' : 'stderr', stamp, hash: fingerprint(text, 0, text.length, 0) }];
}

const cursor = (over: Partial<Cursor>): Cursor => ({
  containerId: web.id,
  containerName: 'web',
  anchor: [],
  open: [],
  moved: {},
  committedAt: 0n,
  ...over,
});

/** The lines of a stream came oldest first. */
function expectInOrder(): void {
  for (const stream of ['stdout', 'stderr']) {
    const stamps = sent.filter((line) => line.stream === stream).map(({ stamp }) => stamp);
    expect(stamps).toEqual([...stamps].sort((a, b) => (a < b ? -1 : 1)));
  }
}

const textsSent = (): string[] => sent.map(({ text }) => text).sort();
const textsOf = (from: number, to: number): string[] =>
  log.entries
    .slice(from, to)
    .map(({ text }) => text.toString())
    .sort();

describe('Loki has nothing of the range', () => {
  test('the log is read once to send all of it, oldest first', async () => {
    writeLines(2000);
    const { totals, first } = await run();
    expect(totals).toMatchObject({ lines: 2000, delivered: 2000, repaired: 2000, missing: 0 });
    expect(textsSent()).toEqual(textsOf(0, 2000));
    expectInOrder();
    // A look at its end, one for its beginning, and the reading.
    expect(log.reads).toBe(3);
    expect(first.samples.repaired).toHaveLength(10);
    sent = [];
    expect((await run()).totals).toMatchObject({ lines: 2000, delivered: 2000, repaired: 0, missing: 0 });
    expect(sent).toEqual([]);
  });

  test('a Loki that answers no metric query is compared line by line, and nothing is sent twice', async () => {
    writeLines(500);
    loki.counts = false;
    const { totals } = await run();
    expect(totals).toMatchObject({ lines: 500, delivered: 500, repaired: 500, missing: 0 });
    expect(textsSent()).toEqual(textsOf(0, 500));
  });

  test('equal lines of one timestamp are sent once', async () => {
    for (const at of [1n, 1n, 1n, 2n, 2n]) write(at, 'same');
    const { first } = await run();
    expect(first.streams.stdout).toMatchObject({ lines: 5, folded: 3, delivered: 2, repaired: 2 });
    expect(sent).toHaveLength(2);
  });

  test('a line that Loki lost after it had accepted it is missing, and is not sent again', async () => {
    writeLines(500);
    loses = ({ text }) => text === 'line 77';
    const { totals, first } = await run();
    expect(totals).toMatchObject({ lines: 500, delivered: 499, repaired: 499, missing: 1 });
    expect(first.samples.missing.map(({ text }) => text)).toEqual(['line 77']);
    expect(textsSent()).toEqual(textsOf(0, 500));
  });

  test('refused lines are missing, and are not sent again', async () => {
    writeLines(500);
    refuses = ({ stamp }) => stamp < START + 10_000n * SECOND;
    const refused = log.entries.filter(({ stamp }) => stamp < START + 10_000n * SECOND).length;
    const { totals } = await run();
    expect(totals).toMatchObject({ lines: 500, repaired: 500 - refused, missing: refused });
    expect(totals.delivered).toBe(500 - refused);
    expect(textsSent()).toEqual(textsOf(0, 500));
  });

  test('long lines come in pieces, with their numbers', async () => {
    for (let i = 0n; i < 20n; i++) {
      write(i * SECOND, `short ${i}`);
      write(i * SECOND + 5000n, `${i} `.repeat(900));
    }
    const { first } = await run({ maxLineBytes: 1024 });
    expect(first.streams.stdout).toMatchObject({ lines: 40, delivered: 40, repaired: 40, inPieces: 20 });
    expect(loki.entries.some(({ metadata }) => metadata !== undefined)).toBe(true);
    const again = await auditOf({ read: log.read, transport: loki, maxLineBytes: 1024 }, { idIsSent: true });
    expect(again.first.streams.stdout).toMatchObject({ lines: 40, delivered: 40, inPieces: 20, missing: 0 });
  });

  test('a push that fails ends it; what was accepted is known to be, and the next run sends the rest', async () => {
    writeLines(500);
    let pushes = 0;
    beforePush = () => {
      if (++pushes > 3) throw new PollardError('push_failed', 'Loki did not take it', { exit: 'loki' });
    };
    const { failure } = await run();
    expect(failure).toMatchObject({ code: 'push_failed' });
    const before = loki.entries.length;
    expect(before).toBeGreaterThan(0);
    beforePush = () => undefined;
    sent = [];
    expect((await run()).totals).toMatchObject({ lines: 500, delivered: 500, repaired: 500 - before });
    expect(sent).toHaveLength(500 - before);
  });
});

describe('with a cursor', () => {
  test('lines after it are left to the service', async () => {
    writeLines(500);
    const { totals } = await run({}, { cursorOf: () => cursor({ anchor: anchorAt(399) }) });
    expect(totals).toMatchObject({ lines: 500, delivered: 400, repaired: 400, pending: 100, missing: 0 });
    expect(textsSent()).toEqual(textsOf(0, 400));
  });

  test('whose place is not in the log any more, nothing is sent', async () => {
    writeLines(500);
    const { stamp } = log.entries[400]!;
    const anchor = [{ stream: 'stdout' as const, stamp, hash: '0000000000000000' }];
    const { totals } = await run({}, { cursorOf: () => cursor({ anchor }) });
    expect(totals).toMatchObject({ lines: 500, pending: 500, missing: 0, repaired: 0 });
    expect(sent).toEqual([]);
  });

  test('that is before the range, nothing is sent', async () => {
    writeLines(500);
    const { totals } = await run(
      {},
      { cursorOf: () => cursor({ anchor: anchorAt(20) }), since: START + 50_000n * SECOND },
    );
    expect(totals).toMatchObject({ missing: 0, repaired: 0, delivered: 0 });
    expect(totals.pending).toBe(totals.lines);
    expect(sent).toEqual([]);
  });

  test('in the middle of a long line, that line is left to the service', async () => {
    for (let i = 0n; i < 50n; i++) write(i * SECOND, `line ${i}`);
    const chunk = 'x'.repeat(1500);
    write(60n * SECOND, chunk, 1, false);
    write(60n * SECOND, `${chunk} end`, 1);
    write(61n * SECOND, 'after');
    const open: Cursor['open'][number] = {
      stream: 'stdout',
      stamp: START + 60n * SECOND,
      text: Buffer.from(chunk.slice(1024)),
      cut: false,
      delivered: { count: 1, lineId: START + 60n * SECOND },
    };
    const stored: StoredLine = {
      stream: 'stdout',
      stamp: START + 60n * SECOND,
      text: chunk.slice(0, 1024),
      piece: { lineId: START + 60n * SECOND, number: 1 },
    };
    const place = { anchor: anchorAt(50), open: [open] };
    // Not even its first piece is sent, which the service has delivered.
    const { first } = await run({ maxLineBytes: 1024 }, { cursorOf: () => cursor(place) });
    expect(textsSent()).toEqual(textsOf(0, 50));
    store(stored);
    sent = [];
    const again = await run({ maxLineBytes: 1024 }, { cursorOf: () => cursor(place) });
    expect(again.first.streams.stdout).toMatchObject({ lines: 52, delivered: 50, pending: 2, missing: 0 });
    expect(first.streams.stdout).toMatchObject({ lines: 52, delivered: 50, repaired: 50 });
    expect(sent).toEqual([]);
  });
});

describe('Loki has the beginning of the range', () => {
  test('the rest is sent in one more reading, oldest first', async () => {
    writeLines(2000);
    storeLines(0, 800);
    const { totals } = await run();
    expect(totals).toMatchObject({ lines: 2000, delivered: 2000, repaired: 1200, missing: 0 });
    expect(textsSent()).toEqual(textsOf(800, 2000));
    // Beside the looks and the survey: one slice where the two meet, and the reading that sends the rest.
    expect(log.reads).toBeLessThanOrEqual(8);
    expectInOrder();
  });

  test('lines that are missing in it are sent before the rest', async () => {
    writeLines(2000);
    storeLines(0, 300);
    storeLines(340, 800);
    const { totals } = await run();
    expect(totals).toMatchObject({ lines: 2000, delivered: 2000, repaired: 1240, missing: 0 });
    expect(textsSent()).toEqual([...textsOf(300, 340), ...textsOf(800, 2000)].sort());
    const rest = sent.findIndex(({ stamp }) => stamp >= log.entries[1000]!.stamp);
    expect(sent.slice(rest).every(({ stamp }) => stamp >= log.entries[800]!.stamp)).toBe(true);
  });

  test('what Loki loses of the rest is missing, and is not sent again', async () => {
    writeLines(2000);
    storeLines(0, 800);
    loses = ({ text }) => text === 'line 1777';
    const { totals } = await run();
    expect(totals).toMatchObject({ lines: 2000, delivered: 1999, repaired: 1199, missing: 1 });
    expect(textsSent()).toEqual(textsOf(800, 2000));
  });
});

test('lines that are in Loki under other labels are not sent', async () => {
  writeLines(500);
  storeLines(0, 500);
  for (const entry of loki.entries) entry.labels['host'] = 'other';
  const { totals } = await run();
  expect(totals).toMatchObject({ lines: 500, relabelled: 500, repaired: 0, missing: 0 });
  expect(sent).toEqual([]);
});
