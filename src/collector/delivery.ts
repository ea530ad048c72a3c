import type { Clock } from '../model/clock.js';
import type { StreamName } from '../model/container.js';
import type { LinePiece } from '../model/line-piece.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import { sharedController } from '../model/shared-controller.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import type { LineBatch } from './line-batch.js';
import type { FlowControl } from './log-source.js';
import type { LineSink } from './line-assembler.js';
import type { MemoryBudget } from './memory-budget.js';
import type { PendingLines } from './undelivered.js';

/** What a push ended with; see loki/pusher.ts. */
export interface Delivered {
  readonly accepted: number;
  readonly rejected: number;
}

export interface DeliveryOptions<Place> {
  /** A fresh batch for a stream. */
  newBatch: (stream: StreamName) => LineBatch;
  /**
   * Resolves when all entries of the batch are settled: stored by Loki, or set aside as refused. Rejects soon after
   * the signal aborts.
   */
  push: (batch: LineBatch, signal: AbortSignal) => Promise<Delivered>;
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
 *
 * The first failure, of a push or of a commit, aborts all pushes under way. It is reported when they have ended, so
 * that nothing is sent or committed after the poll.
 */
export class Delivery<Place> implements LineSink, FlowControl, PendingLines {
  readonly #options: DeliveryOptions<Place>;
  readonly #batches: [undefined, LineBatch | undefined, LineBatch | undefined] = [
    undefined,
    undefined,
    undefined,
  ];
  readonly #lanes: [undefined, Lane, Lane] = [undefined, newLane(), newLane()];
  readonly #spanSeconds: number;
  readonly #ending = sharedController();
  #sealed: SealedBatch[] = [];
  /** Sent, and not committed. */
  readonly #uncommitted = new Set<LineBatch>();
  /** Whether all places so far are durable. Resolves when all that they stand for has ended; never rejects. */
  #commits: Promise<boolean> = Promise.resolve(true);
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

  get oldest(): Nanoseconds | undefined {
    let oldest: Nanoseconds | undefined;
    const sealed = this.#sealed.map(({ batch }) => batch);
    for (const batch of [...this.#uncommitted, ...sealed, ...this.#batches]) {
      if (batch === undefined || batch.entries === 0) continue;
      if (oldest === undefined || batch.oldest < oldest) oldest = batch.oldest;
    }
    return oldest;
  }

  line(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    piece?: LinePiece,
  ): void {
    let batch = (this.#batches[stream] ??= this.#options.newBatch(NAMES[stream]));
    if (!batch.append(seconds, nanos, source, start, end, piece)) {
      this.#seal(stream);
      batch = this.#batches[stream] = this.#options.newBatch(NAMES[stream]);
      if (!batch.append(seconds, nanos, source, start, end, piece)) {
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

  /**
   * Sends the rest and resolves when all is settled and committed. Rejects with the first failure, when no push and no
   * commit is under way any more.
   */
  async finish(): Promise<void> {
    this.checkpoint();
    if (this.#moved) this.#depart();
    await this.#commits;
    if (this.#failure) throw this.#failure;
  }

  /** Resolves when what was sent is settled and committed, without sending the rest. Never rejects. */
  async settled(): Promise<void> {
    this.#dropSealed();
    await this.#commits;
  }

  /** Aborts what was sent and resolves when it has ended. Never rejects; finish() then reports the reason. */
  async giveUp(reason: Error): Promise<void> {
    this.#fail(reason);
    await this.settled();
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
    for (const { batch } of sealed) this.#uncommitted.add(batch);
    const sent = sealed.map((each) => this.#send(each, before));
    this.#commits = this.#commit(place, sealed, [before, ...sent]);
  }

  /** @param ended what must have gone well before the place is durable; none of it rejects */
  async #commit(
    place: Place,
    sealed: readonly SealedBatch[],
    ended: readonly Promise<boolean>[],
  ): Promise<boolean> {
    const good = await Promise.all(ended);
    if (good.includes(false)) return false;
    try {
      await this.#options.commit(place);
    } catch (error) {
      this.#fail(error as Error);
      return false;
    }
    for (const { stream, batch } of sealed) {
      this.#lanes[stream].unsettled.delete(batch);
      this.#uncommitted.delete(batch);
    }
    return true;
  }

  /** The first one is what is reported; what the others then reject with only follows from it. */
  #fail(error: Error): void {
    if (this.#failure === undefined) this.#options.onUncommitted?.();
    this.#failure ??= error;
    this.#ending.abort(this.#failure);
    this.#wake?.();
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

  /** Batches that were closed in the middle of an entry whose end never came. */
  #dropSealed(): void {
    for (const { batch } of this.#sealed.splice(0)) this.#letGo(batch.bytes);
  }

  #letGo(bytes: number): void {
    this.#waiting--;
    this.#options.budget.give(bytes);
    this.#wake?.();
  }

  /** Resolves with whether all of the batch is settled; never rejects. */
  #send({ stream, batch }: SealedBatch, before: Promise<boolean>): Promise<boolean> {
    const lane = this.#lanes[stream];
    return (lane.tail = this.#push(lane, lane.tail, batch, before));
  }

  async #push(
    lane: Lane,
    previous: Promise<boolean>,
    batch: LineBatch,
    before: Promise<boolean>,
  ): Promise<boolean> {
    const { push, maxSpan } = this.#options;
    const { signal } = this.#ending;
    const { bytes } = batch;
    try {
      await previous;
      if (!withinSpan(lane.unsettled, batch, maxSpan)) await before;
      if (signal.aborted) return false;
      lane.unsettled.add(batch);
      const result = await push(batch, signal);
      this.rejected += result.rejected;
      return true;
    } catch (error) {
      this.#fail(error as Error);
      return false;
    } finally {
      this.#letGo(bytes);
    }
  }
}

const NAMES: readonly [StreamName, StreamName, StreamName] = ['stdout', 'stdout', 'stderr'];

interface SealedBatch {
  readonly stream: StreamNumber;
  readonly batch: LineBatch;
}

/** One stream's way to Loki: its batches go one after the other. */
interface Lane {
  /** The last push: whether it went well; never rejects. */
  tail: Promise<boolean>;
  /** Sent, but the place behind them is not durable yet. */
  unsettled: Set<LineBatch>;
}

function newLane(): Lane {
  return { tail: Promise.resolve(true), unsettled: new Set() };
}

function withinSpan(unsettled: ReadonlySet<LineBatch>, batch: LineBatch, span: Nanoseconds): boolean {
  for (const earlier of unsettled) {
    if (batch.newest - earlier.oldest > span || earlier.newest - batch.oldest > span) return false;
  }
  return true;
}
