import type { EntrySink, StreamNumber } from '../docker/entry-sink.js';
import type { ContainerRef } from '../model/container.js';
import type { AnchorEntry } from '../model/cursor.js';
import { AnchorRing } from './anchor-ring.js';
import { Repeats } from './fingerprint.js';
import { hasLastWords } from './line-assembler.js';
import type { LogSource } from './log-source.js';
import { isLone } from './shown-entries.js';

/** What stands at the end of a log, read without delivering it. */
export interface Look {
  /** The last entries, at most `tail`. */
  readonly last: readonly AnchorEntry[];
  readonly entries: number;
  readonly bytes: number;
  /** Of the last entry. */
  readonly isLone: boolean;
  readonly fault: Error | undefined;
}

/** Reads the last `tail` entries, or all, whatever their stamps, and keeps the last `keep` of them. */
export async function look(
  read: LogSource,
  container: ContainerRef,
  tail: number | undefined,
  keep: number,
  signal: AbortSignal,
): Promise<Look> {
  const counter = new Counter(keep);
  const answer = await read(
    {
      containerId: container.id,
      containerName: container.name,
      tty: container.tty,
      lastWords: hasLastWords(container),
      ...(tail === undefined ? {} : { tail }),
      signal,
    },
    counter,
  );
  return {
    last: counter.ring.anchor(),
    entries: counter.ring.seen,
    bytes: answer.bytes,
    isLone: counter.isLone,
    fault: answer.fault,
  };
}

class Counter implements EntrySink {
  readonly ring: AnchorRing;
  isLone = false;
  readonly #repeats = new Repeats();

  constructor(keep: number) {
    this.ring = new AnchorRing(keep, []);
  }

  entry(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    terminated: boolean,
  ): void {
    this.isLone = isLone(nanos, end - start, terminated);
    const repeat = this.#repeats.next(stream, seconds, nanos, source, start, end);
    this.ring.add(stream, seconds, nanos, source, start, end, repeat);
  }

  letGo(): void {
    this.ring.letGo();
    this.#repeats.letGo();
  }
}

/**
 * Two anchor entries are, by stamp and stream, the same entry of the log. Not by their fingerprint, which
 * counts the equal entries before: a look at the last entry alone does not see those.
 */
export function sameEntry(a: AnchorEntry | undefined, b: AnchorEntry | undefined): boolean {
  return a !== undefined && b !== undefined && a.stamp === b.stamp && a.stream === b.stream;
}
