import type { EntrySink, StreamNumber } from '../docker/entry-sink.js';
import type { ContainerRef } from '../model/container.js';
import type { AnchorEntry, LogPlace, OpenLine } from '../model/cursor.js';
import { AnchorMatcher } from './anchor.js';
import { entryOf } from './anchor-ring.js';
import { Repeats } from './fingerprint.js';
import type { LogSource } from './log-source.js';

/** What an answer showed of an anchor, read without delivering it. */
export interface AnchorSearch {
  readonly found: boolean;
  readonly entries: number;
  /** The first entry of the answer. */
  readonly first: AnchorEntry | undefined;
  readonly fault: Error | undefined;
}

/** Looks for the anchor of a place among the last `tail` entries of a log, whatever their stamps. */
export async function searchAnchor(
  read: LogSource,
  container: ContainerRef,
  { anchor, open }: Pick<LogPlace, 'anchor' | 'open'>,
  tail: number,
  signal: AbortSignal,
): Promise<AnchorSearch> {
  const { id: containerId, name: containerName, tty } = container;
  // What has no newline at the end of a TTY counts for `tail`: the container may have ended since it was inspected.
  const lastWords = true;
  const search = new Search(anchor, open);
  const { fault } = await read({ containerId, containerName, tty, lastWords, tail, signal }, search);
  const isWhole = fault === undefined && search.entries < tail;
  const found = isWhole ? search.foundIfWhole : search.found;
  return { found, entries: search.entries, first: search.first, fault };
}

class Search implements EntrySink {
  entries = 0;
  first: AnchorEntry | undefined;
  readonly #matcher: AnchorMatcher;
  readonly #repeats = new Repeats();

  constructor(anchor: readonly AnchorEntry[], open: readonly OpenLine[]) {
    this.#matcher = new AnchorMatcher(anchor, { window: { open } });
  }

  get found(): boolean {
    return this.#matcher.found;
  }

  get foundIfWhole(): boolean {
    return this.#matcher.foundIfWhole;
  }

  entry(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
  ): void {
    const repeat = this.#repeats.next(stream, seconds, nanos, source, start, end);
    this.first ??= entryOf(stream, seconds, nanos, source, start, end, repeat);
    this.entries++;
    this.#matcher.place(stream, seconds, nanos, source, start, end, repeat);
  }

  letGo(): void {
    this.#repeats.letGo();
  }
}
