import { AnchorMatcher } from '../collector/anchor.js';
import { mayBeDamage } from '../collector/answer-faults.js';
import { Repeats } from '../collector/fingerprint.js';
import type { FlowControl, LogSource } from '../collector/log-source.js';
import { lineRules } from '../collector/line-assembler.js';
import { look } from '../collector/look.js';
import { mayPassOver, whatIsPassedOver } from '../collector/may-pass-over.js';
import type { SinceSemantics } from '../docker/api-version.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import type { ContainerRef, StreamName } from '../model/container.js';
import type { AnchorEntry, Cursor } from '../model/cursor.js';
import { NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import { passesOverSome, showRuns } from './damaged-reading.js';
import { EngineReader, type EngineLineVisitor } from './engine-reader.js';
import { stampOf } from '../loki/read/stamp-range.js';

export interface EngineLogContext {
  readonly read: LogSource;
  readonly sinceSemantics: () => SinceSemantics;
  /** Whether the Engine goes on with the next file behind a damaged record. Left out: it does not. */
  readonly passesOverFiles?: () => boolean;
  /** As the collector has it (`lines.max_bytes`): a longer line is delivered in pieces. */
  readonly maxLineBytes: number;
  /** As the collector has it (`loki.encoding: json`). */
  readonly sentAsText?: boolean;
  /** As the collector has it (`lines.equal_stamps: shift`). */
  readonly moveEqualStamps: boolean;
}

export interface EngineReading {
  readonly entries: number;
  /** Why the answer did not end as it should: what should have followed is not known. */
  readonly fault: Error | undefined;
  /** The log's last entry was among those read; else a part of the log could not be shown. */
  readonly complete: boolean;
}

/**
 * How far before the wanted stamps the reading begins. A compressed file is passed over by the stamp that was
 * written to it last, which a clock step may have set back; and which equal stamps were moved is known only from
 * where the row of equal stamps begins.
 */
const MARGIN = 3600n * NS_PER_SECOND;
/** Entries of a look for the cursor's place. */
const NEAR_END = 20_000;

/**
 * The log of one container, read as the collector reads it: the same lines, split at the same places, with the
 * same stamps. Never with `until`, at whose first later line the Engine ends the answer.
 */
export class EngineLog {
  readonly container: ContainerRef;
  readonly #context: EngineLogContext;
  /** Undefined: nothing is known of how far the collector is. */
  readonly #cursor: Cursor | undefined;
  #anchor: 'not-looked-for' | 'found' | 'absent' = 'not-looked-for';
  /** The highest stamp up to the cursor's place: an answer from a later one on begins behind that place. */
  #settledUntil: Nanoseconds = 0n;
  #hidesPlace = false;
  #last: AnchorEntry | undefined;
  /** The Engine passes over entries in the middle of this log. */
  #passesOver = false;

  constructor(context: EngineLogContext, container: ContainerRef, cursor: Cursor | undefined) {
    this.#context = context;
    this.container = container;
    this.#cursor = cursor;
  }

  /** The cursor's place is not in the log any more: nothing that is there was delivered yet. Known after a read. */
  get behindCursor(): boolean {
    return this.#anchor === 'absent';
  }

  /**
   * The cursor's place was not found in a log that does not show its end: what is shown may have been delivered, or
   * not. Known after a read.
   */
  get hidesPlace(): boolean {
    return this.#hidesPlace;
  }

  /** The bytes at which a line is cut. */
  get maxLineBytes(): number {
    return this.#context.maxLineBytes;
  }

  /** Lines are sent as text; see EngineLogContext. */
  get sentAsText(): boolean {
    return this.#context.sentAsText === true;
  }

  /**
   * Pieces that the collector has delivered of the line that it left open in a stream: those must be in Loki.
   *
   * @param lineId only if it is this line
   * @returns undefined: it left no line open there, or not this one
   */
  deliveredPieces(stream: StreamNumber, lineId?: Nanoseconds): number | undefined {
    const open = this.#cursor?.open.find((line) => line.stream === streamOf(stream));
    if (open === undefined) return undefined;
    if (lineId !== undefined && open.delivered?.lineId !== lineId) return undefined;
    return open.delivered?.count ?? 0;
  }

  /** The stamp of the log's last entry; undefined: not known. */
  get newest(): Nanoseconds | undefined {
    return this.#last?.stamp;
  }

  /** The highest stamp at the cursor's place: lines with later ones are the service's. Undefined: there is no cursor. */
  get settledUpTo(): Nanoseconds | undefined {
    if (this.#cursor === undefined) return undefined;
    const { anchor, moved } = this.#cursor;
    const stamps = [
      ...anchor.map(({ stamp }) => stamp),
      ...Object.values(moved).map(({ assigned }) => assigned),
    ];
    return stamps.reduce((a, b) => (a > b ? a : b), 0n);
  }

  /** Whether the pieces of a line may be those of the one that the collector left open in a stream. */
  isOpenAtCursor(stream: StreamNumber, lineId: Nanoseconds): boolean {
    const open = this.#cursor?.open.find((line) => line.stream === streamOf(stream));
    return open !== undefined && lineId >= (open.delivered?.lineId ?? open.stamp);
  }

  /**
   * Whether a reading shows the cursor's place, because it is among the last entries of the log, as it is with a live
   * service. True without a cursor; false: that is not known. Cheaper than a read: the Engine reads a tail from the
   * log's end.
   *
   * @param from where the reading begins
   * @throws as read
   */
  async showsPlace(from: Nanoseconds, signal: AbortSignal): Promise<boolean> {
    if (this.#cursor === undefined) return true;
    if (this.settledUpTo === undefined || this.settledUpTo < from) return false;
    const matcher = new AnchorMatcher(this.#cursor.anchor);
    const repeats = new Repeats();
    const { fault } = await this.#context.read(
      { ...this.#request(undefined, signal), tail: NEAR_END },
      {
        entry: (stream, seconds, nanos, source, start, end) => {
          const repeat = repeats.next(stream, seconds, nanos, source, start, end);
          matcher.place(stream, seconds, nanos, source, start, end, repeat);
        },
        letGo: () => repeats.letGo(),
      },
    );
    signal.throwIfAborted();
    return fault === undefined && matcher.found;
  }

  /**
   * Looks at the log's last entry, which each further reading must reach, and whether the Engine passes over entries in
   * the middle of it.
   *
   * @throws PollardError when the log cannot be read at all
   */
  async lookAtEnd(signal: AbortSignal): Promise<void> {
    const end = await look(this.#context.read, this.container, 1, 1, signal);
    this.#last = end.fault === undefined ? end.last[0] : undefined;
    const { read } = this.#context;
    this.#passesOver =
      mayPassOver(this.#context, this.container) && (await passesOverSome(read, this.container, signal));
  }

  /** The stamp of the oldest entry there is; undefined when there is none. What is older was rotated away. */
  async oldest(signal: AbortSignal): Promise<Nanoseconds | undefined> {
    const enough = new AbortController();
    const stop = () => enough.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    let oldest: Nanoseconds | undefined;
    try {
      await this.#context.read(this.#request(undefined, enough.signal), {
        entry: (_stream, seconds, nanos) => {
          oldest ??= stampOf(seconds, nanos);
          // The rest is not wanted.
          enough.abort(new Error('the first entry is enough'));
        },
      });
      signal.throwIfAborted();
      return oldest;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /**
   * Reads the log from a stamp on, to its end; lines of other stamps may come as well.
   *
   * @param flow holds the reading back while what was read is dealt with
   * @throws PollardError when there is no answer to read; the signal's reason when it aborts
   */
  async read(
    from: Nanoseconds,
    visitor: EngineLineVisitor,
    signal: AbortSignal,
    flow?: FlowControl,
  ): Promise<EngineReading> {
    const { sinceSemantics, maxLineBytes, sentAsText = false, moveEqualStamps } = this.#context;
    // Engines that filter would drop older entries behind newer ones, and the oldest of them whole files.
    const since = sinceSemantics() === 'filter' ? undefined : from > MARGIN ? from - MARGIN : 0n;
    const behind =
      this.#anchor === 'absent' ||
      (this.#anchor === 'found' &&
        this.#cursor !== undefined &&
        since !== undefined &&
        since > this.#settledUntil);
    const reader = new EngineReader(
      visitor,
      { maxLineBytes, sentAsText, moveEqualStamps, ...lineRules(this.container) },
      behind ? undefined : this.#cursor,
      !behind,
      // One that is older than what is asked for need not come.
      since !== undefined && this.#last !== undefined && this.#last.stamp < since ? undefined : this.#last,
    );
    const fault = await this.#showAll(since, reader, signal, flow);
    const ended = !this.container.running && this.container.finishedAt > 0n;
    reader.finish(ended && fault === undefined);
    if (this.#anchor === 'not-looked-for') {
      this.#anchor = reader.anchorFound ? 'found' : 'absent';
      this.#settledUntil = reader.settledUntil;
      this.#hidesPlace = !reader.anchorFound && !reader.sawLast;
    }
    return { entries: reader.entries, fault, complete: reader.sawLast };
  }

  /**
   * Shows a reader all that the Engine can be made to show, as the collector does: where an answer ends at a damaged
   * record, or passes over it, each run of sound entries is requested separately.
   *
   * @returns why not all was shown
   */
  async #showAll(
    since: Nanoseconds | undefined,
    reader: EngineReader,
    signal: AbortSignal,
    flow: FlowControl | undefined,
  ): Promise<Error | undefined> {
    const { read } = this.#context;
    const passesOver = whatIsPassedOver(this.#context, this.container);
    const damaged = { read, container: this.container, passesOver, signal, flow };
    if (this.#passesOver && (await showRuns(damaged, [], reader))) return undefined;
    const { fault } = await read(this.#request(since, signal, flow), reader);
    signal.throwIfAborted();
    // A log that has entries, and whose last record is not shown, ends with a damaged one.
    const isSound = reader.sawLast && (this.#last !== undefined || reader.entries === 0);
    const isWhole = fault === undefined ? isSound : !mayBeDamage(fault);
    if (isWhole || this.container.logDriver === 'journald') return fault;
    return (await showRuns(damaged, reader.lastEntries(), reader)) ? undefined : fault;
  }

  #request(since: Nanoseconds | undefined, signal: AbortSignal, flow?: FlowControl) {
    return {
      containerId: this.container.id,
      containerName: this.container.name,
      tty: this.container.tty,
      ...(since === undefined ? {} : { since }),
      signal,
      ...(flow === undefined ? {} : { flow }),
    };
  }
}

function streamOf(stream: StreamNumber): StreamName {
  return stream === 1 ? 'stdout' : 'stderr';
}
