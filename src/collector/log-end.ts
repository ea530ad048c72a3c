import type { EntrySink, StreamNumber } from '../docker/entry-sink.js';
import type { ContainerRef } from '../model/container.js';
import type { AnchorEntry } from '../model/cursor.js';
import { AnchorRing } from './anchor-ring.js';
import { Repeats } from './fingerprint.js';
import { FrontRows } from './front-rows.js';
import { hasLastWords } from './line-assembler.js';
import type { LogSource } from './log-source.js';
import { widerWindow } from './window.js';

/** Entries that are read beyond those of the anchor, so that the row of its first one is seen to begin. */
const HEADROOM = 16;

/**
 * The anchor at the end of a log, of which nothing was delivered. Reads further back where the log ends inside a row
 * of equal entries, whose numbers only the beginning of the row shows.
 *
 * @param size entries of an anchor; where not all numbers are known, fewer are returned
 * @throws what the answer ended with, if it was cut short
 */
export async function anchorAtEnd(
  read: LogSource,
  container: ContainerRef,
  size: number,
  signal: AbortSignal,
): Promise<readonly AnchorEntry[]> {
  const { id: containerId, name: containerName, tty } = container;
  const lastWords = hasLastWords(container);
  for (let tail: number | undefined = size + HEADROOM; ; tail = widerWindow(tail)) {
    const end = new LogEnd(size);
    const which = tail === undefined ? {} : { tail };
    const { fault } = await read({ containerId, containerName, tty, lastWords, ...which, signal }, end);
    if (fault !== undefined) throw fault;
    const anchor = end.ring.anchor();
    if (tail === undefined || end.ring.seen < tail) return anchor;
    const { known } = end;
    if (known > 0) return known < anchor.length ? anchor.slice(-known) : anchor;
  }
}

class LogEnd implements EntrySink {
  readonly ring: AnchorRing;
  readonly #repeats = new Repeats();
  readonly #front = new FrontRows([]);
  #stream: StreamNumber | undefined;
  /** How many of the last entries have a number that is right. */
  known = 0;

  constructor(size: number) {
    this.ring = new AnchorRing(size, []);
  }

  entry(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
  ): void {
    this.#stream ??= stream;
    const repeat = this.#repeats.next(stream, seconds, nanos, source, start, end);
    this.ring.add(stream, seconds, nanos, source, start, end, repeat);
    const isKnown = this.#front.next(stream, seconds, nanos, repeat) === 'known';
    // The first entry of a row that follows other entries most likely begins it.
    this.known = isKnown || (repeat === 0 && stream !== this.#stream) ? this.known + 1 : 0;
  }

  letGo(): void {
    this.ring.letGo();
    this.#repeats.letGo();
  }
}
