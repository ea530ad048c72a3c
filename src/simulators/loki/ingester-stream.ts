import { NS_PER_MS, type Nanoseconds } from '../../model/nanoseconds.js';
import type { Chunk } from './chunk.js';
import { entrySize, equalEntries, type Entry } from './entry.js';
import { goTime } from './go-format.js';
import { sameLabels } from './labels.js';
import type { LokiLimits } from './limits.js';
import type { LogStore, StoredStream } from './log-store.js';
import type { Messages } from './messages.js';
import { refuse, type DiscardReason, type PushTally } from './tally.js';
import { TokenBucket } from './token-bucket.js';

/** An answer other than 204. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
}

/** What a stream must know of its ingester. */
export interface StreamContext {
  readonly tenant: string;
  readonly limits: LokiLimits;
  readonly messages: Messages;
  readonly store: LogStore;
  /** 3.7: equal entries need equal structured metadata. */
  readonly metadataCounts: boolean;
}

interface Failed {
  readonly entry: Entry;
  readonly reason: DiscardReason;
  readonly message: string;
}

/** An active stream of the ingester (pkg/ingester/stream.go). */
export class IngesterStream {
  readonly stored: StoredStream;
  /** Monotonic ms of the last entry that came. */
  lastUpdated: number;
  readonly #context: StreamContext;
  readonly #rate: TokenBucket;
  #last: Entry | undefined;
  #newest: Nanoseconds | undefined;
  #chunk: Chunk;
  #losses = 0;

  constructor(stored: StoredStream, context: StreamContext, now: number) {
    this.stored = stored;
    this.#chunk = stored.openChunk();
    this.#context = context;
    this.lastUpdated = now;
    const { perStreamRateBytes, perStreamBurstBytes } = context.limits;
    this.#rate = new TokenBucket(perStreamRateBytes, perStreamBurstBytes, now);
  }

  /**
   * Stores what can be stored. Returns the bytes that count for the stream's rate, and the refusal, if any: the
   * good entries of a refused push are stored all the same, but for the stream's rate, which refuses it whole.
   */
  push(
    entries: readonly Entry[],
    tally: PushTally,
    now: number,
  ): { bytes: number; refusal: Refusal | undefined } {
    const { limits } = this.#context;
    this.#forgetLost();
    const valid: Entry[] = [];
    let failed: Failed[] = [];
    let last = this.#last;
    let newest = this.#newest;
    let bytes = 0;
    let validBytes = 0;
    let foldedAsLast = 0;

    for (const entry of entries) {
      // Against the entry before, also one of this push, and one of long ago (validateEntries).
      if (last !== undefined && this.#equal(last, entry)) {
        foldedAsLast++;
        this.#foldInto(last, entry);
        continue;
      }
      const size = entrySize(entry);
      bytes += size;
      if (!limits.shardStreams && !this.#rate.allow(size, now)) {
        failed.push(this.#rateLimited(entry));
        continue;
      }
      const cutoff = newest === undefined ? undefined : newest - this.#window();
      if (cutoff !== undefined && entry.stamp < cutoff) {
        const message = this.#context.messages.tooFarBehind(entry.stamp, cutoff);
        failed.push({ entry, reason: 'too_far_behind', message });
        continue;
      }
      validBytes += size;
      last = entry;
      if (newest === undefined || entry.stamp > newest) newest = entry.stamp;
      valid.push(entry);
    }

    // With sharding on, as it is by default, a stream over its rate is refused whole; what was too far behind
    // is then no longer spoken of. Equal entries were passed over before, and stay so.
    const overRate = limits.shardStreams && !this.#rate.allow(validBytes, now);
    if (overRate) {
      for (const { reason } of failed) refuse(tally, reason, 1);
      failed = valid.map((entry) => this.#rateLimited(entry));
    }
    tally.foldedAsLast += foldedAsLast;
    for (const { reason } of failed) refuse(tally, reason, 1);
    if (!overRate) for (const entry of valid) this.#store(entry, tally, now);
    return { bytes, refusal: this.#refusal(failed, entries.length) };
  }

  /** Closes the chunk when its entries lie too far apart (pkg/ingester/flush.go shouldFlushChunk). */
  closeOldChunk(): void {
    if (this.#chunk.span > BigInt(this.#context.limits.maxChunkAgeMs) * NS_PER_MS) this.#openChunk();
  }

  /** The ingester forgets the stream, and flushes its chunk. */
  end(): void {
    this.stored.closeChunk(this.#chunk);
  }

  /** What was lost is stored when it comes again: nothing is folded against what is not there any more. */
  #forgetLost(): void {
    if (this.stored.losses === this.#losses) return;
    this.#losses = this.stored.losses;
    this.#last = undefined;
    this.#chunk.retain(this.stored.kept());
  }

  #window(): Nanoseconds {
    return (BigInt(this.#context.limits.maxChunkAgeMs) * NS_PER_MS) / 2n;
  }

  #equal(a: Entry, b: Entry): boolean {
    return a.stamp === b.stamp && equalEntries(a, b, this.#context.metadataCounts);
  }

  /** pkg/ingester/stream.go storeEntries, pkg/chunkenc/memchunk.go Append. */
  #store(entry: Entry, tally: PushTally, now: number): void {
    this.lastUpdated = now;
    this.#last = entry;
    if (this.#newest === undefined || entry.stamp > this.#newest) this.#newest = entry.stamp;
    const { store } = this.#context;
    if (!this.#chunk.hasSpaceFor(entry)) this.#openChunk();
    const kept = { ...entry, metadata: store.intern(entry.metadata), chunk: this.#chunk.id };
    const equal = this.#chunk.append(kept);
    if (equal === undefined) {
      this.stored.append(kept);
      tally.stored++;
    } else {
      tally.foldedInHead++;
      this.#foldInto(equal, kept);
    }
  }

  /** A repetition of the same metadata leaves nothing to remember. */
  #foldInto(equal: Entry, entry: Entry): void {
    if (!sameLabels(equal.metadata, entry.metadata)) this.stored.fold(entry);
  }

  #openChunk(): void {
    this.stored.closeChunk(this.#chunk);
    this.#chunk = this.stored.openChunk();
  }

  #rateLimited(entry: Entry): Failed {
    const message = this.#context.messages.streamRate(this.#rate.rate, this.stored.name, entrySize(entry));
    return { entry, reason: 'per_stream_rate_limit', message };
  }

  /** The last failure decides the status; the first ones are named (errorForFailedEntries). */
  #refusal(failed: readonly Failed[], total: number): Refusal | undefined {
    const last = failed.at(-1);
    if (last === undefined) return undefined;
    const { limits, tenant } = this.#context;
    const named = limits.maxReturnedErrors > 0 ? failed.slice(0, limits.maxReturnedErrors) : failed;
    const list = named.map(
      ({ entry, message }) => `entry with timestamp ${goTime(entry.stamp)} ignored, reason: '${message}',\n`,
    );
    const end = `user '${tenant}', total ignored: ${failed.length} out of ${total} for stream: ${this.stored.name}`;
    return {
      status: last.reason === 'per_stream_rate_limit' ? 429 : 400,
      message: `${list.join('')}${end}`,
    };
  }
}
