import { isGapText } from '../collector/gap.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import type { EngineLineVisitor } from './engine-log.js';
import { FingerprintTable } from './fingerprint-table.js';
import { Fingerprinter } from './fingerprinter.js';
import type { HeldBytes } from './held-bytes.js';
import { LokiOnly } from './loki-only.js';
import type { LokiReader } from './loki-reader.js';
import { MissingSender, type RepairParts } from './missing-sender.js';
import { RefusalKinds } from './refusal-kinds.js';
import type { RefusedLines } from './refusals.js';
import { EqualLines } from './repeats.js';
import { noteReading, type ContainerReport, type LineSample } from './report.js';
import type { Slice } from './slice.js';
import { stampOf } from './stamp-range.js';
import { belongsTo, mayBeOf, selectorOf, streamName, STREAMS, type Subject } from './subject.js';
import type { Survey } from './survey.js';
import { FIRST_KIND, inStream, Verdict } from './verdict.js';

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

const SAMPLE_BYTES = 500;

/** The slice has more lines than there is room for. */
class TooMany extends Error {
  override name = 'TooMany';
  readonly oneStamp: boolean;
  constructor(oneStamp: boolean) {
    super('more lines than there is room for');
    this.oneStamp = oneStamp;
  }
}

/**
 * Looks at a slice line by line, dividing it where it turns out to have more lines than there is room for, and
 * adds what is found to the report.
 *
 * @param oldest the stamp of the oldest entry of the Engine's log; undefined: it has none
 * @throws PollardError when one of the sides cannot be asked, or a push failed
 */
export async function examine(
  subject: Subject,
  survey: Survey,
  slice: Slice,
  oldest: Nanoseconds | undefined,
  tools: ExaminationTools,
  report: ContainerReport,
  signal: AbortSignal,
): Promise<void> {
  const open = [slice];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const room = Math.min(tools.tableEntries, Math.ceil(next.lines * 1.1) + 64);
    for (const entries of room < tools.tableEntries ? [room, tools.tableEntries] : [room]) {
      const examination = new Examination(subject, survey, next, oldest, tools, entries);
      try {
        await examination.run(report, signal);
        break;
      } catch (error) {
        if (!(error instanceof TooMany)) throw error;
        if (entries === tools.tableEntries) open.push(...next.halves(error.oneStamp).reverse());
      } finally {
        examination.release();
      }
    }
  }
}

/** One slice: the Engine's lines as fingerprints, and what becomes known of each. */
class Examination {
  readonly #subject: Subject;
  readonly #survey: Survey;
  readonly #slice: Slice;
  readonly #tools: ExaminationTools;
  readonly #table: FingerprintTable;
  readonly #prints = new Fingerprinter();
  readonly #lokiOnly: LokiOnly;
  readonly #kinds = new RefusalKinds();
  /** `stream stamp`, of which Loki did not give all entries. */
  readonly #crowded = new Set<string>();
  readonly #lines: [undefined, number, number] = [undefined, 0, 0];
  readonly #distinct: [undefined, number, number] = [undefined, 0, 0];

  constructor(
    subject: Subject,
    survey: Survey,
    slice: Slice,
    oldest: Nanoseconds | undefined,
    tools: ExaminationTools,
    entries: number,
  ) {
    this.#subject = subject;
    this.#survey = survey;
    this.#slice = slice;
    this.#tools = tools;
    this.#table = new FingerprintTable(entries);
    this.#lokiOnly = new LokiOnly(oldest, tools.samples * 4);
    tools.held.take(this.#table.bytes + LokiOnly.maxBytes);
  }

  release(): void {
    this.#tools.held.give(this.#table.bytes + LokiOnly.maxBytes);
  }

  /** @throws TooMany before anything was added to the report */
  async run(report: ContainerReport, signal: AbortSignal): Promise<void> {
    await this.#takeLines(report, signal);
    await this.#findInLoki(signal, (slot, verdict) => {
      if (verdict === Verdict.waiting || verdict === Verdict.pending) this.#set(slot, Verdict.found);
    });
    const waiting = this.#having(Verdict.waiting);
    const pending = this.#having(Verdict.pending);
    let failure: Error | undefined;
    if (waiting + pending > 0) {
      await this.#lookForRefusals(signal, Verdict.waiting, Verdict.pending);
      const told = waiting > 0 || this.#having(Verdict.pending) < pending || this.#lokiOnly.anyUnknown;
      if (told) failure = await this.#name(report, signal);
      if (this.#having(Verdict.sent) > 0) await this.#confirm(signal);
    }
    this.#tally(report);
    if (failure !== undefined) throw failure;
  }

