import { isUtf8 } from 'node:buffer';
import type { StreamNumber } from '../docker/entry-sink.js';
import type { LinePiece } from '../model/line-piece.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import { cutPlace, sentBytes } from '../model/utf8.js';
import type { DirectSending } from './direct-sending.js';
import type { EngineLineVisitor } from './engine-reader.js';
import { canonicalText, Fingerprinter } from './fingerprinter.js';
import { coverOf, type Cover, type Hole } from './line-cover.js';
import type { LokiLookup } from './loki-lookup.js';
import { textOf, type Candidate, type LokiOnly } from './loki-only.js';
import type { MissingSender } from './missing-sender.js';
import { isHeld, LineGatherer, type NamedLine, type NamedPart } from './named-line.js';
import type { LineSample, Samples } from './report.js';
import type { Slice } from './slice.js';
import { lineStamp, nanosOf, secondsOf } from '../loki/read/stamp-range.js';
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
  /** What was sent before, and is not sent again; undefined: nothing was. */
  readonly direct: DirectSending | undefined;
}

const SAMPLE_BYTES = 500;
/** Pieces of a line that do not say that they are some are looked for so far past as many as its length asks for. */
const MORE_PIECES = 64;
const SHORT_PIECE = 1024;

const FOUND: ReadonlySet<number> = new Set([
  Verdict.found,
  Verdict.elsewhere,
  Verdict.relabelled,
  Verdict.repaired,
]);
/** Not found in Loki, and not explained yet. */
const OPEN: ReadonlySet<number> = new Set([Verdict.waiting, Verdict.pending]);

/**
 * Reads the Engine's log once more, for what was not found in Loki: to explain it, to keep examples, to hand over
 * for sending what is missing. A line in pieces is judged as one: its verdict stands with its first piece.
 */
