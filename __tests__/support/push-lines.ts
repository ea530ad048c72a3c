import fc from 'fast-check';
import { EntryBatch, type BatchBounds } from '../../src/loki/batch.js';
import { BufferPool } from '../../src/loki/buffer-pool.js';
import type { EntrySet } from '../../src/loki/entry-set.js';
import { streamTarget, type StreamTarget, type StreamTargetInit } from '../../src/loki/stream-target.js';
import { NS_PER_SECOND, type Nanoseconds } from '../../src/model/nanoseconds.js';
import { decodePush } from '../../src/simulators/loki/protobuf.js';

/** 2023-11-14T22:13:20Z */
export const NOW = 1_700_000_000n * NS_PER_SECOND;
export const SECOND = NS_PER_SECOND;
export const MINUTE = 60n * NS_PER_SECOND;
export const HOUR = 3600n * NS_PER_SECOND;

/** A line as a test writes it and as it comes back. */
export interface PushLine {
  stamp: Nanoseconds;
  line: Buffer;
}

export function pushLine(stamp: Nanoseconds, line: string | Buffer = 'x'): PushLine {
  return { stamp, line: Buffer.from(line) };
}

/** So many lines, one a nanosecond, each with its number in it. */
export function numbered(count: number, from: Nanoseconds = NOW, padding = ''): PushLine[] {
  return Array.from({ length: count }, (_, i) => pushLine(from + BigInt(i), `line ${i}${padding}`));
}

export function testTarget(init: Partial<StreamTargetInit> = {}): StreamTarget {
  return streamTarget({ labels: { service_name: 's', stream: 'a' }, containerName: 'web', ...init });
}

/** As wide as a batch of the collector may be by default. */
export const BOUNDS: BatchBounds = { maxBytes: 3 * 1024 * 1024, maxSpan: 50n * MINUTE };

/** True when the batch took it. The line lies in the middle of a larger buffer, as lines do. */
export function append(batch: EntryBatch, { stamp, line }: PushLine): boolean {
  const source = Buffer.concat([Buffer.from('before'), line, Buffer.from('after')]);
  let seconds = stamp / NS_PER_SECOND;
  let nanos = stamp % NS_PER_SECOND;
  if (nanos < 0n) {
    seconds -= 1n;
    nanos += NS_PER_SECOND;
  }
  return batch.append(Number(seconds), Number(nanos), source, 6, 6 + line.length);
}

/** All of the lines in one batch. */
export function batchOf(
  lines: readonly PushLine[],
  target: StreamTarget = testTarget(),
  bounds: BatchBounds = { maxBytes: 64 * 1024 * 1024, maxSpan: 1n << 80n },
  pool: BufferPool = new BufferPool(0),
): EntryBatch {
  const batch = new EntryBatch(target, bounds, pool);
  for (const line of lines) if (!append(batch, line)) throw new Error('does not fit into one batch');
  return batch;
}

/** The lines in as many batches as they need, as the collector does it. */
export function batchesOf(
  lines: readonly PushLine[],
  target: StreamTarget = testTarget(),
  bounds: BatchBounds = BOUNDS,
  pool: BufferPool = new BufferPool(0),
): EntryBatch[] {
  const batches: EntryBatch[] = [];
  for (const line of lines) {
    const last = batches.at(-1);
    if (last !== undefined && append(last, line)) continue;
    const next = new EntryBatch(target, bounds, pool);
    if (!append(next, line)) throw new Error('an empty batch takes any line');
    batches.push(next);
  }
  return batches;
}

/** The lines of a set, copied. */
export function linesOf(entries: EntrySet): PushLine[] {
  return Array.from({ length: entries.size }, (_, i) => {
    const { stamp, line } = entries.entryAt(i);
    return { stamp, line: Buffer.from(line) };
  });
}

/** The lines of a push request, and its labels, decoded by other means than Pollard's. */
export function decoded(request: Buffer): { labels: string; lines: PushLine[]; metadata: unknown[] } {
  const streams = decodePush(request);
  const [stream] = streams;
  if (streams.length !== 1 || stream === undefined) throw new Error('one stream a request');
  return {
    labels: stream.labels,
    lines: stream.entries.map(({ stamp, line }) => ({ stamp, line: Buffer.from(line, 'latin1') })),
    metadata: stream.entries.map(({ metadata }) => metadata),
  };
}

export const linesAsText = (lines: readonly PushLine[]): string[] => lines.map(({ line }) => line.toString());

/** Any stamp that Go's protobuf takes: of the years 1 to 9999. */
export const anyPushStamp = fc.oneof(
  fc.bigInt({ min: 1_690_000_000n * SECOND, max: 1_710_000_000n * SECOND }),
  fc.bigInt({ min: -62_135_596_800n * SECOND, max: 253_402_300_799n * SECOND }),
  // Around the bounds of the fast ways: 1970, 2038, whole seconds.
  fc
    .tuple(fc.constantFrom(0n, 2n ** 31n, -(2n ** 31n), 127n, 128n), fc.bigInt({ min: -2n, max: 2n }))
    .map(([seconds, more]) => seconds * SECOND + more),
);

/** Any bytes, short and long. */
export const anyLineBytes = fc
  .oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.uint8Array({ minLength: 120, maxLength: 300 }),
    fc.integer({ min: 0, max: 20_000 }).map((length) => new Uint8Array(length).fill(length & 0xff)),
  )
  .map((bytes) => Buffer.from(bytes));

export const anyPushLine: fc.Arbitrary<PushLine> = fc.record({ stamp: anyPushStamp, line: anyLineBytes });
export const anyPushLines = fc.array(anyPushLine, { minLength: 1, maxLength: 25 });
