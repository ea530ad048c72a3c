import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { RejectedAgain } from '../../../src/audit/rejected-again.js';
import { inOrder, surveyRejected } from '../../../src/audit/rejected-slices.js';
import { resend, type ResendOptions } from '../../../src/audit/resend.js';
import { EntryBatch } from '../../../src/loki/batch.js';
import { BufferPool } from '../../../src/loki/buffer-pool.js';
import { RejectedStore } from '../../../src/loki/rejected-store.js';
import { readRejectedFile } from '../../../src/loki/rejected.js';
import { streamTarget, type StreamTarget } from '../../../src/loki/stream-target.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { never } from '../../support/engine-api.js';
import { ManualClock } from '../../support/manual-clock.js';

const START = 1_700_000_000n * NS_PER_SECOND;
let dir: string;
let path: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pollard-resend-'));
  path = join(dir, 'rejected.jsonl');
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

interface Refused {
  at: bigint;
  line: string | Buffer;
  container?: string;
  stream?: string;
  kind?: string;
  tenant?: string;
  piece?: Record<string, string>;
}

function record({
  at,
  line,
  container = 'web',
  stream = 'stdout',
  kind = 'too-far-behind',
  tenant,
  piece = {},
}: Refused): string {
  return JSON.stringify({
    time: '2026-01-01T00:00:00.000000000Z',
    status: 400,
    kind,
    reason: `400 ${kind}`,
    container,
    labels: { stream, container },
    structuredMetadata: { container_id: container, ...piece },
    ...(tenant === undefined ? {} : { tenant }),
    ts: String(START + at),
    ...(typeof line === 'string' ? { line } : { lineBase64: line.toString('base64') }),
  });
}

const writeFileOf = async (records: readonly Refused[]): Promise<void> =>
  writeFile(path, records.map((each) => `${record(each)}\n`).join(''));

interface Sent {
  target: StreamTarget;
  lines: string[];
  stamps: bigint[];
}

function collecting(over: Partial<ResendOptions> = {}): ResendOptions & { sent: Sent[] } {
  const sent: Sent[] = [];
  const pool = new BufferPool(1024 * 1024);
  return {
    sent,
    path,
    batchBytes: 64 * 1024,
    memoryBytes: 1024 * 1024,
    newBatch: (target) =>
      new EntryBatch(target, { maxBytes: 128 * 1024, maxSpan: 3000n * NS_PER_SECOND }, pool),
    push: async (batch) => {
      const entries = Array.from({ length: batch.entries }, (_, i) => batch.entryAt(i));
      sent.push({
        target: batch.target,
        lines: entries.map(({ line }) => line.toString('latin1')),
        stamps: entries.map(({ stamp }) => stamp - START),
      });
      batch.release();
      return { accepted: entries.length, rejected: 0 };
    },
    ...over,
  };
}

test('one stream a push, each from the oldest to the newest, with all that its lines had', async () => {
  await writeFileOf([
    { at: 30n, line: 'c' },
    { at: 10n, line: 'a' },
    { at: 20n, line: 'of db', container: 'db' },
    { at: 20n, line: Buffer.from([0xff, 0xfe]) },
    { at: 20n, line: 'err', stream: 'stderr', kind: 'too-old' },
    { at: 20n, line: 'elsewhere', tenant: 'other' },
  ]);
  const options = collecting();
  const summary = await resend(options, never);
  expect(summary).toMatchObject({ lines: 6, unreadable: 0, accepted: 6, refused: 0 });
  expect([...summary.kinds]).toEqual([
    ['too-far-behind', 5],
    ['too-old', 1],
  ]);
  const sent = options.sent.map(({ target, lines, stamps }) => [
    target.labelString,
    target.tenant,
    lines,
    stamps,
  ]);
  expect(sent).toEqual([
    ['{container="web", stream="stdout"}', undefined, ['a', '\xff\xfe', 'c'], [10n, 20n, 30n]],
    ['{container="db", stream="stdout"}', undefined, ['of db'], [20n]],
    ['{container="web", stream="stderr"}', undefined, ['err'], [20n]],
    ['{container="web", stream="stdout"}', 'other', ['elsewhere'], [20n]],
  ]);
  expect(options.sent[1]?.target).toMatchObject({
    structuredMetadata: { container_id: 'db' },
    containerName: 'db',
  });
});

