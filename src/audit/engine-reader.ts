import { AnchorMatcher, MAX_ANCHOR } from '../collector/anchor.js';
import { AnchorRing } from '../collector/anchor-ring.js';
import { Repeats } from '../collector/fingerprint.js';
import { LineAssembler, type LineRules, type LineSink } from '../collector/line-assembler.js';
import { MovedStamps } from '../collector/moved-stamps.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import type { AnchorEntry, Cursor } from '../model/cursor.js';
import type { LinePiece } from '../model/line-piece.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import { nanosOf, secondsOf, stampOf } from '../loki/read/stamp-range.js';
import type { RunSink } from './damaged-reading.js';

/**
 * Which part of a line the Engine's log may have lost: it is damaged, or begins, in the middle of the line. `beginning`
 * only says that this is possible: nothing marks the first chunk of a line.
 */
export type LineLack = 'beginning' | 'end' | 'both';

/** Takes the lines of a log, in file order. */
export interface EngineLineVisitor {
  /**
   * One line, or one piece of a long one, as the collector delivers it: `source[start, end)`, with the stamp that
   * it is delivered with.
   *
   * @param settled it stands before the collector's cursor, so it must have been delivered
   * @param piece set: it is a part of a line, cut by length alone
   * @param lack set: a part of the line may be lost
   */
  line(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    settled: boolean,
    piece?: LinePiece,
    lack?: LineLack,
  ): void;
}

/** How entries become lines, as the collector has it. */
export interface SplitRules extends LineRules {
  readonly maxLineBytes: number;
  readonly sentAsText: boolean;
  readonly moveEqualStamps: boolean;
}

/** Makes lines of entries, and knows on which side of the cursor they stand. */
export class EngineReader implements RunSink, LineSink {
  readonly #visitor: EngineLineVisitor;
  readonly #assembler: LineAssembler;
  readonly #matcher: AnchorMatcher | undefined;
  readonly #repeats = new Repeats();
  readonly #ring = new AnchorRing(MAX_ANCHOR, []);
  readonly #openInCursor: readonly [undefined, boolean, boolean];
  readonly #last: AnchorEntry | undefined;
  readonly #lastSeconds: number;
  readonly #lastNanos: number;
  #settled: boolean;
  /** By stream: no line of it has ended since the beginning of the log, or since the last gap. */
  readonly #isFirst: [undefined, boolean, boolean] = [undefined, true, true];
  #isAtGap = false;
  #highSeconds = 0;
  #highNanos = 0;
  #ending: 'no' | 'ended' | 'still-written' = 'no';
  entries = 0;
  sawLast: boolean;

  /**
   * @param cursor whose place is looked for; undefined: none
   * @param settled what lines are until that place has gone by
   */
  constructor(
    visitor: EngineLineVisitor,
    rules: SplitRules,
    cursor: Cursor | undefined,
    settled: boolean,
    last: AnchorEntry | undefined,
  ) {
    this.#visitor = visitor;
    this.#settled = settled;
    const lines = new MovedStamps(this, {}, rules.moveEqualStamps ? 'shift' : 'keep');
    this.#assembler = new LineAssembler(lines, rules);
    this.#matcher = cursor === undefined ? undefined : new AnchorMatcher(cursor.anchor);
    const open = new Set(cursor?.open.map(({ stream }) => stream));
    this.#openInCursor = [undefined, open.has('stdout'), open.has('stderr')];
    this.#last = last;
    this.#lastSeconds = last === undefined ? -1 : secondsOf(last.stamp);
    this.#lastNanos = last === undefined ? -1 : nanosOf(last.stamp);
    this.sawLast = last === undefined;
  }

  /** The highest stamp up to the cursor's place. */
  get settledUntil(): Nanoseconds {
    return stampOf(this.#highSeconds, this.#highNanos);
  }

  get anchorFound(): boolean {
    return this.#matcher?.found ?? true;
  }

  entry(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    terminated: boolean,
  ): void {
    this.entries++;
    if (seconds === this.#lastSeconds && nanos === this.#lastNanos && this.#isLast(stream)) {
      this.sawLast = true;
    }
    const repeat = this.#repeats.next(stream, seconds, nanos, source, start, end);
    this.#ring.add(stream, seconds, nanos, source, start, end, repeat);
    if (this.#settled && this.#matcher !== undefined) {
      const place = this.#matcher.place(stream, seconds, nanos, source, start, end, repeat);
      if (place === 'new') {
        this.#settled = false;
      } else if (seconds > this.#highSeconds || (seconds === this.#highSeconds && nanos > this.#highNanos)) {
        this.#highSeconds = seconds;
        this.#highNanos = nanos;
      }
    }
    this.#assembler.entry(stream, seconds, nanos, source, start, end, terminated);
  }

  /** The last entries that were shown. */
  lastEntries(): AnchorEntry[] {
    return this.#ring.anchor();
  }

  /** Entries are missing here: a line that is open ends. */
  gap(): void {
    this.#isAtGap = true;
    this.#assembler.closeAll();
    this.#isAtGap = false;
    this.#isFirst[1] = this.#isFirst[2] = true;
  }

  /** @param ended nothing more will be written: what is open is a line, and was delivered as one */
  finish(ended: boolean): void {
    this.#ending = ended ? 'ended' : 'still-written';
    this.#assembler.closeAll();
  }

  line(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    piece?: LinePiece,
  ): void {
    const open = this.#ending === 'still-written' || (this.#ending === 'ended' && this.#openInCursor[stream]);
    const lack = this.#lackOf(stream);
    if (piece === undefined || piece.count !== undefined) this.#isFirst[stream] = false;
    this.#visitor.line(stream, seconds, nanos, source, start, end, this.#settled && !open, piece, lack);
  }

  #lackOf(stream: StreamNumber): LineLack | undefined {
    if (this.#isFirst[stream]) return this.#isAtGap ? 'both' : 'beginning';
    return this.#isAtGap ? 'end' : undefined;
  }

  #isLast(stream: StreamNumber): boolean {
    return this.#last?.stream === (stream === 1 ? 'stdout' : 'stderr');
  }
}