  /** The Engine's lines go into the table. */
  async #takeLines(report: ContainerReport, signal: AbortSignal): Promise<void> {
    const enough = new AbortController();
    const stop = () => enough.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    let only: { seconds: number; nanos: number } | undefined;
    let oneStamp = true;
    let tooMany: TooMany | undefined;
    const visitor = {
      line: (
        stream: StreamNumber,
        seconds: number,
        nanos: number,
        source: Buffer,
        start: number,
        end: number,
        settled: boolean,
      ): void => {
        if (tooMany !== undefined || !this.#slice.contains(stream, seconds, nanos)) return;
        this.#prints.ofBytes(stream, seconds, nanos, source, start, end);
        if (!this.#slice.takes(this.#prints.words)) return;
        only ??= { seconds, nanos };
        oneStamp &&= only.seconds === seconds && only.nanos === nanos;
        const verdict = settled ? Verdict.waiting : Verdict.pending;
        const added = this.#table.add(this.#prints.words, inStream(verdict, stream));
        if (added === 'full') {
          tooMany = new TooMany(oneStamp);
          enough.abort(tooMany);
          return;
        }
        this.#lines[stream]++;
        if (added === 'added') this.#distinct[stream]++;
      },
    };
    try {
      const reading = await this.#subject.log.read(this.#slice.range.from, visitor, enough.signal);
      noteReading(report, reading);
    } catch (error) {
      if (tooMany === undefined) throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
    if (tooMany !== undefined) throw tooMany;
  }

  /** Looks up each entry that Loki has; what the Engine does not have is kept account of on the first time. */
  async #findInLoki(
    signal: AbortSignal,
    found: (slot: number, verdict: number) => void,
    first = true,
  ): Promise<void> {
    const { reader } = this.#tools;
    for (const stream of STREAMS) {
      const equal = new EqualLines();
      for (const range of this.#slice.ranges(stream, (bucket) => this.#survey.linesIn(stream, bucket))) {
        const { crowded } = await reader.read(
          {
            selector: selectorOf(this.#subject, stream),
            range,
            expected: (from, bytes) => this.#survey.expected(stream, from, bytes),
            visit: (entry) => {
              const { seconds, nanos, line } = entry;
              if (!mayBeOf(this.#subject, entry) || !this.#slice.contains(stream, seconds, nanos)) return;
              this.#prints.ofText(stream, seconds, nanos, line);
              const { words } = this.#prints;
              if (!this.#slice.takes(words)) return;
              const slot = this.#table.find(words);
              if (slot >= 0) {
                found(slot, this.#verdictOf(slot));
                return;
              }
              if (!first || isGapText(line) || !belongsTo(this.#subject, entry)) return;
              if (!equal.repeats(seconds, nanos, words)) this.#lokiOnly.add(stream, entry, words);
            },
          },
          signal,
        );
        for (const stamp of crowded) this.#crowded.add(`${stream} ${stamp}`);
      }
    }
  }

  async #lookForRefusals(signal: AbortSignal, ...of: readonly number[]): Promise<void> {
    const { rejectedFile } = this.#tools;
    if (rejectedFile === undefined) return;
    await rejectedFile.visit(
      this.#subject.log.container,
      (stream, seconds, nanos, { line, kind, reason }) => {
        if (!this.#slice.contains(stream, seconds, nanos)) return;
        this.#prints.ofBytes(stream, seconds, nanos, line, 0, line.length);
        const slot = this.#table.find(this.#prints.words);
        if (slot < 0 || !of.includes(this.#verdictOf(slot))) return;
        this.#set(slot, this.#kinds.verdictFor(kind, reason));
      },
      signal,
    );
  }

  /**
   * Reads the Engine's log once more, for what is not in Loki: to show it, to explain it, to send it. Resolves with
   * what went wrong with the sending.
   */
  async #name(report: ContainerReport, signal: AbortSignal): Promise<Error | undefined> {
    const { repair, samples } = this.#tools;
    const { log } = this.#subject;
    const sender = repair === undefined ? undefined : new MissingSender(repair, log.container);
    /** Refused lines that are samples already: equal ones stand more than once in the log. */
    const shown = new Set<number>();
    const sample = (to: LineSample[], stream: StreamNumber, stamp: Nanoseconds, text: Buffer): void => {
      if (to.length < samples)
        to.push({ stream: streamName(stream), stamp, text: text.toString('utf8', 0, SAMPLE_BYTES) });
    };
    const visitor: EngineLineVisitor = {
      line: (stream, seconds, nanos, source, start, end) => {
        if (!this.#slice.contains(stream, seconds, nanos)) return;
        this.#prints.ofBytes(stream, seconds, nanos, source, start, end);
        const slot = this.#table.find(this.#prints.words);
        if (slot < 0) return;
        const verdict = this.#verdictOf(slot);
        const stamp = stampOf(seconds, nanos);
        if (verdict >= FIRST_KIND) {
          if (shown.has(slot)) return;
          if (shown.size < samples) shown.add(slot);
          sample(report.samples.refused, stream, stamp, source.subarray(start, end));
        } else if (verdict === Verdict.waiting || verdict === Verdict.pending) {
          const pieces = this.#slice.holdsWholeStamps
            ? this.#lokiOnly.find(this.#prints, stream, seconds, nanos, source, start, end)
            : undefined;
          const named = this.#explain(verdict, stream, stamp, pieces);
          this.#set(slot, named);
          if (named !== Verdict.missing) return;
          sample(report.samples.missing, stream, stamp, source.subarray(start, end));
          if (sender === undefined) return;
          this.#set(slot, Verdict.sent);
          sender.line(stream, seconds, nanos, source, start, end);
        }
      },
    };
    try {
      await log.read(this.#slice.range.from, visitor, signal, sender);
    } catch (error) {
      // A push that failed ends the reading as well.
      const failure = await sender?.finish();
      if (failure === undefined) throw error;
    }
    return await sender?.finish();
  }

  #explain(
    verdict: number,
    stream: StreamNumber,
    stamp: Nanoseconds,
    pieces: 'whole' | 'beginning' | undefined,
  ): number {
    const { shownFrom } = this.#tools;
    if (pieces === 'whole') return Verdict.inPieces;
    if (verdict === Verdict.pending) return Verdict.stillPending;
    if (this.#crowded.has(`${stream} ${stamp}`)) return Verdict.crowded;
    if (shownFrom !== undefined && stamp < shownFrom) return Verdict.expired;
    return pieces === 'beginning' ? Verdict.changed : Verdict.missing;
  }

  /** Whether what was sent is in Loki now, or else refused. */
  async #confirm(signal: AbortSignal): Promise<void> {
    await this.#findInLoki(
      signal,
      (slot, verdict) => {
        if (verdict === Verdict.sent) this.#set(slot, Verdict.repaired);
      },
      false,
    );
    if (this.#having(Verdict.sent) > 0) await this.#lookForRefusals(signal, Verdict.sent);
  }

  #tally(report: ContainerReport): void {
    for (const stream of STREAMS) {
      const counts = report.streams[streamName(stream)];
      const has = (verdict: number): number => this.#table.count(inStream(verdict, stream));
      const lines = this.#lines[stream];
      counts.lines += lines;
      counts.folded += lines - this.#distinct[stream];
      counts.inPieces += has(Verdict.inPieces);
      counts.repaired += has(Verdict.repaired);
      counts.delivered += has(Verdict.found) + has(Verdict.inPieces) + has(Verdict.repaired);
      // Still waiting: gone from the Engine's log before it could be shown.
      counts.missing += has(Verdict.missing) + has(Verdict.sent) + has(Verdict.waiting);
      counts.pending += has(Verdict.stillPending) + has(Verdict.pending);
      counts.crowded += has(Verdict.crowded);
      counts.expired += has(Verdict.expired);
      counts.changed += has(Verdict.changed);
      counts.refused += this.#kinds.countInto(report.refusals, has);
      this.#lokiOnly.countInto(stream, counts);
    }
    const { unknown } = report.samples;
    for (const sample of this.#lokiOnly.samples()) {
      if (unknown.length >= this.#tools.samples) break;
      unknown.push(sample);
    }
  }

  #verdictOf(slot: number): number {
    return this.#table.stateOf(slot) & 0x7f;
  }

  #set(slot: number, verdict: number): void {
    this.#table.setState(slot, (this.#table.stateOf(slot) & 0x80) | verdict);
  }

  #having(verdict: number): number {
    return this.#table.count(inStream(verdict, 1)) + this.#table.count(inStream(verdict, 2));
  }
}
