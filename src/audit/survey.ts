import { isMarkerText, isPossibleGapText } from '../collector/possible-gap.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import type { LinePiece } from '../model/line-piece.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import { Digests, type EntryPart } from './digests.js';
import type { EngineReading } from './engine-log.js';
import type { EngineLineVisitor } from './engine-reader.js';
import { Fingerprinter } from './fingerprinter.js';
import type { HeldBytes } from './held-bytes.js';
import type { LokiReader } from '../loki/read/loki-reader.js';
import type { DirectSending } from './direct-sending.js';
import { EqualLines } from './repeats.js';
import type { LineSample, StreamCounts } from './report.js';
import {
  lineStamp,
  nanosOf,
  RangeBounds,
  secondsOf,
  stampOf,
  withPieces,
  type StampRange,
} from '../loki/read/stamp-range.js';
import { mayBeOf, selectorOf, streamName, STREAMS, type Subject } from './subject.js';
import { TimeGrid } from './time-grid.js';

export interface SurveyTools {
  readonly reader: LokiReader;
  readonly held: HeldBytes;
  /** Into how many buckets the range is divided, at most. */
  readonly buckets: number;
  readonly samples: number;
}

/** A bucket of a stream, in which the two sides do not agree. */
export interface Difference {
  readonly stream: StreamNumber;
  readonly bucket: number;
  /** Lines of the Engine's in it; each piece of a long one counts. */
  readonly lines: number;
}

/** What a line takes in Loki's answer beside its text: stamp, structured metadata. */
const ENTRY_BYTES = 200;

type ByStream<T> = readonly [undefined, T, T];

/**
 * One look at each side: of every stretch of time how many lines there are, and the sum of their fingerprints.
 * Where these agree, every line was delivered, and nothing need be kept of any.
 */
export class Survey {
  readonly grid: TimeGrid;
  readonly gaps: LineSample[] = [];
  readonly #subject: Subject;
  readonly #tools: SurveyTools;
  readonly #settled: ByStream<Digests>;
  readonly #pending: ByStream<Digests>;
  readonly #loki: ByStream<Digests>;
  readonly #gapMarkers: [number, number, number] = [0, 0, 0];
  readonly #storedTwice: [number, number, number] = [0, 0, 0];
  readonly #possibleGapMarkers: [number, number, number] = [0, 0, 0];
  readonly #heldBytes: number;
  /** What was sent while the Engine's log was read. */
  #direct: DirectSending | undefined;
  readonly #repaired: LineSample[] = [];
  reading: EngineReading | undefined;
  /** Entries of Loki's that could not be understood. */
  malformed = 0;