export class Naming {
  readonly #options: NamingOptions;
  readonly #prints = new Fingerprinter();
  readonly #lines: readonly [undefined, LineGatherer, LineGatherer] = [
    undefined,
    new LineGatherer(1),
    new LineGatherer(2),
  ];
  /** Of lines in pieces of which some were sent: all those slots. */
  readonly #sent: { readonly line: number; readonly slots: readonly number[] }[] = [];
  /** Those of lines of one timestamp cannot be told apart before all lines went by. */
  readonly #misplaced: { readonly stream: StreamNumber; readonly pieces: readonly Candidate[] }[] = [];
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
    const { subject, slice, lokiOnly, sender } = this.#options;
    const visitor: EngineLineVisitor = {
      line: (stream, seconds, nanos, source, start, end, _settled, piece) => {
        const at = lineStamp(seconds, nanos, piece);
        if (!slice.contains(stream, at.seconds, at.nanos)) return;
        this.#line(stream, seconds, nanos, source.subarray(start, end), piece);
      },
    };
    try {
      await subject.log.read(slice.range.from, visitor, signal, sender);
    } catch (error) {
      // A push that failed ends the reading as well.
      const failure = await sender?.finish();
      if (failure === undefined) throw error;
    }
    for (const { stream, pieces } of this.#misplaced) lokiOnly.explain(stream, pieces);
    return await sender?.finish();
  }

  /** After what was sent was looked for: a line in pieces is repaired only if all of them are there. */
  settleSent(): void {
    const { table } = this.#options;
    for (const { line, slots } of this.#sent) {
      const verdicts = slots.map((slot) => table.verdictOf(slot));
      const refused = verdicts.find((verdict) => verdict >= FIRST_KIND);
      if (verdicts.includes(Verdict.sent)) table.set(line, Verdict.sent);
      else table.set(line, refused ?? Verdict.repaired);
    }
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
    text: Buffer,
    piece: LinePiece | undefined,
  ): void {
    const { table, slice } = this.#options;
    this.#prints.ofBytes(stream, seconds, nanos, text, 0, text.length);
    const { words } = this.#prints;
    const slot = table.find(words);
    // Lines of one stamp are in several slices: the pieces of a line may be, too.
    const alone = piece === undefined || !slice.holdsWholeStamps;
    if (alone && !this.#isWanted(slot)) return;
    const line = this.#lines[stream].add(slot, words, seconds, nanos, text, alone ? undefined : piece);
    if (line !== undefined) this.#judge(line);
  }

  /** Of a line that is no piece: whether anything is to be said of it. */
  #isWanted(slot: number): boolean {
    if (slot < 0) return false;
    const verdict = this.#options.table.verdictOf(slot);
    return OPEN.has(verdict) || verdict >= FIRST_KIND;
  }

  #judge(line: NamedLine): void {
    const { table, lokiOnly, sender } = this.#options;
    const [first] = line.parts as [NamedPart];
    // Begun since the table was made: it is not counted.
    if (first.slot < 0) return;
    const verdicts = line.parts.map(({ slot }) => (slot < 0 ? Verdict.pending : table.verdictOf(slot)));
    const refused = verdicts.find((verdict) => verdict >= FIRST_KIND);
    if (!verdicts.some((verdict) => OPEN.has(verdict))) {
      if (refused !== undefined) {
        table.set(first.slot, refused);
        this.#sample(line);
      } else if (verdicts.includes(Verdict.relabelled)) {
        table.set(first.slot, Verdict.relabelled);
      }
      return;
    }
    const cover = this.#coverOf(line, verdicts);
    if (cover !== undefined) {
      lokiOnly.explain(line.stream, cover.pieces);
      this.#misplaced.push({ stream: line.stream, pieces: cover.misplaced });
    }
    const verdict = this.#verdictOf(line, verdicts, cover);
    table.set(first.slot, verdict);
    if (verdict >= FIRST_KIND) this.#sample(line);
    if (verdict !== Verdict.missing) return;
    this.#sample(line);
    if (sender === undefined || verdicts.includes(Verdict.pending) || this.#wasSent(line)) return;
    const slots =
      cover === undefined ? this.#sendParts(sender, line, verdicts) : this.#fill(sender, line, cover);
    if (slots === undefined) return;
    table.set(first.slot, Verdict.sent);
    for (const slot of slots) table.set(slot, Verdict.sent);
    if (line.parts.length > 1 || cover !== undefined) this.#sent.push({ line: first.slot, slots });
  }

  #wasSent({ stream, lineId, parts }: NamedLine): boolean {
    const id = parts.length > 1 ? lineId : undefined;
    return this.#options.direct?.covers(stream, secondsOf(lineId), nanosOf(lineId), id) === true;
  }

  /** How pieces that were cut at other places make up the line; undefined: there are none. */
  #coverOf(line: NamedLine, verdicts: readonly number[]): Cover | undefined {
    const { slice, lokiOnly, subject } = this.#options;
    if (!slice.holdsWholeStamps || !isHeld(line)) return undefined;
    const most = line.parts.length + Math.ceil(line.bytes.length / SHORT_PIECE) + MORE_PIECES;
    const candidates = lokiOnly.candidates(line.stream, line.lineId, most);
    if (candidates.length === 0) return undefined;
    // What is in Loki as it is expected is a piece like any other.
    const expected = line.parts.flatMap((part, i) =>
      FOUND.has(verdicts[i] as number) ? [candidateOf(line, part)] : [],
    );
    const all = [...candidates, ...expected].sort((a, b) => (a.stamp < b.stamp ? -1 : 1));
    const cover = coverOf(line, all, this.#prints, subject.log.maxLineBytes);
    const isOther = (piece: Candidate): boolean => candidates.includes(piece);
    return cover.pieces.some(isOther) || cover.misplaced.some(isOther) ? cover : undefined;
  }

  #verdictOf(line: NamedLine, verdicts: readonly number[], cover: Cover | undefined): number {
    const { subject, lookup, refusalOf, shownFrom } = this.#options;
    if (cover !== undefined && cover.hole === undefined) return Verdict.inPieces;
    if (verdicts.includes(Verdict.pending)) {
      const leading = cover?.leading ?? leadingOf(verdicts);
      // Of one that the cursor stands in, it tells; else at least what was asked for by its place must be there.
      const isBegun = verdicts.some((verdict) => verdict !== Verdict.pending);
      const delivered = subject.log.deliveredPieces(line.stream, isBegun ? undefined : line.lineId);
      if (leading >= (delivered ?? (isBegun ? 1 : 0))) return Verdict.stillPending;
    }
    const refused = refusalOf(line.stream, line.lineId);
    if (refused !== undefined) return refused;
    if (line.parts.some(({ stamp }) => lookup.isCrowded(line.stream, stamp))) return Verdict.crowded;
    if (shownFrom !== undefined && line.lineId < shownFrom) return Verdict.expired;
    if (cover !== undefined && isShortened(line, cover)) return Verdict.changed;
    return lookup.isUnderOtherLabels(line.stream, line.lineId) ? Verdict.relabelled : Verdict.missing;
  }

  /** Sends the pieces that were not found, or the line; returns their slots. */
  #sendParts(sender: MissingSender, line: NamedLine, verdicts: readonly number[]): number[] | undefined {
    if (!isHeld(line)) return undefined;
    const missing = line.parts.filter((_, i) => verdicts[i] === Verdict.waiting);
    for (const { stamp, from, to, piece } of missing) {
      sender.line(line.stream, secondsOf(stamp), nanosOf(stamp), line.bytes, from, to, piece);
    }
    return missing.map(({ slot }) => slot);
  }

  /** Sends what lies between pieces that were cut at other places; returns its slots, undefined: it cannot be. */
  #fill(sender: MissingSender, line: NamedLine, { hole, misplaced }: Cover): number[] | undefined {
    const { table } = this.#options;
    // Some of what is missing may be among these: it must not be there twice.
    if (hole === undefined || misplaced.length > 0) return undefined;
    const pieces = this.#piecesFor(line, hole);
    if (pieces === undefined) return undefined;
    const slots: number[] = [];
    for (const { piece, from, to } of pieces) {
      const stamp = line.lineId + BigInt(piece.number - 1);
      const [seconds, nanos] = [secondsOf(stamp), nanosOf(stamp)];
      this.#prints.ofBytes(line.stream, seconds, nanos, line.bytes, from, to);
      table.add(this.#prints.words, Verdict.sent, line.stream, 'further');
      const slot = table.find(this.#prints.words);
      // No room is left to see whether it arrives: another run will.
      if (slot < 0) return undefined;
      slots.push(slot);
      sender.line(line.stream, seconds, nanos, line.bytes, from, to, piece);
    }
    return slots;
  }

  /** What belongs into a hole; undefined: it has no room for that, or its place is not known. */
  #piecesFor(
    line: NamedLine,
    hole: Hole,
  ): { readonly piece: LinePiece; readonly from: number; readonly to: number }[] | undefined {
    const text = line.bytes.toString('utf8');
    // Else places in the text that was compared are none in the line.
    if (!isUtf8(line.bytes) || canonicalText(text) !== text) return undefined;
    const { maxLineBytes, sentAsText } = this.#options.subject.log;
    const to = Buffer.byteLength(text.slice(0, hole.to));
    const pieces: { piece: LinePiece; from: number; to: number }[] = [];
    for (let from = Buffer.byteLength(text.slice(0, hole.from)); from < to;) {
      const fits = sentBytes(line.bytes, from, to, sentAsText) <= maxLineBytes;
      const end = fits ? to : cutPlace(line.bytes, from, to, maxLineBytes, sentAsText);
      const number = hole.number + pieces.length;
      const isLast = end === line.bytes.length;
      pieces.push({
        piece: { lineId: line.lineId, number, ...(isLast ? { count: number } : {}) },
        from,
        to: end,
      });
      from = end;
    }
    return pieces.length <= hole.room ? pieces : undefined;
  }

  #sample(line: NamedLine): void {
    const [{ slot }] = line.parts as [NamedPart];
    // Of each kind as many: which it will be is not known yet.
    if (this.#samples.size >= this.#options.samples * 4 || this.#samples.has(slot)) return;
    const text = line.bytes.toString('utf8', 0, Math.min(line.bytes.length, SAMPLE_BYTES));
    this.#samples.set(slot, { stream: streamName(line.stream), stamp: line.lineId, text });
  }
}

function candidateOf(line: NamedLine, { stamp, words, from, to }: NamedPart): Candidate {
  return { stamp, words, piece: undefined, expected: true, ...textOf(line.bytes.toString('utf8', from, to)) };
}

/** How many pieces were found before the first that was not. */
function leadingOf(verdicts: readonly number[]): number {
  const first = verdicts.findIndex((verdict) => !FOUND.has(verdict));
  return first < 0 ? verdicts.length : first;
}

/**
 * Loki has the beginning of the line and nothing says that it is a piece: it cuts lines when
 * `max_line_size_truncate` is set. Or a piece lacks its end.
 */
function isShortened(line: NamedLine, { pieces, leading, hole }: Cover): boolean {
  if (hole === undefined) return false;
  if (hole.shortened) return true;
  const isBeginning = leading > 0 && leading === pieces.length;
  return line.parts.length === 1 && isBeginning && pieces.every(({ piece }) => piece === undefined);
}