test('the older file beside it is sent with it, and what was not kept is named', async () => {
  await writeFileOf([{ at: 20n, line: 'new' }]);
  await rename(path, `${path}.1`);
  const store = await RejectedStore.open({ path, clock: new ManualClock(), maxBytes: 1 << 20 });
  await store.count([
    {
      target: streamTarget({ labels: { stream: 'stdout' }, containerName: 'web' }),
      kind: 'too-old',
      reason: 'older than the 7 days that Loki accepts',
      lines: 12_345,
      from: START,
      until: START,
    },
  ]);
  await store.close();
  await writeFileOf([{ at: 10n, line: 'newer file, older line' }]);
  const options = collecting();
  const { lines, accepted, notKept } = await resend(options, never);
  expect([lines, accepted, [...notKept]]).toEqual([2, 2, [['too-old', 12_345]]]);
  expect(options.sent.map((each) => each.lines)).toEqual([['newer file, older line', 'new']]);

  await rm(path);
  expect(await resend(collecting(), never)).toMatchObject({ lines: 1, accepted: 1 });
  await rm(`${path}.1`);
  await expect(resend(collecting(), never)).rejects.toMatchObject({ code: 'rejected_file_unusable' });
});

test('pieces of a line go with the other lines of their stream, and say again what they are', async () => {
  const piece = (number: number) => ({ line_id: String(START), line_piece: String(number) });
  await writeFileOf([
    { at: 0n, line: 'a', piece: piece(1) },
    { at: 1n, line: 'a', piece: { ...piece(2), line_pieces: '2' } },
    { at: 5n, line: 'whole' },
  ]);
  const metadata: Record<string, string>[] = [];
  const options = collecting({
    push: async (batch) => {
      for (let i = 0; i < batch.entries; i++) metadata.push({ ...batch.entryAt(i).structuredMetadata });
      return { accepted: batch.entries, rejected: 0 };
    },
  });
  let pushes = 0;
  const { push } = options;
  await resend({ ...options, push: async (batch) => (pushes++, await push(batch)) }, never);
  expect(pushes).toBe(1);
  expect(metadata).toEqual([
    { container_id: 'web', ...piece(1) },
    { container_id: 'web', ...piece(2), line_pieces: '2' },
    { container_id: 'web' },
  ]);
});

test('under a label of its own', async () => {
  await writeFileOf([{ at: 1n, line: 'a' }]);
  const options = collecting({ label: { name: 'resent', value: 'yes' } });
  await resend(options, never);
  expect(options.sent[0]?.target.labels).toEqual({ stream: 'stdout', container: 'web', resent: 'yes' });
});

test('what is no record is counted, and passed over', async () => {
  await writeFile(path, `${record({ at: 1n, line: 'a' })}\ntorn {\n\n${record({ at: 2n, line: 'b' })}`);
  const options = collecting();
  expect(await resend(options, never)).toMatchObject({ lines: 2, unreadable: 1, accepted: 2 });
});

test('what is refused again is counted; what fails ends it', async () => {
  await writeFileOf(Array.from({ length: 100 }, (_, i) => ({ at: BigInt(i), line: 'x'.repeat(1000) })));
  let pushes = 0;
  const progress: number[] = [];
  const options = collecting({
    batchBytes: 10_000,
    push: async ({ entries }) => {
      if (++pushes === 3) throw new Error('Loki is gone');
      return { accepted: entries - 1, rejected: 1 };
    },
    onProgress: ({ accepted, refused }) => progress.push(accepted + refused),
  });
  await expect(resend(options, never)).rejects.toThrow('Loki is gone');
  expect(progress).toHaveLength(2);
  await expect(resend({ ...options, path: join(dir, 'none') }, never)).rejects.toMatchObject({
    code: 'rejected_file_unusable',
  });
});

