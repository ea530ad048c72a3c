import { describe, expect, test } from '@jest/globals';
import { BackfillDelivery } from '../../../src/backfill/backfill-delivery.js';
import { RateLimit } from '../../../src/backfill/rate-limit.js';
import { EntryBatch } from '../../../src/loki/batch.js';
import { BufferPool } from '../../../src/loki/buffer-pool.js';
import type { EntrySet } from '../../../src/loki/entry-set.js';
import type { Pusher, PushResult } from '../../../src/loki/pusher.js';
import { nanosOf, secondsOf } from '../../../src/loki/read/stamp-range.js';
import { streamTarget, type StreamTarget } from '../../../src/loki/stream-target.js';
import type { RefusalKind } from '../../../src/loki/verdict.js';
import type { LinePiece } from '../../../src/model/line-piece.js';
import { systemClock } from '../../../src/model/system-clock.js';

const HOUR = 3_600_000_000_000n;
const START = 1_700_000_000_000_000_000n;
const never = new AbortController().signal;
const bounds = { maxBytes: 3 * 1024 * 1024, maxSpan: 100n * HOUR };

const LIVE = streamTarget({ labels: { container: 'web' }, containerName: 'web', containerId: 'ab' });

/** A Loki that refuses what is more than an hour behind the newest of its stream, and what is too old. */
class HourLoki {
  readonly stored: { readonly labels: string; readonly stamp: bigint; readonly line: string }[] = [];
  /** Labels of each push, in order. */
  readonly pushed: string[] = [];
  readonly #newest = new Map<string, bigint>();
  readonly #oldest: bigint;

  constructor(newestLive: bigint | undefined, oldest = 0n) {
    if (newestLive !== undefined) this.#newest.set(LIVE.labelString, newestLive);
    this.#oldest = oldest;
  }

