import type { EntrySink, StreamNumber } from '../docker/entry-sink.js';
import type { OpenLine } from '../model/cursor.js';
import { NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import type { Alignment } from './anchor.js';
import type { AnchorRing } from './anchor-ring.js';
import { Repeats } from './fingerprint.js';

/** Where the entries behind the anchor go; it keeps no reference to their bytes. */
export interface NewEntries extends EntrySink {
  /** Called once, before the first new entry or at the end of an answer that holds the anchor. */
  begin(): void;
  /** Called before each entry, while everything handed over before is in a consistent state. */
  before(seconds: number): void;
  /** Called after each entry, in a consistent state again. */
  after(): void;
}

/** Splits one answer at the anchor: what stands before was delivered, what stands behind is new. */
export class AnswerReader implements EntrySink {
  readonly #matcher: Alignment;
  readonly #ring: AnchorRing;
  readonly #next: NewEntries;
  readonly #repeats = new Repeats();
  #begun = false;
  #isFoundInWhole = false;
  readonly #most: number;
  readonly #watchedSeconds: number;
  readonly #watchedNanos: number;
  /** An entry with the stamp that was watched for went by. */
  sawWatched = false;
  /** Entries in the answer. */
  entries = 0;
  /** Of these, the ones that were delivered before. */
  reread = 0;

  /**
   * @param watchFor a stamp to watch for, ns
   * @param most new entries that are taken; those that follow are left out
   */
  constructor(
    matcher: Alignment,
    ring: AnchorRing,
    next: NewEntries,
    watchFor?: Nanoseconds,
    most = Infinity,
  ) {
    this.#most = most;
    this.#watchedSeconds = watchFor === undefined ? -1 : Number(watchFor / NS_PER_SECOND);
    this.#watchedNanos = watchFor === undefined ? -1 : Number(watchFor % NS_PER_SECOND);
    this.#matcher = matcher;
    this.#ring = ring;
    this.#next = next;
  }

  /** The answer is continuous with what was delivered. */
  get found(): boolean {
    return this.#matcher.found || this.#isFoundInWhole;
  }

  get fresh(): number {
    return Math.min(this.entries - this.reread, this.#most);
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
    if (nanos === this.#watchedNanos && seconds === this.#watchedSeconds) this.sawWatched = true;
    const repeat = this.#repeats.next(stream, seconds, nanos, source, start, end);
    if (
      !this.#matcher.done &&
      this.#matcher.place(stream, seconds, nanos, source, start, end, repeat) !== 'new'
    ) {
      this.reread++;
      return;
    }
    if (this.entries - this.reread > this.#most) return;
    if (!this.#begun) this.#begin();
    this.#next.before(seconds);
    this.#next.entry(stream, seconds, nanos, source, start, end, terminated);
    this.#ring.add(stream, seconds, nanos, source, start, end, repeat);
    this.#next.after();
  }

  /**
   * How many of the log's last entries prove the place after this answer; see Repeats.
   *
   * @param anchor entries of an anchor
   * @returns undefined when the answer has no entries, or does not hold the anchor
   */
  reach(anchor: number, open: readonly OpenLine[]): number | undefined {
    if (this.entries === 0 || !this.found) return undefined;
    const names = new Set(open.map((line) => line.stream));
    return this.#repeats.reach(anchor, (stream) => names.has(stream === 1 ? 'stdout' : 'stderr'));
  }

  letGo(): void {
    this.#ring.letGo();
    this.#repeats.letGo();
  }

  /**
   * The answer is over. What the cursor carries is handed on even when nothing new came.
   *
   * @param isWhole the answer shows the beginning of the log, or of all rows with a timestamp of the anchor
   */
  finish(isWhole = false): void {
    if (isWhole && this.#matcher.endsWhole) this.#isFoundInWhole = true;
    if (this.found && !this.#begun) this.#begin();
  }

  #begin(): void {
    this.#begun = true;
    this.#next.begin();
  }
}
