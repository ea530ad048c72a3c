import type { EntrySink, StreamNumber } from '../docker/entry-sink.js';
import type { ContainerRef } from '../model/container.js';
import type { AnchorEntry, LogPlace, OpenLine } from '../model/cursor.js';
import { NS_PER_SECOND } from '../model/nanoseconds.js';
import { AnchorMatcher } from './anchor.js';
import { mayBeDamage } from './answer-faults.js';
import { Repeats } from './fingerprint.js';
import { hasLastWords } from './line-assembler.js';
import type { LogSource } from './log-source.js';
import { look } from './look.js';
import { SEARCH_WINDOWS } from './search-windows.js';

/** An answer that ends with an error is asked for so often: an error that passes by is not there each time. */
const TIMES = 3;

/** An answer that shows all that follows a place of a log. */
export interface SoundAnswer {
  /** The window that was asked for, entries; undefined: the whole log. */
  readonly tail: number | undefined;
}

/**
 * Looks for a window whose answer is continuous with an anchor and ends soundly: without an error, and not before the
 * entry that was the log's last one when the search began. How many entries the answer has does not matter, since a
 * log may be written to at any time.
 *
 * Only for Engines that do not pass over entries in the middle of an answer.
 *
 * @param place without an anchor the whole log is wanted
 * @returns undefined when there is no such answer
 * @throws the fault of an answer that was cut short by something else than the log
 */
export async function findSoundAnswer(
  read: LogSource,
  container: ContainerRef,
  { anchor, open }: Pick<LogPlace, 'anchor' | 'open'>,
  signal: AbortSignal,
): Promise<SoundAnswer | undefined> {
  const { last } = await look(read, container, 1, 1, signal);
  if (last[0] === undefined) return undefined;
  for (const tail of anchor.length === 0 ? [undefined] : SEARCH_WINDOWS) {
    let isDamaged = true;
    for (let times = 0; times < TIMES && isDamaged; times++) {
      const search = new SoundSearch(anchor, tail === undefined ? undefined : open, last[0]);
      const { id: containerId, name: containerName, tty } = container;
      const lastWords = hasLastWords(container);
      const which = tail === undefined ? {} : { tail };
      const { fault } = await read({ containerId, containerName, tty, lastWords, ...which, signal }, search);
      if (fault !== undefined && !mayBeDamage(fault)) throw fault;
      if (fault === undefined && search.isFound(tail)) return search.sawLast ? { tail } : undefined;
      isDamaged = fault !== undefined;
    }
    // What a window cannot show, a wider one cannot either.
    if (isDamaged) return undefined;
  }
  return undefined;
}

class SoundSearch implements EntrySink {
  sawLast = false;
  readonly #matcher: AnchorMatcher;
  readonly #repeats = new Repeats();
  readonly #stream: StreamNumber;
  readonly #seconds: number;
  readonly #nanos: number;
  #entries = 0;

  constructor(anchor: readonly AnchorEntry[], open: readonly OpenLine[] | undefined, last: AnchorEntry) {
    this.#matcher = new AnchorMatcher(anchor, { window: open && { open } });
    this.#stream = last.stream === 'stdout' ? 1 : 2;
    this.#seconds = Number(last.stamp / NS_PER_SECOND);
    this.#nanos = Number(last.stamp % NS_PER_SECOND);
  }

  /** Of an answer that came in full. */
  isFound(tail: number | undefined): boolean {
    return tail !== undefined && this.#entries < tail ? this.#matcher.foundIfWhole : this.#matcher.found;
  }

  entry(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
  ): void {
    this.#entries++;
    if (nanos === this.#nanos && seconds === this.#seconds && stream === this.#stream) this.sawLast = true;
    if (this.#matcher.done) return;
    const repeat = this.#repeats.next(stream, seconds, nanos, source, start, end);
    this.#matcher.place(stream, seconds, nanos, source, start, end, repeat);
  }

  letGo(): void {
    this.#repeats.letGo();
  }
}
