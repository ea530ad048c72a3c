import type { Clock } from '../model/clock.js';
import type { StreamName } from '../model/container.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import type { LineBatch } from './line-batch.js';
import type { FlowControl } from './log-source.js';
import type { LineSink } from './line-assembler.js';
import type { MemoryBudget } from './memory-budget.js';

/** What a push ended with; see loki/pusher.ts. */
export interface Delivered {
  readonly accepted: number;
  readonly rejected: number;
}

export interface DeliveryOptions<Place> {
  /** A fresh batch for a stream. */
  newBatch: (stream: StreamName) => LineBatch;
  /** Resolves when all entries of the batch are settled: stored by Loki, or set aside as refused. */
  push: (batch: LineBatch) => Promise<Delivered>;
  /** The place reached, taken between two entries. */
  snapshot: () => Place;
  /** Makes a place durable. Called in order, once all batches up to it are settled. */
  commit: (place: Place) => Promise<void>;
  budget: MemoryBudget;
  clock: Clock;
  /** Bytes at which a batch is full. */
  batchBytes: number;
  /** ms after which a batch is sent, full or not. */
  batchAge: number;
  /** How far the stamps of what a replay would send again may lie apart, ns. */
  maxSpan: Nanoseconds;
  /** Batches that may wait for Loki before the reading pauses. */
  maxWaiting: number;
  /** Told once when a place is not committed although batches up to it may have been sent. */
  onUncommitted?: () => void;
}

/**
 * Carries the lines of one poll to Loki, in order, and moves the cursor behind them.
 *
 * Batches are sealed together at a checkpoint, which lies between two entries: its place is committed when all
 * batches up to it are settled. A stream's batches are sent one after the other. A batch is held back while the
 * place before it is not yet durable if its stamps are more than `maxSpan` away from what a crash would have to
 * send again: so a replay always stays inside the window (1 h by default) in which Loki takes entries out of
 * order, and is folded instead of refused.
 */
