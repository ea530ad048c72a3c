import type { StreamName } from '../../model/container.js';
import type { Nanoseconds } from '../../model/nanoseconds.js';
import type { LogEntry } from './entry.js';

/** A line that a container wrote, as the Engine has it. */
export interface WrittenLine {
  readonly containerId: string;
  readonly containerName: string;
  readonly stream: StreamName;
  /** The stamp of its first entry. */
  readonly stampNs: Nanoseconds;
  /** Without the newline; with the carriage return of a TTY. */
  readonly text: Buffer;
  /** The numbers of its first and last entry in the container's log. */
  readonly first: number;
  readonly last: number;
  /** Of a line that was logged in several entries: each of them. */
  readonly chunks: readonly WrittenChunk[];
}

/** An entry that is not the whole of its line. */
export interface WrittenChunk {
  /** Its number in the container's log. */
  readonly sequence: number;
  readonly text: Buffer;
}

interface OpenLine {
  readonly stampNs: Nanoseconds;
  readonly chunks: WrittenChunk[];
}

const NO_CHUNKS: readonly WrittenChunk[] = [];

/** Keeps account of every line that one container ever wrote, to be compared with what arrived elsewhere. */
export class WrittenLines {
  readonly #containerId: string;
  readonly #nameOf: () => string;
  readonly #lines: WrittenLine[] = [];
  readonly #open: Record<StreamName, OpenLine | undefined> = { stdout: undefined, stderr: undefined };

  constructor(containerId: string, nameOf: () => string) {
    this.#containerId = containerId;
    this.#nameOf = nameOf;
  }

  /** Lines whose end was seen, in the order of their ends. A line still being written is not among them. */
  get lines(): readonly WrittenLine[] {
    return this.#lines;
  }

  /** An entry went into the log. */
  entry({ stream, stampNs, text, terminated }: LogEntry, sequence: number): void {
    const open = this.#open[stream];
    if (open === undefined && terminated) {
      this.#add({ stream, stampNs, text, first: sequence, last: sequence, chunks: NO_CHUNKS });
      return;
    }
    const line: OpenLine = open ?? { stampNs, chunks: [] };
    line.chunks.push({ sequence, text });
    if (terminated) this.#end(stream, line);
    else this.#open[stream] = line;
  }

  /** The process ended: its last words are lines too. */
  endStreams(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const open = this.#open[stream];
      if (open !== undefined) this.#end(stream, open);
    }
  }

  #end(stream: StreamName, { stampNs, chunks }: OpenLine): void {
    this.#open[stream] = undefined;
    const [one] = chunks as [WrittenChunk];
    this.#add({
      stream,
      stampNs,
      text: chunks.length === 1 ? one.text : Buffer.concat(chunks.map(({ text }) => text)),
      first: one.sequence,
      last: chunks.at(-1)?.sequence ?? one.sequence,
      chunks: chunks.length === 1 ? NO_CHUNKS : chunks,
    });
  }

  #add(line: Omit<WrittenLine, 'containerId' | 'containerName'>): void {
    this.#lines.push({ containerId: this.#containerId, containerName: this.#nameOf(), ...line });
  }
}
