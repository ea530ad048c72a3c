import type { Clock } from '../model/clock.js';
import type { StreamName } from '../model/container.js';
import type { LinePiece } from '../model/line-piece.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import { sharedController } from '../model/shared-controller.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import { LinesTooNew } from '../loki/loki-error.js';
import type { LineBatch } from './line-batch.js';
import type { FlowControl } from './log-source.js';
import type { LineSink } from './line-assembler.js';
import type { MemoryBudget } from './memory-budget.js';
import type { PendingLines } from './undelivered.js';

/** What a push ended with; see loki/pusher.ts. */
export interface Delivered {
  readonly accepted: number;
  readonly rejected: number;
  /** Of the lines that were rejected. Left out: 0. */
  readonly rejectedBytes?: number;
}

export interface DeliveryOptions<Place> {
  /** A fresh batch for a stream. */
  newBatch: (stream: StreamName) => LineBatch;
  /**
   * Resolves when all entries of the batch are settled: stored by Loki, or set aside as refused. Rejects soon after
   * the signal aborts, and with LinesTooNew when some are to be sent again later.
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
  /** From this second on, lines were refused as too new before: what comes before them is committed by itself. */
  refusedFrom?: number;
  /** Told when a place is not committed although batches up to it may have been sent. */
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
  #heldBack: LinesTooNew | undefined;
  /** What is not sent yet would only be refused as too new. */
  #isStopped = false;
  #waiting = 0;
  #wake: (() => void) | undefined;
  #lowest = Infinity;
  #highest = -Infinity;
  /** Something was taken in since the last checkpoint, be it only a chunk of an open line. */
  #moved = false;
  /** Monotonic ms of the first line since the last checkpoint. */
  #begunAt = Infinity;
  /** Bytes of the lines since the last checkpoint. */
  #lineBytes = 0;
  /** Seconds before which the batches are closed once. */
  #closesAt: number;
  /** Lines that Loki has, and that are committed. */
  lines = 0;
  /** Of these lines. */
  bytes = 0;
  /** Lines that Loki refused, committed. */
  rejected = 0;
  /** Of these lines. */
  rejectedBytes = 0;

  constructor(options: DeliveryOptions<Place>) {
    this.#options = options;
    this.#spanSeconds = Number(options.maxSpan / 1_000_000_000n);
    this.#closesAt = options.refusedFrom ?? Infinity;
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
    this.#lineBytes += end - start;
    if (seconds < this.#lowest) this.#lowest = seconds;
    if (seconds > this.#highest) this.#highest = seconds;
  }

  /** Between two entries, before one of this second: closes the batches when it lies too far from them. */
  before(seconds: number): void {
    if (seconds >= this.#closesAt) {
      this.#closesAt = Infinity;
      this.checkpoint();
    }
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
    const ended = this.#failure ?? (this.#isStopped ? this.#heldBack : undefined);
    if (ended !== undefined) return Promise.reject(ended);
    if (this.#options.clock.monotonic() - this.#begunAt >= this.#options.batchAge) this.checkpoint();
    if (this.#waiting < this.#options.maxWaiting && !this.#options.budget.exhausted) return undefined;
    // What waits in an unsealed batch must not keep others from the memory they wait for.
    this.checkpoint();
    return this.#room();
  }

  /** Set: lines are too new for Loki, and nothing is committed from their place on. */
  get heldBack(): LinesTooNew | undefined {
    return this.#heldBack;
  }

  /**
   * Sends the rest and resolves when all is settled and committed, or held back. Rejects with the first failure, when
   * no push and no commit is under way any more.
   */
  async finish(): Promise<void> {
    this.checkpoint();
    if (this.#moved) this.#depart();
    await this.#ended();
    if (this.#failure) throw this.#failure;
  }

  /** Resolves when what was sent is settled and committed, without sending the rest. Never rejects. */
  async settled(): Promise<void> {
    this.#dropSealed();
    await this.#ended();
  }

  /** Aborts what was sent and resolves when it has ended. Never rejects; finish() then reports the reason. */
  async giveUp(reason: Error): Promise<void> {
    this.#fail(reason);
    await this.settled();
  }

  /** Resolves when nothing is under way any more. */
  async #ended(): Promise<void> {
    await this.#commits;
    // Only now: beside lines that are held back, others went on to be sent.
    if (this.#heldBack !== undefined) this.#options.onUncommitted?.();
  }

  #depart(): void {
    const sealed = this.#sealed;
    const before = this.#commits;
    this.#sealed = [];
    this.#moved = false;
    this.#begunAt = Infinity;
    this.#lowest = Infinity;
    this.#highest = -Infinity;
    const lineBytes = this.#lineBytes;
    this.#lineBytes = 0;
    const place = this.#options.snapshot();
    for (const { batch } of sealed) this.#uncommitted.add(batch);
    const sent = sealed.map((each) => this.#send(each, before));
    this.#commits = this.#commit({ place, sealed, lineBytes, before, sent });
  }

  async #commit({ place, sealed, lineBytes, before, sent }: Departed<Place>): Promise<boolean> {
    const results = await Promise.all(sent);
    if (!(await before) || !results.every((each) => each !== undefined)) return false;
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
    this.bytes += lineBytes;
    for (const { accepted, rejected, rejectedBytes = 0 } of results) {
      this.lines += accepted;
      this.rejected += rejected;
      this.rejectedBytes += rejectedBytes;
      this.bytes -= rejectedBytes;
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

  /** Pushes under way go on: those of the other stream have nothing to wait for. */
  #holdBack(error: LinesTooNew): void {
    this.#heldBack ??= error;
    if (error.isAllThatFollows) this.#isStopped = true;
    this.#wake?.();
  }

  async #room(): Promise<void> {
    while (this.#waiting >= this.#options.maxWaiting && !this.#failure && !this.#isStopped) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure) throw this.#failure;
    if (this.#isStopped) throw this.#heldBack as LinesTooNew;
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

  /** Resolves when all of the batch is settled, with undefined if it is not; never rejects. */
  #send({ stream, batch }: SealedBatch, before: Promise<boolean>): Promise<Delivered | undefined> {
    const lane = this.#lanes[stream];
    const sent = this.#push(lane, lane.tail, batch, before);
    lane.tail = sent;
    return sent;
  }

  async #push(
    lane: Lane,
    previous: Promise<unknown>,
    batch: LineBatch,
    before: Promise<boolean>,
  ): Promise<Delivered | undefined> {
    const { push, maxSpan } = this.#options;
    const { signal } = this.#ending;
    const { bytes } = batch;
    try {
      await previous;
      if (!withinSpan(lane.unsettled, batch, maxSpan)) await before;
      if (signal.aborted || this.#isStopped) return undefined;
      lane.unsettled.add(batch);
      return await push(batch, signal);
    } catch (error) {
      if (error instanceof LinesTooNew) this.#holdBack(error);
      else this.#fail(error as Error);
      return undefined;
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

/** Batches that were closed together, on their way to Loki. */
interface Departed<Place> {
  /** Behind their lines. */
  readonly place: Place;
  readonly sealed: readonly SealedBatch[];
  readonly lineBytes: number;
  /** Whether the place before is durable; never rejects. */
  readonly before: Promise<boolean>;
  /** What became of each batch; none rejects. */
  readonly sent: readonly Promise<Delivered | undefined>[];
}

/** One stream's way to Loki: its batches go one after the other. */
interface Lane {
  /** The last push; never rejects. */
  tail: Promise<unknown>;
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