export class Delivery<Place> implements LineSink, FlowControl {
  readonly #options: DeliveryOptions<Place>;
  readonly #batches: [undefined, LineBatch | undefined, LineBatch | undefined] = [
    undefined,
    undefined,
    undefined,
  ];
  readonly #lanes: [undefined, Lane, Lane] = [undefined, newLane(), newLane()];
  readonly #spanSeconds: number;
  #sealed: { stream: StreamNumber; batch: LineBatch }[] = [];
  #commits: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #waiting = 0;
  #wake: (() => void) | undefined;
  #lowest = Infinity;
  #highest = -Infinity;
  /** Something was taken in since the last checkpoint, be it only a chunk of an open line. */
  #moved = false;
  /** Monotonic ms of the first line since the last checkpoint. */
  #begunAt = Infinity;
  lines = 0;
  bytes = 0;
  rejected = 0;

  constructor(options: DeliveryOptions<Place>) {
    this.#options = options;
    this.#spanSeconds = Number(options.maxSpan / 1_000_000_000n);
  }

  line(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
  ): void {
    let batch = (this.#batches[stream] ??= this.#options.newBatch(NAMES[stream]));
    if (!batch.append(seconds, nanos, source, start, end)) {
      this.#seal(stream);
      batch = this.#batches[stream] = this.#options.newBatch(NAMES[stream]);
      if (!batch.append(seconds, nanos, source, start, end)) {
        throw new RangeError('an empty batch takes any line');
      }
    }
    if (this.#begunAt === Infinity) this.#begunAt = this.#options.clock.monotonic();
    this.lines++;
    this.bytes += end - start;
    if (seconds < this.#lowest) this.#lowest = seconds;
    if (seconds > this.#highest) this.#highest = seconds;
  }

  /** Between two entries, before one of this second: closes the batches when it lies too far from them. */
  before(seconds: number): void {
    if (seconds - this.#lowest > this.#spanSeconds || this.#highest - seconds > this.#spanSeconds) {
      this.checkpoint();
    }
  }

  /** Between two entries: closes the batches when one of them is full. */
  after(): void {
    this.#moved = true;
    const out = this.#batches[1];
    const err = this.#batches[2];
    const max = this.#options.batchBytes;
    if (
      this.#sealed.length > 0 ||
      (out !== undefined && out.bytes >= max) ||
      (err !== undefined && err.bytes >= max)
    ) {
      this.checkpoint();
    }
  }

  /** Seals what there is and sends it; commits the place reached once it is settled. */
  checkpoint(): void {
    this.#seal(1);
    this.#seal(2);
    if (this.#sealed.length > 0) this.#depart();
  }

  pause(): Promise<void> | undefined {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#options.clock.monotonic() - this.#begunAt >= this.#options.batchAge) this.checkpoint();
    if (this.#waiting < this.#options.maxWaiting && !this.#options.budget.exhausted) return undefined;
    // What waits in an unsealed batch must not keep others from the memory they wait for.
    this.checkpoint();
    return this.#room();
  }

  /** Sends the rest and resolves when all is settled and committed; rejects with what went wrong. */
  async finish(): Promise<void> {
    this.checkpoint();
    if (this.#moved) this.#depart();
    await this.#commits;
  }

  /** Resolves when what was sent is settled and committed, without sending the rest. Never rejects. */
  async settled(): Promise<void> {
    await this.#commits.catch(() => undefined);
  }

  #depart(): void {
    const sealed = this.#sealed;
    const before = this.#commits;
    this.#sealed = [];
    this.#moved = false;
    this.#begunAt = Infinity;
    this.#lowest = Infinity;
    this.#highest = -Infinity;
    const place = this.#options.snapshot();
    const settled = sealed.map(({ stream, batch }) => this.#send(stream, batch, before));
    this.#commits = Promise.all([before, ...settled]).then(async () => {
      await this.#options.commit(place);
      for (const { stream, batch } of sealed) this.#lanes[stream].unsettled.delete(batch);
    });
    // The failure is reported by finish(); here it only must not count as unhandled.
    this.#commits.catch((reason: unknown) => {
      if (this.#failure === undefined) this.#options.onUncommitted?.();
      this.#failure ??= reason as Error;
      this.#wake?.();
    });
  }

  async #room(): Promise<void> {
    while (this.#waiting >= this.#options.maxWaiting && !this.#failure) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure) throw this.#failure;
    await this.#options.budget.room();
  }

  #seal(stream: StreamNumber): void {
    const batch = this.#batches[stream];
    if (batch === undefined || batch.entries === 0) return;
    this.#batches[stream] = undefined;
    this.#sealed.push({ stream, batch });
    this.#waiting++;
    this.#options.budget.take(batch.bytes);
  }

  #send(stream: StreamNumber, batch: LineBatch, before: Promise<void>): Promise<void> {
    const lane = this.#lanes[stream];
    const bytes = batch.bytes;
    const sent = lane.tail.then(async () => {
      if (!withinSpan(lane.unsettled, batch, this.#options.maxSpan)) await before;
      lane.unsettled.add(batch);
      const result = await this.#options.push(batch);
      this.rejected += result.rejected;
    });
    lane.tail = sent;
    const release = () => {
      this.#waiting--;
      this.#options.budget.give(bytes);
      this.#wake?.();
    };
    sent.then(release, release);
    return sent;
  }
}

const NAMES: readonly [StreamName, StreamName, StreamName] = ['stdout', 'stdout', 'stderr'];

/** One stream's way to Loki: its batches go one after the other. */
interface Lane {
  tail: Promise<void>;
  /** Sent, but the place behind them is not durable yet. */
  unsettled: Set<LineBatch>;
}

function newLane(): Lane {
  return { tail: Promise.resolve(), unsettled: new Set() };
}

function withinSpan(unsettled: ReadonlySet<LineBatch>, batch: LineBatch, span: Nanoseconds): boolean {
  for (const earlier of unsettled) {
    if (batch.newest - earlier.oldest > span || earlier.newest - batch.oldest > span) return false;
  }
  return true;
}