test('in the order of time, in whatever room, each line once', async () => {
  const refused = fc.record({
    at: fc.oneof(
      fc.bigInt({ min: 0n, max: 10n * 86_400n * NS_PER_SECOND }),
      fc.bigInt({ min: 0n, max: 200n * NS_PER_SECOND }),
    ),
    line: fc.string({ maxLength: 30 }),
    container: fc.constantFrom('web', 'db'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(refused, { maxLength: 80 }),
      fc.constantFrom(1, 600, 3000, 1_000_000),
      async (records, memoryBytes) => {
        await writeFileOf(records);
        const overview = await surveyRejected(path, never);
        let latest = -1n;
        for await (const slice of inOrder(path, overview, memoryBytes, never)) {
          const bytes = slice.reduce((sum, { line }) => sum + line.length + 500, 0);
          // No more than there is room for, and the line that filled it.
          expect(bytes).toBeLessThan(memoryBytes + 600);
          for (const { stamp } of slice) {
            expect(stamp / (60n * NS_PER_SECOND)).toBeGreaterThanOrEqual(latest);
            latest = stamp / (60n * NS_PER_SECOND);
          }
        }
        const options = collecting({ memoryBytes });
        const { accepted } = await resend(options, never);
        expect(accepted).toBe(records.length);
        const key = (container: string, at: bigint, line: string): string => `${container} ${at} ${line}`;
        const sent = options.sent.flatMap(({ target, lines, stamps }) =>
          lines.map((line, i) => key(target.containerName, stamps[i]!, line)),
        );
        const wanted = records.map(({ container, at, line }) =>
          key(container, at, Buffer.from(line).toString('latin1')),
        );
        expect(sent.sort()).toEqual(wanted.sort());
      },
    ),
    { numRuns: 60 },
  );
});

describe('the file for what is refused again', () => {
  const clock = new ManualClock();
  const rejection = async (line: string) => {
    const pool = new BufferPool(1024);
    const { streamTarget } = await import('../../../src/loki/stream-target.js');
    const target = streamTarget({ labels: { a: 'b' }, containerName: 'web' });
    const batch = new EntryBatch(target, { maxBytes: 1000, maxSpan: NS_PER_SECOND }, pool);
    const text = Buffer.from(line);
    batch.append(1, 2, text, 0, text.length);
    return [{ entries: batch.all(), status: 400, kind: 'too-old' as const, reason: 'old' }];
  };
  const linesIn = async (name: string): Promise<string[]> => {
    const lines: string[] = [];
    for await (const { line } of readRejectedFile(join(dir, name))) lines.push(line.toString());
    return lines;
  };

  test('is made when there is something for it, beside the first one, which stays as it is', async () => {
    await writeFile(path, 'as it was');
    const again = new RejectedAgain(path, clock);
    expect(again.path).toBeUndefined();
    await again.close();
    expect(await readdir(dir)).toEqual(['rejected.jsonl']);
    await again.write(await rejection('one'));
    await again.write(await rejection('two'));
    await again.close();
    expect(again.path).toBe(`${path}.again`);
    expect(await linesIn('rejected.jsonl.again')).toEqual(['one', 'two']);
    const third = new RejectedAgain(path, clock);
    await third.write(await rejection('three'));
    await third.close();
    expect(third.path).toBe(`${path}.again.2`);
    expect(await linesIn('rejected.jsonl.again')).toEqual(['one', 'two']);
    expect(await readFile(path, 'utf8')).toBe('as it was');
  });

  test('is tried again when it could not be made', async () => {
    const late = new RejectedAgain(join(dir, 'file', 'rejected.jsonl'), clock);
    await writeFile(join(dir, 'file'), 'in the way');
    await expect(late.write(await rejection('x'))).rejects.toMatchObject({ code: 'rejected_file_unusable' });
    await rm(join(dir, 'file'));
    await late.write(await rejection('x'));
    await late.close();
    expect(late.path).toBe(join(dir, 'file', 'rejected.jsonl.again'));
  });
});
