import type { StreamNumber } from '../docker/entry-sink.js';
import { readPiece } from '../model/line-piece.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import type { EngineLineVisitor } from './engine-reader.js';
import type { DirectSending } from './direct-sending.js';
import { Fingerprinter } from './fingerprinter.js';
import type { HeldBytes } from './held-bytes.js';
import { LokiLookup } from './loki-lookup.js';
import type { LokiEntry } from '../loki/read/loki-query.js';
import { LokiOnly } from './loki-only.js';
import type { LokiReader } from '../loki/read/loki-reader.js';
import { MissingSender, type RepairParts } from './missing-sender.js';
import { Naming } from './naming.js';
import { RefusalKinds } from './refusal-kinds.js';
import type { RefusedLines } from './refusals.js';
import { lineStamp, stampOf } from '../loki/read/stamp-range.js';
import { noteMalformed, noteReading, noteUnasked, type ContainerReport } from './report.js';
import { inOnePart, type Slice } from './slice.js';
import { otherLabels, streamName, STREAMS, type Subject } from './subject.js';
import { partOf, type Survey } from './survey.js';
import { TornLines } from './torn-lines.js';
import type { UnstoredSpans } from './unstored-spans.js';
import { Verdict, VerdictTable } from './verdict-table.js';

export interface ExaminationTools {
  readonly reader: LokiReader;
  readonly held: HeldBytes;
  /** Fingerprints held at once, at most. */
  readonly tableEntries: number;
  /** Lines shown as examples, of each kind. */
  readonly samples: number;
  /** The rejected-lines file. */
  readonly rejectedFile: RefusedLines | undefined;
  /** Loki does not show what is older; undefined: not known that it does not. */
  readonly shownFrom: Nanoseconds | undefined;
  /** Set: sends what is missing. */
  readonly repair: RepairParts | undefined;
}

/** Different labels of a container that are reported, at most. */
const MOST_LABEL_SETS = 20;

/** What is looked at. */
export interface Examined {
  readonly subject: Subject;
  readonly survey: Survey;
  readonly slice: Slice;
  /** The stamp of the oldest entry of the Engine's log; undefined: it has none. */
  readonly oldest: Nanoseconds | undefined;
  /** Lines that were refused and only counted. */
  readonly unstored: UnstoredSpans | undefined;
  /** What was sent before; undefined: nothing was. */
  readonly direct: DirectSending | undefined;
}

/** The slice has more lines than there is room for. */
export class TooMany extends Error {
  override name = 'TooMany';
  /** All that there was room for have the same stamp. */
  readonly oneStamp: boolean;
  constructor(oneStamp: boolean) {
    super('more lines than there is room for');
    this.oneStamp = oneStamp;
  }
}

/** One slice: the Engine's lines as fingerprints, and what becomes known of each. */
export class Examination {
  readonly #examined: Examined;
  readonly #tools: ExaminationTools;
  readonly #table: VerdictTable;
  readonly #lookup: LokiLookup;
  readonly #lokiOnly: LokiOnly;
  readonly #torn = new TornLines();
  readonly #kinds = new RefusalKinds();
  readonly #prints = new Fingerprinter();
  /** Labels under which lines were found that the settings do not give the container, and how many lines. */
  readonly #otherLabels = new Map<string, number>();
  readonly #lines: [undefined, number, number] = [undefined, 0, 0];
  readonly #distinct: [undefined, number, number] = [undefined, 0, 0];

  /** @param room for how many lines */
  constructor(examined: Examined, tools: ExaminationTools, room: number) {
    const { subject, survey, slice, oldest } = examined;
    this.#examined = examined;
    this.#tools = tools;
    this.#table = new VerdictTable(room);
    this.#lookup = new LokiLookup(subject, survey, slice, tools.reader, this.#table, this.#torn);
    this.#lokiOnly = new LokiOnly(oldest, tools.samples * 4);
    tools.held.take(this.#heldBytes);
  }

  get #heldBytes(): number {
    return this.#table.bytes + LokiOnly.maxBytes + TornLines.maxBytes;
  }

  /** Gives back what it holds. */
  release(): void {
    this.#tools.held.give(this.#heldBytes);
  }

