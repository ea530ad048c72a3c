import type { FlowControl } from '../collector/log-source.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import type { EntryCounter } from '../loki/read/entry-count.js';
import type { LokiReader } from '../loki/read/loki-reader.js';
import { RangeBounds, stampOf, withPieces, type StampRange } from '../loki/read/stamp-range.js';
import type { LinePiece } from '../model/line-piece.js';
import { NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import { PollardError } from '../model/errors.js';
import { Digests } from './digests.js';
import { MissingSender, type RepairParts } from './missing-sender.js';
import type { RefusedLines } from './refusals.js';
import {
  selectorById,
  selectorOf,
  selectorsUnderOtherLabels,
  streamName,
  STREAMS,
  type Subject,
} from './subject.js';
import type { LineSample } from './report.js';

export interface DirectTools {
  readonly reader: LokiReader;
  readonly countEntries: EntryCounter;
  readonly rejectedFile: RefusedLines | undefined;
  /** Loki does not show what is older; undefined: not known that it does not. */
  readonly shownFrom: Nanoseconds | undefined;
  readonly samples: number;
}

export interface SendingOptions {
  readonly repair: RepairParts;
  /** Of the subject's range: no line of another stamp is sent. */
  readonly stretch: StampRange;
  /** The stamp of the oldest entry of the Engine's log. */
  readonly oldest: Nanoseconds | undefined;
  /** Buckets of the survey. */
  readonly buckets: number;
}

/** Moved timestamps of the log's last lines are not past it. */
const MOVED_BY = NS_PER_SECOND;
const SAMPLE_BYTES = 500;

/**
 * Sends the lines of a stretch of time of which Loki has nothing, while the Engine's log is read for the survey: they
 * are missing, and need not be examined one by one. Lines that the service is still to deliver are left to it. Whether
 * all arrived is checked afterwards with a count; if the count is not the expected one, the survey compares the stretch
 * with Loki like any other, and what was sent is not sent again.
 */
export class DirectSending implements FlowControl {
  readonly stretch: StampRange;
  /** The first lines that were sent. */
  readonly samples: LineSample[] = [];
  readonly #subject: Subject;
  readonly #tools: DirectTools;
  readonly #bounds: RangeBounds;
  readonly #sender: MissingSender;
  readonly #sent: readonly [undefined, Digests, Digests];
  #rejected = 0;

  private constructor(
    subject: Subject,
    tools: DirectTools,
    repair: RepairParts,
    stretch: StampRange,
    buckets: number,
  ) {
    this.#subject = subject;
    this.#tools = tools;
    this.stretch = stretch;
    this.#bounds = new RangeBounds(stretch);
    this.#sender = new MissingSender(
      {
        ...repair,
        push: async (batch) => {
          const result = await repair.push(batch);
          this.#rejected += result.rejected;
          return result;
        },
      },
      subject.log.container,
    );
    this.#sent = [undefined, new Digests(buckets), new Digests(buckets)];
  }

  /**
   * @returns undefined where lines have to be examined one by one
   * @throws PollardError when Loki or the Engine cannot be asked
   */
  static async into(
    subject: Subject,
    tools: DirectTools,
    { repair, stretch, oldest, buckets }: SendingOptions,
    signal: AbortSignal,
  ): Promise<DirectSending | undefined> {
    const asked = boundsOf(subject, stretch, oldest, tools.shownFrom);
    if (asked === undefined) return undefined;
    if (await isInStreams(subject, tools.reader, asked, signal)) return undefined;
    if (await hasRefusals(subject, tools, signal)) return undefined;
    // Where the cursor's place is not in the log, all of the log is left to the service: see EngineLog.behindCursor.
    if (!(await subject.log.showsPlace(subject.range.from, signal))) return undefined;
    if (await isElsewhere(subject, tools.reader, asked, repair.force === true, signal)) return undefined;
    return new DirectSending(subject, tools, repair, asked, buckets);
  }

  static bytesFor(buckets: number): number {
    return 2 * Digests.bytesFor(buckets);
  }

  /**
   * Sends a settled line, or a piece of one, that it covers.
   *
   * @param bucket of the survey
   * @param words its fingerprint
   */
  line(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    piece: LinePiece | undefined,
    bucket: number,
    words: Uint32Array,
  ): void {
    this.#sender.line(stream, seconds, nanos, source, start, end, piece);
    const isFurther = piece !== undefined && piece.number > 1;
    this.#sent[stream].add(bucket, words, end - start, false, isFurther ? 'further' : 'line');
    if (isFurther || this.samples.length >= this.#tools.samples) return;
    const text = source.toString('utf8', start, Math.min(end, start + SAMPLE_BYTES));
    this.samples.push({ stream: streamName(stream), stamp: stampOf(seconds, nanos), text });
  }

  pause(): Promise<void> | undefined {
    return this.#sender.pause();
  }

  /** Sends the rest; resolves when all is settled, with what went wrong with a push. */
  async finish(): Promise<Error | undefined> {
    return await this.#sender.finish();
  }

  /** What was sent of a stream. */
  sent(stream: StreamNumber): Digests {
    return this.#sent[stream];
  }

  /** Whether the settled lines of a stamp were sent, but for one in pieces that the cursor stands in. */
  covers(stream: StreamNumber, seconds: number, nanos: number, lineId?: Nanoseconds): boolean {
    if (!this.#bounds.contains(seconds, nanos)) return false;
    return lineId === undefined || !this.#subject.log.isOpenAtCursor(stream, lineId);
  }

  /** Whether all that was sent is in Loki, and nothing else is. False: that is not known. */
  async arrived(signal: AbortSignal): Promise<boolean> {
    if (this.#rejected > 0) return false;
    for (const stream of STREAMS) {
      const selector = selectorOf(this.#subject, stream);
      const count = await this.#tools.countEntries(selector, withPieces(this.stretch), signal);
      if (count !== this.#sent[stream].entries) return false;
    }
    return true;
  }
}

/** The part of a stretch in which lines may be sent; undefined: none. Loki is not searched for what cannot be there. */
function boundsOf(
  { log }: Subject,
  stretch: StampRange,
  oldest: Nanoseconds | undefined,
  shownFrom: Nanoseconds | undefined,
): StampRange | undefined {
  const { newest, settledUpTo } = log;
  if (oldest === undefined || newest === undefined) return undefined;
  const ends = [stretch.until, newest + MOVED_BY, ...(settledUpTo === undefined ? [] : [settledUpTo + 1n])];
  const from = [stretch.from, oldest, shownFrom ?? 0n].reduce((a, b) => (a > b ? a : b));
  const until = ends.reduce((a, b) => (a < b ? a : b));
  return from < until ? { from, until } : undefined;
}

/** Whether lines of the container were refused before: such are not sent again. */
async function hasRefusals(
  { log }: Subject,
  { rejectedFile }: DirectTools,
  signal: AbortSignal,
): Promise<boolean> {
  if (rejectedFile === undefined) return false;
  let any = !(await rejectedFile.unstored(log.container)).isEmpty;
  if (!any) await rejectedFile.visit(log.container, () => (any = true), signal);
  return any || rejectedFile.problem !== undefined;
}

/** Whether Loki has anything of a stretch in the container's streams. */
async function isInStreams(
  subject: Subject,
  reader: LokiReader,
  stretch: StampRange,
  signal: AbortSignal,
): Promise<boolean> {
  for (const stream of STREAMS) {
    if (await reader.holdsAny(selectorOf(subject, stream), withPieces(stretch), signal)) return true;
  }
  return false;
}

/** Whether Loki has, or may have, anything of the container in a stretch under other labels. */
async function isElsewhere(
  subject: Subject,
  reader: LokiReader,
  stretch: StampRange,
  force: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  for (const stream of STREAMS) {
    const byId = selectorById(subject, stream);
    const others = force ? [] : selectorsUnderOtherLabels(subject, stream);
    for (const selector of byId === undefined ? others : [byId, ...others]) {
      try {
        if (await reader.holdsAny(selector, withPieces(stretch), signal)) return true;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof PollardError)) throw error;
        // As in LokiLookup: a Loki that cannot search metadata refuses the query. Whatever else fails is left to it.
        if (error.code !== 'loki_query_refused') return true;
      }
    }
  }
  return false;
}
