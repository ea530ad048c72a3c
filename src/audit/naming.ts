import type { StreamNumber } from '../docker/entry-sink.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import type { EngineLineVisitor } from './engine-reader.js';
import { Fingerprinter } from './fingerprinter.js';
import type { LokiLookup } from './loki-lookup.js';
import type { LokiOnly } from './loki-only.js';
import type { MissingSender } from './missing-sender.js';
import type { LineSample, Samples } from './report.js';
import type { Slice } from './slice.js';
import { stampOf } from '../loki/read/stamp-range.js';
import { streamName, type Subject } from './subject.js';
import { FIRST_KIND, Verdict, type VerdictTable } from './verdict-table.js';

export interface NamingOptions {
  readonly subject: Subject;
  readonly slice: Slice;
  readonly table: VerdictTable;
  readonly lookup: LokiLookup;
  readonly lokiOnly: LokiOnly;
  /** The verdict on a line that was refused and only counted; undefined: it is not one of these. Asked once a line. */
  readonly refusalOf: (stream: StreamNumber, stamp: Nanoseconds) => number | undefined;
  /** Loki does not show what is older; undefined: not known that it does not. */
  readonly shownFrom: Nanoseconds | undefined;
  /** Lines kept as examples, at most. */
  readonly samples: number;
  /** Takes what is missing, to be sent. */
  readonly sender: MissingSender | undefined;
}

const SAMPLE_BYTES = 500;

/**
 * Reads the Engine's log once more, for what was not found in Loki: to explain it, to keep examples, to hand over
 * for sending what is missing.
 */
export class Naming {
  readonly #options: NamingOptions;
  readonly #prints = new Fingerprinter();
  /** By slot: what becomes of them may still change. */
  readonly #samples = new Map<number, LineSample>();

  constructor(options: NamingOptions) {
    this.#options = options;
  }

  /**
   * Resolves with what went wrong with the sending.
   *
   * @throws PollardError when the log cannot be read
   */
  async run(signal: AbortSignal): Promise<Error | undefined> {
    const { subject, slice, sender } = this.#options;
    const visitor: EngineLineVisitor = {
      line: (stream, seconds, nanos, source, start, end) => {
        if (slice.contains(stream, seconds, nanos)) this.#line(stream, seconds, nanos, source, start, end);
      },
    };
    try {
      await subject.log.read(slice.range.from, visitor, signal, sender);
    } catch (error) {
      // A push that failed ends the reading as well.
      const failure = await sender?.finish();
      if (failure === undefined) throw error;
    }
    return await sender?.finish();
  }

  /** Adds the examples to those that there are, as far as there is room, each to what became of it. */
  addSamples(to: Samples): void {
    const { table, samples } = this.#options;
    for (const [slot, sample] of this.#samples) {
      const verdict = table.verdictOf(slot);
      const list =
        verdict >= FIRST_KIND ? to.refused : verdict === Verdict.repaired ? to.repaired : to.missing;
      if (list.length < samples) list.push(sample);
    }
  }

  #line(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
  ): void {
    const { table, sender } = this.#options;
    this.#prints.ofBytes(stream, seconds, nanos, source, start, end);
    const slot = table.find(this.#prints.words);
    if (slot < 0) return;
    const verdict = table.verdictOf(slot);
    const stamp = stampOf(seconds, nanos);
    if (verdict >= FIRST_KIND) {
      this.#sample(slot, stream, stamp, source, start, end);
    } else if (verdict === Verdict.waiting || verdict === Verdict.pending) {
      const named = this.#explain(verdict, stream, seconds, nanos, source, start, end);
      table.set(slot, named === Verdict.missing && sender !== undefined ? Verdict.sent : named);
      if (named >= FIRST_KIND) this.#sample(slot, stream, stamp, source, start, end);
      if (named !== Verdict.missing) return;
      this.#sample(slot, stream, stamp, source, start, end);
      sender?.line(stream, seconds, nanos, source, start, end);
    }
  }

  #explain(
    verdict: number,
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
  ): number {
    const { slice, lookup, lokiOnly, refusalOf, shownFrom } = this.#options;
    const stamp = stampOf(seconds, nanos);
    // Where lines of one stamp are in several slices, so are the pieces of a line.
    const pieces = slice.holdsWholeStamps
      ? lokiOnly.find(this.#prints, stream, seconds, nanos, source, start, end)
      : undefined;
    if (pieces === 'whole') return Verdict.inPieces;
    if (verdict === Verdict.pending) return Verdict.stillPending;
    const refused = refusalOf(stream, stamp);
    if (refused !== undefined) return refused;
    if (lookup.isCrowded(stream, stamp)) return Verdict.crowded;
    if (shownFrom !== undefined && stamp < shownFrom) return Verdict.expired;
    if (pieces === 'beginning') return Verdict.changed;
    return lookup.isUnderOtherLabels(stream, stamp) ? Verdict.relabelled : Verdict.missing;
  }

  #sample(
    slot: number,
    stream: StreamNumber,
    stamp: Nanoseconds,
    source: Buffer,
    start: number,
    end: number,
  ): void {
    // Of each kind as many: which it will be is not known yet.
    if (this.#samples.size >= this.#options.samples * 4 || this.#samples.has(slot)) return;
    const text = source.toString('utf8', start, Math.min(end, start + SAMPLE_BYTES));
    this.#samples.set(slot, { stream: streamName(stream), stamp, text });
  }
}
