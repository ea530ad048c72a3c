import { isMarkerText } from '../collector/possible-gap.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import { PollardError } from '../model/errors.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import { Fingerprinter } from './fingerprinter.js';
import type { LokiEntry } from '../loki/read/loki-query.js';
import type { LokiReader } from '../loki/read/loki-reader.js';
import { EqualLines } from './repeats.js';
import type { Slice } from './slice.js';
import { lineStamp, stampOf, withPieces } from '../loki/read/stamp-range.js';
import {
  belongsTo,
  mayBeOf,
  otherLabels,
  OTHER_WIDTHS,
  selectorById,
  selectorOf,
  selectorsUnderOtherLabels,
  STREAMS,
  type Subject,
} from './subject.js';
import type { Survey } from './survey.js';
import type { TornLines } from './torn-lines.js';
import type { VerdictTable } from './verdict-table.js';

/** Told of an entry of Loki's that the Engine has: where it stands in the table. */
type Found = (slot: number, entry: LokiEntry, stream: StreamNumber) => void;
/** Told of one that it does not have. */
type NotFound = (stream: StreamNumber, entry: LokiEntry, words: Uint32Array) => void;

/** Of so many entries under other labels the stamp is kept. */
const MOST_OTHERS = 20_000;

/** Looks up in a table what Loki has of a slice: lines, and pieces of lines. */
export class LokiLookup {
  readonly #subject: Subject;
  readonly #survey: Survey;
  readonly #slice: Slice;
  readonly #reader: LokiReader;
  readonly #table: VerdictTable;
  readonly #torn: TornLines;
  readonly #prints = new Fingerprinter();
  /** `stream stamp`, of which Loki did not give all entries. */
  readonly #crowded = new Set<string>();
  /** `stream stamp`, of entries under other labels that are no line of the Engine's: perhaps pieces of one. */
  readonly #others = new Set<string>();
  #malformed = 0;
  #unasked: PollardError | undefined;

  constructor(
    subject: Subject,
    survey: Survey,
    slice: Slice,
    reader: LokiReader,
    table: VerdictTable,
    torn: TornLines,
  ) {
    this.#subject = subject;
    this.#survey = survey;
    this.#slice = slice;
    this.#reader = reader;
    this.#table = table;
    this.#torn = torn;
  }

  /** Loki has more entries of this stamp than it gives at once. */
  isCrowded(stream: StreamNumber, stamp: Nanoseconds): boolean {
    return this.#crowded.has(`${stream} ${stamp}`);
  }

  /** Under other labels there is an entry of this stamp, or a piece of its line, that is no line of the Engine's. */
  isUnderOtherLabels(stream: StreamNumber, stamp: Nanoseconds): boolean {
    return this.#others.has(`${stream} ${stamp}`);
  }

  /** Why it is not known whether lines are under other labels; undefined: it is known, or was not asked for. */
  get unasked(): PollardError | undefined {
    return this.#unasked;
  }

  /** Entries that could not be understood: any line may be one of them. */
  get malformed(): number {
    return this.#malformed;
  }

  /** What is in the container's streams. */
  async inStreams(signal: AbortSignal, found: Found, notFound?: NotFound): Promise<void> {
    for (const stream of STREAMS) {
      const crowded = await this.#read(selectorOf(this.#subject, stream), stream, signal, found, notFound);
      for (const stamp of crowded) this.#crowded.add(`${stream} ${stamp}`);
    }
  }

  /** What was delivered when the container had another name. */
  async elsewhere(signal: AbortSignal, found: Found): Promise<void> {
    await this.#byId(selectorById, signal, found);
  }

  /**
   * What was delivered under labels that the settings do not give the container. Where Loki cannot be asked for that,
   * it remains unknown: see `unasked`.
   *
   * @param isDone whether all that is looked for was found
   */
  async underOtherLabels(signal: AbortSignal, found: Found, isDone: () => boolean): Promise<void> {
    try {
      for (let width = 0; width < OTHER_WIDTHS && !isDone(); width++) {
        await this.#byId(
          (subject, stream) => selectorsUnderOtherLabels(subject, stream)[width],
          signal,
          found,
          (stream, entry) => this.#foundOther(stream, entry),
        );
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PollardError)) throw error;
      this.#unasked = error;
    }
  }

  #foundOther(stream: StreamNumber, { seconds, nanos, labels, piece }: LokiEntry): void {
    if (this.#others.size >= MOST_OTHERS || otherLabels(this.#subject, stream, labels) === undefined) return;
    this.#others.add(`${stream} ${piece?.lineId ?? stampOf(seconds, nanos)}`);
  }

  async #byId(
    selectorFor: typeof selectorById,
    signal: AbortSignal,
    found: Found,
    notFound?: NotFound,
  ): Promise<void> {
    for (const stream of STREAMS) {
      const selector = selectorFor(this.#subject, stream);
      if (selector === undefined) continue;
      try {
        await this.#read(selector, stream, signal, found, notFound);
      } catch (error) {
        // A Loki that cannot look for metadata refuses the question; then a new name is a new container.
        if (!(error instanceof PollardError) || error.code !== 'loki_query_refused') throw error;
      }
    }
  }

  /** Returns the stamps of which not all was seen. */
  async #read(
    selector: string,
    stream: StreamNumber,
    signal: AbortSignal,
    found: Found,
    notFound?: NotFound,
  ): Promise<Nanoseconds[]> {
    const equal = new EqualLines();
    const crowded: Nanoseconds[] = [];
    let readUntil = 0n;
    for (const range of this.#slice.ranges(stream, (bucket) => this.#survey.entriesIn(stream, bucket))) {
      const wide = withPieces(range);
      const from = range.from > readUntil ? range.from : readUntil;
      readUntil = wide.until;
      const result = await this.#reader.read(
        {
          selector,
          range: { from, until: wide.until },
          expected: (at, bytes) => (at < range.until ? this.#survey.expected(stream, at, bytes) : undefined),
          visit: (entry) => {
            const { seconds, nanos, line, piece } = entry;
            if (!mayBeOf(this.#subject, entry)) return;
            const at = lineStamp(seconds, nanos, piece);
            const isIn = this.#slice.contains(stream, at.seconds, at.nanos);
            // One that does not say whose it is may be a piece of a line that begins in this slice.
            if (!isIn && entry.containerId !== undefined) return;
            this.#prints.ofText(stream, seconds, nanos, line);
            const { words } = this.#prints;
            const slot = this.#table.find(words);
            if (slot >= 0) {
              found(slot, entry, stream);
              return;
            }
            if (!isIn || isMarkerText(line) || !belongsTo(this.#subject, entry)) return;
            const torn = this.#torn.slotsIn(stream, entry);
            for (const remains of torn) found(remains, entry, stream);
            if (notFound === undefined || torn.length > 0 || !this.#slice.takes(words)) return;
            if (!equal.repeats(seconds, nanos, words)) notFound(stream, entry, words);
          },
        },
        signal,
      );
      crowded.push(...result.crowded);
      this.#malformed += result.malformed;
    }
    return crowded;
  }
}
