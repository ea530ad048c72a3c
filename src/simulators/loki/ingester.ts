import type { Entry } from './entry.js';
import { IngesterStream, type Refusal, type StreamContext } from './ingester-stream.js';
import type { Label } from './labels.js';
import { refuse, type PushTally } from './tally.js';

/** A stream as the distributor hands it on: labels read and completed, entries validated, divided in shards. */
export interface ValidStream {
  readonly labels: readonly Label[];
  /** The labels as Loki prints them. */
  readonly name: string;
  /** The name without the shard. */
  readonly base: string;
  readonly entries: readonly Entry[];
}

/** How often flushed streams are swept away (`ingester.flush_check_period`). */
const SWEEP_MS = 30_000;

/** Hears of the bytes that came for a stream. */
export type RateRecorder = (base: string, name: string, bytes: number) => void;

/** The ingester's instance of one tenant (pkg/ingester/instance.go). */
export class Ingester {
  readonly #context: StreamContext;
  readonly #streams = new Map<string, IngesterStream>();
  #sweptAt: number;

  constructor(context: StreamContext, now: number) {
    this.#context = context;
    this.#sweptAt = now;
  }

  /** Active streams, shards counted each. */
  get active(): number {
    return this.#streams.size;
  }

  /**
   * Stores the streams one after the other. **What became of the last one is the answer**: a stream before it
   * that was refused, for its entries, its rate or the number of streams, is not spoken of (instance.Push).
   */
  push(
    streams: readonly ValidStream[],
    tally: PushTally,
    now: number,
    record: RateRecorder,
  ): Refusal | undefined {
    this.#sweep(now);
    let outcome: Refusal | undefined;
    for (const { labels, name, base, entries } of streams) {
      const stream = this.#streams.get(name) ?? this.#create(name, labels, now);
      if (stream === undefined) {
        refuse(tally, 'stream_limit', entries.length);
        outcome = { status: 429, message: this.#context.messages.streamLimit(name, this.#context.tenant) };
        continue;
      }
      const { bytes, refusal } = stream.push(entries, tally, now);
      record(base, name, bytes);
      outcome = refusal;
    }
    return outcome;
  }

  #create(name: string, labels: readonly Label[], now: number): IngesterStream | undefined {
    const { limits, store } = this.#context;
    if (limits.maxStreams > 0 && this.#streams.size >= limits.maxStreams) return undefined;
    const stream = new IngesterStream(store.stream(name, labels), this.#context, now);
    this.#streams.set(name, stream);
    return stream;
  }

  /**
   * Forgets streams that were idle: what comes then may be as old as a sample may be (pkg/ingester/flush.go
   * shouldFlushChunk, removeFlushedChunks). Loki also forgets a stream whose only chunk spans more than
   * max_chunk_age; that is left out: here a stream refuses rather more.
   */
  #sweep(now: number): void {
    if (now - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = now;
    for (const [name, stream] of this.#streams) {
      if (now - stream.lastUpdated > this.#context.limits.chunkIdlePeriodMs) {
        stream.end();
        this.#streams.delete(name);
      } else {
        stream.closeOldChunk();
      }
    }
  }
}
