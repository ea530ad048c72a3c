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
}

interface OpenLine {
  readonly stampNs: Nanoseconds;
  readonly parts: Buffer[];
  readonly first: number;
  last: number;
}

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
  entry(entry: LogEntry, sequence: number): void {
    const open = this.#open[entry.stream];
    if (open === undefined && entry.terminated) {
      this.#add(entry.stream, {
        stampNs: entry.stampNs,
        parts: [entry.text],
        first: sequence,
        last: sequence,
      });
      return;
    }
    const line = open ?? { stampNs: entry.stampNs, parts: [], first: sequence, last: sequence };
    line.parts.push(entry.text);
    line.last = sequence;
    if (entry.terminated) this.#end(entry.stream, line);
    else this.#open[entry.stream] = line;
  }

  /** The process ended: its last words are lines too. */
  endStreams(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const open = this.#open[stream];
      if (open !== undefined) this.#end(stream, open);
    }
  }

  #end(stream: StreamName, line: OpenLine): void {
    this.#open[stream] = undefined;
    this.#add(stream, line);
  }

  #add(stream: StreamName, line: OpenLine): void {
    const { stampNs, parts, first, last } = line;
    const text = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    this.#lines.push({
      containerId: this.#containerId,
      containerName: this.#nameOf(),
      stream,
      stampNs,
      text,
      first,
      last,
    });
  }
}