  pusher(write: (refused: EntrySet, kind: RefusalKind) => Promise<unknown>): Pusher {
    return {
      push: async (batch: EntryBatch): Promise<PushResult> => {
        const all = batch.all();
        const labels = batch.target.labelString;
        this.pushed.push(labels);
        const kindOf = (stamp: bigint): RefusalKind | undefined => {
          if (stamp < this.#oldest) return 'too-old';
          const newest = this.#newest.get(labels) ?? stamp;
          return stamp < newest - HOUR ? 'too-far-behind' : undefined;
        };
        const kinds = Array.from({ length: all.size }, (_, i) => kindOf(all.stampAt(i)));
        kinds.forEach((kind, i) => {
          if (kind !== undefined) return;
          const { stamp, line } = all.entryAt(i);
          this.stored.push({ labels, stamp, line: line.toString() });
          if (stamp > (this.#newest.get(labels) ?? 0n)) this.#newest.set(labels, stamp);
        });
        for (const kind of ['too-old', 'too-far-behind'] as const) {
          const refused = all.where((i: number) => kinds[i] === kind);
          if (refused.size > 0) await write(refused, kind);
        }
        const accepted = kinds.filter((kind) => kind === undefined).length;
        batch.release();
        return { accepted, rejected: all.size - accepted, rejectedBytes: 0 };
      },
      state: () => ({ kind: 'ok' }) as never,
      isAway: false,
      underWay: 0,
      stop: () => undefined,
      close: async () => await Promise.resolve(),
    } as unknown as Pusher;
  }
}

function deliveryTo(loki: HourLoki, intoLive = false): BackfillDelivery {
  const pool = new BufferPool(1024 * 1024);
  return new BackfillDelivery({
    makePusher: (refusals) =>
      loki.pusher((entries, kind) => refusals.write([{ entries, status: 400, kind, reason: `${kind}!` }])),
    targetWith: (live: StreamTarget, more) => streamTarget({ ...live, labels: { ...live.labels, ...more } }),
    newBatch: (target) => new EntryBatch(target, bounds, pool),
    label: { name: 'backfill', value: 'run' },
    rate: new RateLimit(systemClock, 1024 ** 3),
    intoLive,
  });
}

function batchOf(lines: readonly (readonly [stamp: bigint, text: string, piece?: LinePiece])[]): EntryBatch {
  const batch = new EntryBatch(LIVE, bounds, new BufferPool(1024 * 1024));
  for (const [stamp, text, piece] of lines) {
    const bytes = Buffer.from(text);
    expect(batch.append(secondsOf(stamp), nanosOf(stamp), bytes, 0, bytes.length, piece)).toBe(true);
  }
  return batch;
}

const OLD = '{backfill="run", container="web"}';

describe('lines that are too far behind the live stream', () => {
  test('go into the stream of the run, the others into the live one', async () => {
    const loki = new HourLoki(START);
    const delivery = deliveryTo(loki);
    const sent = await delivery.push(
      batchOf([
        [START - 5n * HOUR, 'old'],
        [START - HOUR / 2n, 'new'],
      ]),
      never,
    );
    expect(sent).toEqual({ accepted: 2, rejected: 0 });
    expect(loki.stored.map(({ labels, line }) => [labels, line])).toEqual([
      ['{container="web"}', 'new'],
      [OLD, 'old'],
    ]);
    expect(delivery.sent('ab')).toMatchObject({ entries: 2, underLabel: 1, refused: {} });
  });

  test('are not sent to the live stream again once it has refused newer ones', async () => {
    const loki = new HourLoki(START);
    const delivery = deliveryTo(loki);
    await delivery.push(batchOf([[START - 3n * HOUR, 'a']]), never);
    await delivery.push(batchOf([[START - 4n * HOUR + 1n, 'b']]), never);
    expect(loki.pushed).toEqual(['{container="web"}', OLD, OLD]);
    expect(loki.stored.map(({ line }) => line)).toEqual(['a', 'b']);
  });

  test('that the stream of the run refuses as well go into a next one', async () => {
    const loki = new HourLoki(START);
    const delivery = deliveryTo(loki);
    await delivery.push(batchOf([[START - 3n * HOUR, 'late']]), never);
    const sent = await delivery.push(batchOf([[START - 9n * HOUR, 'early']]), never);
    expect(sent).toEqual({ accepted: 1, rejected: 0 });
    expect(loki.stored.at(-1)).toMatchObject({
      labels: '{backfill="run.2", container="web"}',
      line: 'early',
    });
  });

  test('keep their pieces', async () => {
    const loki = new HourLoki(START);
    const lineId = START - 5n * HOUR;
    const seen: unknown[] = [];
    const delivery = new BackfillDelivery({
      makePusher: (refusals) => {
        const pusher = loki.pusher((entries, kind) =>
          refusals.write([{ entries, status: 400, kind, reason: kind }]),
        );
        return {
          ...pusher,
          push: async (batch, signal) => {
            seen.push([batch.target.labelString, batch.entryAt(0).structuredMetadata]);
            return await pusher.push(batch, signal);
          },
        };
      },
      targetWith: (live, more) => streamTarget({ ...live, labels: { ...live.labels, ...more } }),
      newBatch: (target) => new EntryBatch(target, bounds, new BufferPool(1024)),
      label: { name: 'backfill', value: 'run' },
      rate: new RateLimit(systemClock, 1024 ** 3),
      intoLive: false,
    });
    const withMetadata = streamTarget({
      labels: { container: 'web' },
      structuredMetadata: { container_id: 'ab' },
      containerName: 'web',
      containerId: 'ab',
    });
    const batch = new EntryBatch(withMetadata, bounds, new BufferPool(1024));
    batch.append(secondsOf(lineId), nanosOf(lineId), Buffer.from('x'), 0, 1, { lineId, number: 1, count: 1 });
    await delivery.push(batch, never);
    const metadata = { container_id: 'ab', line_id: String(lineId), line_piece: '1', line_pieces: '1' };
    expect(seen).toEqual([
      ['{container="web"}', metadata],
      [OLD, metadata],
    ]);
  });

  test('are refused and counted when only the live stream may be used', async () => {
    const loki = new HourLoki(START);
    const delivery = deliveryTo(loki, true);
    const sent = await delivery.push(batchOf([[START - 5n * HOUR, 'old']]), never);
    expect(sent).toEqual({ accepted: 0, rejected: 1 });
    expect(delivery.sent('ab')).toMatchObject({
      entries: 0,
      refused: { 'too-far-behind': 1 },
      reasons: { 'too-far-behind': 'too-far-behind!' },
    });
  });
});

test('lines that are too old are counted, the pieces of a line once', async () => {
  const delivery = deliveryTo(new HourLoki(undefined, START));
  const lineId = START - HOUR;
  const batch = new EntryBatch(
    streamTarget({
      labels: { container: 'web' },
      structuredMetadata: { container_id: 'ab' },
      containerName: 'web',
      containerId: 'ab',
    }),
    bounds,
    new BufferPool(1024),
  );
  for (let number = 1; number <= 3; number++) {
    const stamp = lineId + BigInt(number - 1);
    batch.append(secondsOf(stamp), nanosOf(stamp), Buffer.from('x'), 0, 1, { lineId, number });
  }
  batch.append(secondsOf(START), nanosOf(START), Buffer.from('new'), 0, 3);
  await delivery.push(batch, never);
  expect(delivery.sent('ab')).toMatchObject({ entries: 1, refused: { 'too-old': 1 } });
});

test('a batch that waits for the rate is given back when the run is stopped', async () => {
  const pool = new BufferPool(1024 * 1024);
  const delivery = new BackfillDelivery({
    makePusher: () => new HourLoki(undefined).pusher(async () => await Promise.resolve()),
    targetWith: (live) => live,
    newBatch: (target) => new EntryBatch(target, bounds, pool),
    label: { name: 'backfill', value: 'run' },
    rate: new RateLimit(systemClock, 1),
    intoLive: false,
  });
  const batch = batchOf([[START, 'x']]);
  const stop = new AbortController();
  const pushing = delivery.push(batch, stop.signal);
  stop.abort(new Error('stopped'));
  await expect(pushing).rejects.toThrow(/abort|stopped/);
  expect(() => batch.all()).toThrow(/after its release/);
});
