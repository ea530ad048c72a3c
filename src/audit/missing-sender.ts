import type { Delivered } from '../collector/delivery.js';
import type { LineBatch } from '../collector/line-batch.js';
import type { FlowControl } from '../collector/log-source.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import type { ContainerRef, StreamName } from '../model/container.js';
import type { LinePiece } from '../model/line-piece.js';
import { streamName, STREAMS } from './subject.js';

export interface RepairParts {
  /** A fresh batch for a container's stream, as the collector makes it: same labels, same metadata. */
  readonly newBatch: (container: ContainerRef, stream: StreamName) => LineBatch;
  /** Resolves when all entries of the batch are settled. */
  readonly push: (batch: LineBatch) => Promise<Delivered>;
  /** Bytes at which a batch is sent. */
  readonly batchBytes: number;
  /** Also send lines that are in Loki under labels that the settings do not give the container. Default: not. */
  readonly force?: boolean;
}

/** Batches that may wait for Loki before the reading pauses. */
const MOST_WAITING = 2;

/** Sends missing lines of one container, and missing pieces of lines, those of a stream in the order of the log, one batch after the other. */
export class MissingSender implements FlowControl {
  readonly #parts: RepairParts;
  readonly #container: ContainerRef;
  readonly #open: [undefined, LineBatch | undefined, LineBatch | undefined] = [
    undefined,
    undefined,
    undefined,
  ];
  readonly #lanes: [undefined, Promise<void>, Promise<void>] = [
    undefined,
    Promise.resolve(),
    Promise.resolve(),
  ];
  #waiting = 0;
  #wake: (() => void) | undefined;
  #failure: Error | undefined;

  constructor(parts: RepairParts, container: ContainerRef) {
    this.#parts = parts;
    this.#container = container;
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
    const { newBatch, batchBytes } = this.#parts;
    let batch = (this.#open[stream] ??= newBatch(this.#container, streamName(stream)));
    if (!batch.append(seconds, nanos, source, start, end, piece)) {
      this.#send(stream);
      batch = this.#open[stream] = newBatch(this.#container, streamName(stream));
      if (!batch.append(seconds, nanos, source, start, end, piece)) {
        throw new RangeError('an empty batch takes any line');
      }
    }
    if (batch.bytes >= batchBytes) this.#send(stream);
  }

  pause(): Promise<void> | undefined {
    if (this.#failure) return Promise.reject(this.#failure);
    return this.#waiting < MOST_WAITING ? undefined : this.#room();
  }

  /** Sends the rest; resolves when all is settled, with what went wrong with a push. */
  async finish(): Promise<Error | undefined> {
    for (const stream of STREAMS) this.#send(stream);
    await Promise.all([this.#lanes[1], this.#lanes[2]]);
    return this.#failure;
  }

  #send(stream: StreamNumber): void {
    const batch = this.#open[stream];
    if (batch === undefined || batch.entries === 0) return;
    this.#open[stream] = undefined;
    this.#waiting++;
    this.#lanes[stream] = this.#lanes[stream].then(async () => {
      try {
        // After a failure nothing more is sent: what is missing stays missing, and is said to be.
        if (!this.#failure) await this.#parts.push(batch);
      } catch (error) {
        this.#failure = error as Error;
      } finally {
        this.#waiting--;
        this.#wake?.();
      }
    });
  }

  async #room(): Promise<void> {
    while (this.#waiting >= MOST_WAITING && !this.#failure) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure) throw this.#failure;
  }
}
