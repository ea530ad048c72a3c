import type { StreamNumber } from '../docker/entry-sink.js';
import { readRejectedLines, readRejectedSummary } from '../loki/rejected-reader.js';
import type { RejectedLine } from '../loki/rejected-record.js';
import type { ContainerRef } from '../model/container.js';
import { PollardError } from '../model/errors.js';
import { nanosOf, secondsOf } from '../loki/read/stamp-range.js';
import { UnstoredSpans } from './unstored-spans.js';

/** A line of one container, found in the rejected-lines file. */
export type RefusedVisitor = (
  stream: StreamNumber,
  seconds: number,
  nanos: number,
  line: RejectedLine,
) => void;

/** The rejected-lines file and its summary, looked into for the lines of one container. */
export class RefusedLines {
  readonly #path: string;
  #problem: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Why the file could not be read: then the reasons for missing lines are not known. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Visits the refused lines of a container. A file that does not exist, or cannot be read, has none. */
  async visit(container: ContainerRef, visit: RefusedVisitor, signal: AbortSignal): Promise<void> {
    if (this.#problem !== undefined) return;
    try {
      for await (const record of readRejectedLines(this.#path)) {
        signal.throwIfAborted();
        const id = record.structuredMetadata['container_id'];
        if (id === undefined ? record.container !== container.name : id !== container.id) continue;
        const stream = record.labels['stream'];
        if ((stream !== 'stdout' && stream !== 'stderr') || record.stamp < 0n) continue;
        visit(stream === 'stdout' ? 1 : 2, secondsOf(record.stamp), nanosOf(record.stamp), record);
      }
    } catch (error) {
      this.#note(error);
    }
  }

  /** What was refused of a container and only counted. */
  async unstored({ id, name }: ContainerRef): Promise<UnstoredSpans> {
    try {
      const { rows } = await readRejectedSummary(this.#path);
      return new UnstoredSpans(
        rows.filter(({ container, containerId }) =>
          containerId === undefined ? container === name : containerId === id,
        ),
      );
    } catch (error) {
      this.#note(error);
      return new UnstoredSpans([]);
    }
  }

  /** @throws the error itself, unless it says that a file cannot be read */
  #note(error: unknown): void {
    if (!(error instanceof PollardError) || error.code !== 'rejected_file_unusable') throw error;
    const absent = (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
    if (!absent) this.#problem = error.message;
  }
}
