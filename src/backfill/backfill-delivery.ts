import type { Delivered } from '../collector/delivery.js';
import type { EntryBatch } from '../loki/batch.js';
import type { EntrySet } from '../loki/entry-set.js';
import type { Pusher } from '../loki/pusher.js';
import { ALL_KEPT, type NotKept, type RejectedSink } from '../loki/rejected.js';
import type { Rejection } from '../loki/rejected-record.js';
import type { StreamTarget } from '../loki/stream-target.js';
import type { UnstoredLines } from '../loki/unstored-lines.js';
import type { RefusalKind } from '../loki/verdict.js';
import { readPiece } from '../model/line-piece.js';
import { OldStreams, type OldStreamsParts } from './old-streams.js';
import type { RateLimit } from './rate-limit.js';

/** What a backfill does with lines that Loki refuses. */
export interface RefusalSink extends RejectedSink {
  /** Counts lines that are too old for Loki and were not sent. */
  countTooOld(lines: readonly UnstoredLines[]): Promise<void>;
}

export interface BackfillDeliveryParts extends OldStreamsParts {
  /** Makes the pusher, whose refusals go to the sink. */
  readonly makePusher: (refusals: RefusalSink) => Pusher;
  readonly rate: RateLimit;
  /** Only the live streams are used: what is too far behind them is refused. */
  readonly intoLive: boolean;
}

/** What was sent of one container. */
export interface Sent {
  /** Entries that Loki accepted. */
  readonly entries: number;
  /** Of them: those under the backfill label. */
  readonly underLabel: number;
  /** Bytes of the batches, as they go to Loki, uncompressed. */
  readonly bytes: number;
  /** Lines that Loki refused, by kind; the pieces of one line count once. */
  readonly refused: Readonly<Record<string, number>>;
  /** Why it refused some, in its own words, by kind. */
  readonly reasons: Readonly<Record<string, string>>;
}

interface Counts {
  entries: number;
  underLabel: number;
  bytes: number;
  readonly refused: Map<RefusalKind, number>;
  readonly reasons: Map<RefusalKind, string>;
}

/**
 * Sends the lines of a backfill: within the rate, into the live stream where Loki accepts that, else into a stream of
 * their own. Refused lines are counted by container; no copy is kept, since Docker's log has them.
 */
export class BackfillDelivery implements RefusalSink {
  readonly #parts: BackfillDeliveryParts;
  readonly #pusher: Pusher;
  readonly #counts = new Map<string, Counts>();
  /** By target, live and old. */
  readonly #streams = new Map<StreamTarget, OldStreams>();

  constructor(parts: BackfillDeliveryParts) {
    this.#parts = parts;
    this.#pusher = parts.makePusher(this);
  }

  /**
   * Resolves when each entry of the batch is in Loki, or refused and counted.
   *
   * @param batch of a live stream. Batches of one stream must be pushed one after the other
   * @throws as Pusher.push
   */
  async push(batch: EntryBatch, signal: AbortSignal): Promise<Delivered> {
    const { rate, intoLive } = this.#parts;
    const { target, entries } = batch;
    this.#countsOf(target).bytes += batch.bytes;
    try {
      await rate.take(batch.bytes, signal);
    } catch (error) {
      batch.release();
      throw error;
    }
    const old = this.#oldStreamsOf(target);
    let accepted = 0;
    let waiting: EntryBatch[];
    if (!intoLive && old.refusesAll(batch.newest)) {
      waiting = old.copies(batch.all());
      batch.release();
    } else {
      const live = await this.#pusher.push(batch, signal);
      this.#countsOf(target).entries += live.accepted;
      accepted += live.accepted;
      waiting = old.takeOverflow();
    }
    accepted += await this.#pushOld(old, waiting, signal);
    return { accepted, rejected: entries - accepted };
  }

  /** What was sent of a container so far. */
  sent(containerId: string): Sent {
    const counts = this.#counts.get(containerId);
    if (counts === undefined) return { entries: 0, underLabel: 0, bytes: 0, refused: {}, reasons: {} };
    return {
      entries: counts.entries,
      underLabel: counts.underLabel,
      bytes: counts.bytes,
      refused: Object.fromEntries(counts.refused),
      reasons: Object.fromEntries(counts.reasons),
    };
  }

  /** What was sent of all containers so far. */
  total(): { readonly entries: number; readonly bytes: number } {
    let [entries, bytes] = [0, 0];
    for (const counts of this.#counts.values()) {
      entries += counts.entries;
      bytes += counts.bytes;
    }
    return { entries, bytes };
  }

  /** Forgets what was counted of a container whose work begins anew. */
  forget(containerId: string): void {
    this.#counts.delete(containerId);
  }

  /** Gives up the pushes under way; resolves when there are none. */
  async close(): Promise<void> {
    await this.#pusher.close();
  }

  async write(rejections: readonly Rejection[]): Promise<NotKept> {
    for (const { entries, kind, reason } of rejections) {
      const old = this.#streams.get(entries.target);
      if (kind === 'too-far-behind' && !this.#parts.intoLive && old?.takeRefused(entries) === true) continue;
      this.#refused(entries.target, kind, linesOf(entries), reason);
    }
    return await Promise.resolve(ALL_KEPT);
  }

  async countTooOld(lines: readonly UnstoredLines[]): Promise<void> {
    for (const each of lines) this.#refused(each.target, each.kind, each.lines, each.reason);
    await Promise.resolve();
  }

  async #pushOld(old: OldStreams, batches: readonly EntryBatch[], signal: AbortSignal): Promise<number> {
    const open = [...batches];
    let accepted = 0;
    try {
      for (let batch = open.shift(); batch !== undefined; batch = open.shift()) {
        this.#streams.set(batch.target, old);
        const result = await this.#pusher.push(batch, signal);
        const counts = this.#countsOf(batch.target);
        counts.entries += result.accepted;
        counts.underLabel += result.accepted;
        accepted += result.accepted;
        open.unshift(...old.takeOverflow());
      }
    } finally {
      for (const batch of open) batch.release();
    }
    return accepted;
  }

  #refused(target: StreamTarget, kind: RefusalKind, lines: number, reason: string): void {
    const { refused, reasons } = this.#countsOf(target);
    refused.set(kind, (refused.get(kind) ?? 0) + lines);
    if (!reasons.has(kind)) reasons.set(kind, reason);
  }

  #oldStreamsOf(target: StreamTarget): OldStreams {
    let old = this.#streams.get(target);
    if (old === undefined) {
      old = new OldStreams(this.#parts, target);
      this.#streams.set(target, old);
    }
    return old;
  }

  #countsOf({ containerId = '' }: StreamTarget): Counts {
    let counts = this.#counts.get(containerId);
    if (counts === undefined) {
      counts = { entries: 0, underLabel: 0, bytes: 0, refused: new Map(), reasons: new Map() };
      this.#counts.set(containerId, counts);
    }
    return counts;
  }
}

/** Entries as lines: of a line in pieces only the first counts. */
function linesOf(entries: EntrySet): number {
  let lines = 0;
  for (let i = 0; i < entries.size; i++) {
    const piece = readPiece(entries.entryAt(i).structuredMetadata);
    if (piece === undefined || piece.number === 1) lines++;
  }
  return lines;
}