  /**
   * Adds what is found to the report.
   *
   * @throws TooMany before anything was added
   * @throws PollardError when one of the sides cannot be asked; or when a push failed, after all was added
   */
  async run(report: ContainerReport, signal: AbortSignal): Promise<void> {
    const table = this.#table;
    await this.#takeLines(report, signal);
    await this.#lookup.inStreams(
      signal,
      (slot, entry, stream) => this.#isFound(slot, entry, stream),
      (stream, entry, words) => this.#lokiOnly.add(stream, entry, words),
    );
    // Where damage hides the cursor's place, it says of none that it is still to come.
    const { hidesPlace } = this.#examined.subject.log;
    const unsure = hidesPlace ? [Verdict.waiting, Verdict.pending] : [Verdict.waiting];
    if (table.any(...unsure)) {
      await this.#lookup.elsewhere(signal, (slot) => this.#turn(slot, Verdict.elsewhere, ...unsure));
    }
    if (table.any(Verdict.waiting) && this.#tools.repair?.force !== true) {
      await this.#lookup.underOtherLabels(
        signal,
        (slot, entry, stream) => {
          if (table.verdictOf(slot) === Verdict.waiting) this.#isUnderOtherLabels(slot, entry, stream);
        },
        () => !table.any(Verdict.waiting),
      );
    }
    let failure: Error | undefined;
    if (table.any(Verdict.waiting, Verdict.pending)) {
      const waiting = table.any(Verdict.waiting);
      const pending = table.having(Verdict.pending);
      await this.#lookForRefusals(signal, Verdict.waiting, Verdict.pending);
      const refused = table.having(Verdict.pending) < pending;
      // A line that has begun to be delivered is pending as a whole.
      const begun = table.anyFurther(Verdict.pending);
      if (waiting || refused || begun || this.#lokiOnly.anyUnknown)
        failure = await this.#name(report, signal);
    }
    this.#tally(report);
    noteMalformed(report, this.#lookup.malformed);
    noteUnasked(report, this.#lookup.unasked);
    if (failure !== undefined) throw failure;
  }

  /** The Engine's lines go into the table. */
  async #takeLines(report: ContainerReport, signal: AbortSignal): Promise<void> {
    const { subject, slice } = this.#examined;
    const enough = new AbortController();
    const stop = () => enough.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    let first: { readonly seconds: number; readonly nanos: number } | undefined;
    let oneStamp = true;
    let tooMany: TooMany | undefined;
    const visitor: EngineLineVisitor = {
      line: (stream, seconds, nanos, source, start, end, settled, piece, lack) => {
        const at = lineStamp(seconds, nanos, piece);
        if (tooMany !== undefined || !slice.contains(stream, at.seconds, at.nanos)) return;
        this.#prints.ofBytes(stream, seconds, nanos, source, start, end);
        const { words } = this.#prints;
        if (!slice.takes(words)) return;
        first ??= at;
        oneStamp &&= inOnePart(first, at);
        // Where the pieces of a line may be in several slices, each is judged separately.
        const part = slice.holdsWholeStamps ? partOf(piece) : 'line';
        const added = this.#table.add(words, settled ? Verdict.waiting : Verdict.pending, stream, part);
        if (added === 'full') {
          tooMany = new TooMany(oneStamp);
          enough.abort(tooMany);
          return;
        }
        if (lack !== undefined) {
          const text = source.subarray(start, end);
          this.#torn.add(this.#table.find(words), stream, stampOf(seconds, nanos), text, lack, piece);
        }
        if (part === 'further') return;
        this.#lines[stream]++;
        if (added === 'added') this.#distinct[stream]++;
      },
    };
    try {
      noteReading(report, await subject.log.read(slice.range.from, visitor, enough.signal));
    } catch (error) {
      if (tooMany === undefined) throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
    if (tooMany !== undefined) throw tooMany;
  }

  async #lookForRefusals(signal: AbortSignal, ...of: readonly number[]): Promise<void> {
    const { subject, slice } = this.#examined;
    await this.#tools.rejectedFile?.visit(
      subject.log.container,
      (stream, seconds, nanos, { line, kind, reason, structuredMetadata }) => {
        const at = lineStamp(seconds, nanos, readPiece(structuredMetadata));
        if (!slice.covers(stream, at.seconds, at.nanos)) return;
        this.#prints.ofBytes(stream, seconds, nanos, line, 0, line.length);
        const slot = this.#table.find(this.#prints.words);
        if (slot >= 0) this.#turn(slot, this.#kinds.verdictFor(kind, reason), ...of);
      },
      signal,
    );
  }

  /** Explains what was not found, and sends what is missing if that is wanted. */
  async #name(report: ContainerReport, signal: AbortSignal): Promise<Error | undefined> {
    const { subject, slice, unstored, direct } = this.#examined;
    const { repair, samples, shownFrom } = this.#tools;
    const [table, lookup, lokiOnly] = [this.#table, this.#lookup, this.#lokiOnly];
    // What was not understood, or could not be asked for, may be what seems to be missing.
    const sends = repair !== undefined && lookup.malformed === 0 && lookup.unasked === undefined;
    const sender = sends ? new MissingSender(repair, subject.log.container) : undefined;
    const refusalOf = (stream: StreamNumber, stamp: Nanoseconds): number | undefined => {
      const refusal = unstored?.explain(streamName(stream), stamp);
      return refusal && this.#kinds.verdictFor(refusal.kind, refusal.reason);
    };
    const naming = new Naming({
      subject,
      slice,
      table,
      lookup,
      lokiOnly,
      refusalOf,
      shownFrom,
      samples,
      sender,
      direct,
    });
    const failure = await naming.run(signal);
    if (table.any(Verdict.sent)) {
      await lookup.inStreams(signal, (slot) => this.#turn(slot, Verdict.repaired, Verdict.sent));
    }
    if (table.any(Verdict.sent)) await this.#lookForRefusals(signal, Verdict.sent);
    naming.settleSent();
    naming.addSamples(report.samples);
    return failure;
  }

  #tally(report: ContainerReport): void {
    for (const stream of STREAMS) {
      const counts = report.streams[streamName(stream)];
      const has = (verdict: number): number => this.#table.having(verdict, stream);
      const lines = this.#lines[stream];
      counts.lines += lines;
      counts.folded += lines - this.#distinct[stream];
      const long = (verdict: number): number => this.#table.longHaving(verdict, stream);
      counts.inPieces +=
        has(Verdict.inPieces) +
        long(Verdict.found) +
        long(Verdict.elsewhere) +
        long(Verdict.relabelled) +
        long(Verdict.repaired);
      counts.renamed += has(Verdict.elsewhere);
      counts.relabelled += has(Verdict.relabelled);
      counts.repaired += has(Verdict.repaired);
      counts.delivered +=
        has(Verdict.found) +
        has(Verdict.inPieces) +
        has(Verdict.elsewhere) +
        has(Verdict.relabelled) +
        has(Verdict.repaired);
      // Still waiting: gone from the Engine's log before it could be shown.
      counts.missing += has(Verdict.missing) + has(Verdict.sent) + has(Verdict.waiting);
      counts.pending += has(Verdict.stillPending) + has(Verdict.pending);
      counts.crowded += has(Verdict.crowded);
      counts.expired += has(Verdict.expired);
      counts.changed += has(Verdict.changed);
      counts.refused += this.#kinds.countInto(report.refusals, has);
      this.#lokiOnly.countInto(stream, counts);
    }
    for (const [labels, lines] of this.#otherLabels) {
      const known = report.otherLabels.find((each) => each.labels === labels);
      if (known !== undefined) known.lines += lines;
      else if (report.otherLabels.length < MOST_LABEL_SETS) report.otherLabels.push({ labels, lines });
    }
    const { unknown } = report.samples;
    for (const sample of this.#lokiOnly.samples()) {
      if (unknown.length >= this.#tools.samples) break;
      unknown.push(sample);
    }
  }

  #isUnderOtherLabels(slot: number, { labels }: LokiEntry, stream: StreamNumber): void {
    const text = otherLabels(this.#examined.subject, stream, labels);
    this.#table.set(slot, text === undefined ? Verdict.found : Verdict.relabelled);
    // The pieces of a line are one line.
    if (text === undefined || this.#table.isFurther(slot)) return;
    const lines = this.#otherLabels.get(text);
    if (lines !== undefined || this.#otherLabels.size < MOST_LABEL_SETS) {
      this.#otherLabels.set(text, (lines ?? 0) + 1);
    }
  }

  #isFound(slot: number, { seconds, nanos, piece }: LokiEntry, stream: StreamNumber): void {
    const at = lineStamp(seconds, nanos, piece);
    const wasSent = this.#examined.direct?.covers(stream, at.seconds, at.nanos, piece?.lineId) === true;
    if (wasSent) this.#turn(slot, Verdict.repaired, Verdict.waiting);
    this.#turn(slot, Verdict.found, Verdict.waiting, Verdict.pending);
  }

  #turn(slot: number, verdict: number, ...from: readonly number[]): void {
    if (from.includes(this.#table.verdictOf(slot))) this.#table.set(slot, verdict);
  }
}