  constructor(subject: Subject, tools: SurveyTools) {
    this.#subject = subject;
    this.#tools = tools;
    this.grid = new TimeGrid(subject.range, tools.buckets);
    const { size } = this.grid;
    const each = (): ByStream<Digests> => [undefined, new Digests(size), new Digests(size)];
    this.#settled = each();
    this.#pending = each();
    this.#loki = each();
    this.#heldBytes = 6 * Digests.bytesFor(size);
    tools.held.take(this.#heldBytes);
  }

  /** Lines that were sent, and arrived, as examples. */
  get repaired(): readonly LineSample[] {
    return this.#repaired;
  }

  /** Gives back what the survey holds. */
  release(): void {
    this.#tools.held.give(this.#heldBytes);
  }

  /**
   * Resolves with what went wrong with a push: then not all that `direct` covers was sent.
   *
   * @param direct takes the lines of a stretch of which Loki has nothing
   * @throws PollardError when one of the sides cannot be asked
   */
  async run(signal: AbortSignal, direct?: DirectSending): Promise<Error | undefined> {
    this.#direct = direct;
    const failure = await this.#readEngine(signal, direct, true);
    if (failure !== undefined) {
      // A push that failed ends the reading as well.
      for (const stream of STREAMS) {
        this.#settled[stream].clear();
        this.#pending[stream].clear();
      }
      await this.#readEngine(signal, undefined, true);
    }
    for (const range of await this.#toCompare(failure === undefined ? direct : undefined, signal)) {
      for (const stream of STREAMS) await this.#readLoki(stream, range, signal);
    }
    return failure;
  }

  /**
   * Reads the Engine's log again to send the lines of a stretch of which Loki has nothing. Resolves with what went wrong
   * with a push: then not all that `direct` covers was sent.
   *
   * @throws PollardError when one of the sides cannot be asked
   */
  async send(direct: DirectSending, signal: AbortSignal): Promise<Error | undefined> {
    this.#direct = direct;
    const failure = await this.#readEngine(signal, direct, false);
    if (failure === undefined) await this.#addArrived(direct, signal);
    return failure;
  }

  /** The first bucket from which on Loki has nothing of either stream. */
  get absentFrom(): number {
    let bucket = this.grid.size;
    while (bucket > 0 && STREAMS.every((stream) => this.#loki[stream].entriesIn(bucket - 1) === 0)) bucket--;
    return bucket;
  }

  /** How many lines from a stamp on have so many bytes in Loki's answer; undefined: it is not so much. */
  expected(stream: StreamNumber, from: Nanoseconds, wanted: number): number | undefined {
    let lines = 0;
    let bytes = 0;
    for (let bucket = this.grid.indexOf(secondsOf(from), nanosOf(from)); bucket < this.grid.size; bucket++) {
      const count = this.#entriesIn(stream, bucket);
      const size = this.#bytesIn(stream, bucket) + count * ENTRY_BYTES;
      if (bytes + size >= wanted) return Math.max(1, lines + count * ((wanted - bytes) / size));
      lines += count;
      bytes += size;
    }
    return undefined;
  }

  /** Adds what is known of the buckets that agree. */
  countAgreeing(stream: StreamNumber, counts: StreamCounts): void {
    counts.gapMarkers += this.#gapMarkers[stream];
    counts.storedTwice += this.#storedTwice[stream];
    counts.possibleGapMarkers += this.#possibleGapMarkers[stream];
    for (let bucket = 0; bucket < this.grid.size; bucket++) this.countIfAgreeing(stream, bucket, counts);
  }

  /** Adds what is known of a bucket if it agrees; returns whether it does. */
  countIfAgreeing(stream: StreamNumber, bucket: number, counts: StreamCounts): boolean {
    const agreement = this.#agreement(stream, bucket);
    if (agreement === 'none') return false;
    const [settled, pending] = this.#sides(stream);
    const delivered = sumOf(settled, (digests) => digests.distinctLinesIn(bucket));
    const afterCursor = sumOf(pending, (digests) => digests.distinctLinesIn(bucket));
    const lines = sumOf([...settled, ...pending], (digests) => digests.linesIn(bucket));
    const inLoki = agreement === 'all' ? [...settled, ...pending] : settled;
    counts.repaired += this.#direct?.sent(stream).distinctLinesIn(bucket) ?? 0;
    counts.lines += lines;
    counts.folded += lines - delivered - afterCursor;
    counts.delivered += agreement === 'all' ? delivered + afterCursor : delivered;
    counts.inPieces += sumOf(inLoki, (digests) => digests.longIn(bucket));
    if (agreement === 'settled') counts.pending += afterCursor;
    return true;
  }

  /** The buckets that do not agree, from the oldest to the newest. */
  *differences(): Generator<Difference> {
    for (let bucket = 0; bucket < this.grid.size; bucket++) {
      for (const stream of STREAMS) {
        if (this.#agreement(stream, bucket) !== 'none') continue;
        yield { stream, bucket, lines: this.#entriesIn(stream, bucket) };
      }
    }
  }

  /** About how many entries there are in a bucket, on the side that has more. */
  entriesIn(stream: StreamNumber, bucket: number): number {
    return Math.max(this.#entriesIn(stream, bucket), this.#loki[stream].entriesIn(bucket));
  }

  /** What remains to be read of Loki: what was sent and is counted there need not be. */
  async #toCompare(direct: DirectSending | undefined, signal: AbortSignal): Promise<readonly StampRange[]> {
    const whole = withPieces(this.#subject.range);
    if (direct === undefined || !(await this.#addArrived(direct, signal))) return [whole];
    const { from, until } = withPieces(direct.stretch);
    const around = [
      { from: whole.from, until: from },
      { from: until, until: whole.until },
    ];
    return around.filter((range) => range.from < range.until);
  }

  /** What was sent counts as Loki's, if all of it arrived. */
  async #addArrived(direct: DirectSending, signal: AbortSignal): Promise<boolean> {
    if (!(await direct.arrived(signal))) return false;
    this.#repaired.push(...direct.samples);
    for (const stream of STREAMS) this.#loki[stream].addAll(direct.sent(stream));
    return true;
  }

  /**
   * Resolves with what went wrong with a push.
   *
   * @param adds what is read is added to the sums
   */
  async #readEngine(
    signal: AbortSignal,
    direct: DirectSending | undefined,
    adds: boolean,
  ): Promise<Error | undefined> {
    const { log, range } = this.#subject;
    const bounds = new RangeBounds(range);
    const prints = new Fingerprinter();
    const equal: ByStream<EqualLines> = [undefined, new EqualLines(), new EqualLines()];
    const { words } = prints;
    const visitor: EngineLineVisitor = {
      line: (stream, seconds, nanos, source, start, end, settled, piece) => {
        const at = lineStamp(seconds, nanos, piece);
        if (!bounds.contains(at.seconds, at.nanos)) return;
        prints.ofBytes(stream, seconds, nanos, source, start, end);
        const repeated = equal[stream].repeats(seconds, nanos, words);
        const bucket = this.grid.indexOf(at.seconds, at.nanos);
        if (adds) {
          const digests = settled ? this.#settled[stream] : this.#pending[stream];
          digests.add(bucket, words, end - start, repeated, partOf(piece));
        }
        if (direct === undefined || !settled || repeated) return;
        if (!direct.covers(stream, at.seconds, at.nanos, piece?.lineId)) return;
        direct.line(stream, seconds, nanos, source, start, end, piece, bucket, words);
      },
    };
    try {
      this.reading = await log.read(range.from, visitor, signal, direct);
    } catch (error) {
      const failure = await direct?.finish();
      if (failure === undefined) throw error;
      return failure;
    }
    return await direct?.finish();
  }

  /** @param wanted of the subject's range, and as far past it as pieces of its lines may be */
  async #readLoki(stream: StreamNumber, wanted: StampRange, signal: AbortSignal): Promise<void> {
    const { reader, samples } = this.#tools;
    const { range } = this.#subject;
    const bounds = new RangeBounds(range);
    const prints = new Fingerprinter();
    const equal = new EqualLines();
    // Where not all entries of a stamp can be seen the sums may differ; then they are looked at one by one.
    const { malformed } = await reader.read(
      {
        selector: selectorOf(this.#subject, stream),
        range: wanted,
        expected: (from, bytes) => (from < range.until ? this.expected(stream, from, bytes) : undefined),
        visit: (entry) => {
          const { seconds, nanos, line, piece } = entry;
          const at = lineStamp(seconds, nanos, piece);
          if (!mayBeOf(this.#subject, entry) || !bounds.contains(at.seconds, at.nanos)) return;
          if (isMarkerText(line)) {
            const markers = isPossibleGapText(line) ? this.#possibleGapMarkers : this.#gapMarkers;
            markers[stream]++;
            if (this.gaps.length < samples) {
              this.gaps.push({ stream: streamName(stream), stamp: stampOf(seconds, nanos), text: line });
            }
            return;
          }
          prints.ofText(stream, seconds, nanos, line);
          if (equal.repeats(seconds, nanos, prints.words)) {
            // Lines that differ in broken bytes look equal.
            if (!line.includes('\ufffd')) this.#storedTwice[stream]++;
            return;
          }
          this.#loki[stream].add(this.grid.indexOf(at.seconds, at.nanos), prints.words, 0, false);
        },
      },
      signal,
    );
    this.malformed += malformed;
  }

  /** Whether Loki has all lines of a bucket, or all of those that the cursor says were delivered. */
  #agreement(stream: StreamNumber, bucket: number): 'all' | 'settled' | 'none' {
    const [settled, pending] = this.#sides(stream);
    const loki = this.#loki[stream];
    if (loki.equals(bucket, ...settled, ...pending)) return 'all';
    // What looks as if it were to come may be there under another name: each line is looked for.
    if (this.#subject.log.hidesPlace && this.#entriesIn(stream, bucket) > 0) return 'none';
    // Nor does a sum tell of which lines the beginning was delivered, and the rest is to come.
    if (pending.some((digests) => digests.hasFurther(bucket))) return 'none';
    return loki.equals(bucket, ...settled) ? 'settled' : 'none';
  }

  /** What must be in Loki, and what need not be yet. */
  #sides(stream: StreamNumber): [settled: readonly Digests[], pending: readonly Digests[]] {
    const before = this.#settled[stream];
    const behind = this.#pending[stream];
    return this.#subject.log.behindCursor ? [[], [before, behind]] : [[before], [behind]];
  }

  #entriesIn(stream: StreamNumber, bucket: number): number {
    return this.#settled[stream].entriesIn(bucket) + this.#pending[stream].entriesIn(bucket);
  }

  #bytesIn(stream: StreamNumber, bucket: number): number {
    return this.#settled[stream].bytesIn(bucket) + this.#pending[stream].bytesIn(bucket);
  }
}

function sumOf(all: readonly Digests[], count: (digests: Digests) => number): number {
  return all.reduce((sum, each) => sum + count(each), 0);
}

/** What an entry of the Engine's is. */
export function partOf(piece: LinePiece | undefined): EntryPart {
  if (piece === undefined) return 'line';
  return piece.number === 1 ? 'first' : 'further';
}
