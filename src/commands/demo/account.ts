import { FingerprintTable } from '../../audit/fingerprint-table.js';
import { Fingerprinter } from '../../audit/fingerprinter.js';
import { isMarkerText, markedSpan } from '../../collector/possible-gap.js';
import type { StreamNumber } from '../../docker/entry-sink.js';
import { stampOf } from '../../loki/read/stamp-range.js';
import type { Nanoseconds } from '../../model/nanoseconds.js';

/** A line on either side: as it was written, or as Loki gave it back. */
export interface AccountLine {
  readonly containerId: string;
  readonly stream: StreamNumber;
  /** Whole seconds since 1970, and nanoseconds within the second. */
  readonly seconds: number;
  readonly nanos: number;
  readonly text: string;
}

export interface WrittenLine extends AccountLine {
  /** False: it may be in Loki, but need not, as it was written behind the last poll. */
  readonly due: boolean;
}

/** Visits every line that was written; the same ones, and in the same order, each time it is called. */
export type WrittenLines = (visit: (line: WrittenLine) => void) => Promise<void>;

export interface Tally {
  /** Lines that were written, in the time of the demo. */
  readonly written: number;
  /** Of those: equal to another line of the same container, stream and nanosecond, which Loki kept as one. */
  readonly folded: number;
  /** Lines that Loki gave back, each time it gave one. Without marks of gaps. */
  readonly inLoki: number;
  /** Not in Loki, and named there by the mark of a gap. */
  readonly named: number;
  /** Not in Loki, because Loki refused them; with its words for one. */
  readonly rejected: number;
  readonly rejectedReason: string | undefined;
  /** Not in Loki, and nobody said so. */
  readonly lost: number;
  /** In Loki once more than written. */
  readonly twice: number;
  /** In Loki, and never written. */
  readonly unknown: number;
  /** In Loki, and no longer in the Engine's log: they cannot be checked, and count nowhere else. */
  readonly unchecked: number;
  /** Written behind the last poll. */
  readonly behind: number;
  /** Marks of gaps in Loki. */
  readonly gaps: number;
  /** The first of those that are lost, and of those that are unknown. */
  readonly samples: { readonly lost: readonly AccountLine[]; readonly unknown: readonly AccountLine[] };
}

/** What is known of a written line. */
const State = { due: 1, behind: 2, found: 3, foundBehind: 4, rejected: 5, named: 6, lost: 7 } as const;

const SAMPLES = 5;

/**
 * Holds lines that were written against those in Loki, each by its fingerprint: container, stream, stamp and text.
 * First all `wrote`, then all `found` and `refused`, then `close`.
 */
export class Account {
  readonly #table: FingerprintTable;
  readonly #prints = new Fingerprinter();
  readonly #gaps = new Map<string, { from: Nanoseconds; to: Nanoseconds }[]>();
  readonly #canBeChecked: (line: AccountLine) => boolean;
  readonly #unknown: AccountLine[] = [];
  /** Written once more than found so far, by slot: of equal lines only. */
  readonly #copies = new Map<number, number>();
  #written = 0;
  #folded = 0;
  #found = 0;
  #twice = 0;
  #unknownCount = 0;
  #unchecked = 0;
  #gapCount = 0;
  #rejectedReason: string | undefined;
  #oldest: Nanoseconds | undefined;
  #newest: Nanoseconds | undefined;

  /**
   * @param lines how many will be written at most
   * @param canBeChecked of a line that only Loki has: whether it would still be in the Engine's log if it had ever
   *   been written
   */
  constructor(lines: number, canBeChecked: (line: AccountLine) => boolean = () => true) {
    this.#table = new FingerprintTable(Math.max(1, lines));
    this.#canBeChecked = canBeChecked;
  }

  /** The stamps of the written lines, where there are any. */
  get range(): { readonly oldest: Nanoseconds; readonly newest: Nanoseconds } | undefined {
    if (this.#oldest === undefined || this.#newest === undefined) return undefined;
    return { oldest: this.#oldest, newest: this.#newest };
  }

  /** @throws RangeError when there are more than was said */
  wrote(line: WrittenLine): void {
    const stamp = stampOf(line.seconds, line.nanos);
    if (this.#oldest === undefined || stamp < this.#oldest) this.#oldest = stamp;
    if (this.#newest === undefined || stamp > this.#newest) this.#newest = stamp;
    if (line.due) this.#written++;
    const added = this.#table.add(this.#print(line), line.due ? State.due : State.behind);
    if (added === 'full') throw new RangeError('more lines than were announced');
    if (added === 'added' || !line.due) return;
    const slot = this.#table.find(this.#prints.words);
    if (this.#table.stateOf(slot) === State.behind) {
      this.#table.setState(slot, State.due);
    } else {
      this.#folded++;
      this.#copies.set(slot, (this.#copies.get(slot) ?? 0) + 1);
    }
  }

  /** Loki has it. */
  found(line: AccountLine): void {
    if (isMarkerText(line.text)) {
      this.#mark(line);
      return;
    }
    const slot = this.#table.find(this.#print(line));
    if (slot < 0) {
      if (!this.#canBeChecked(line)) this.#unchecked++;
      else if (++this.#unknownCount <= SAMPLES) this.#unknown.push(line);
      return;
    }
    switch (this.#table.stateOf(slot)) {
      case State.due:
        this.#table.setState(slot, State.found);
        this.#found++;
        break;
      case State.behind:
        // It was written, then.
        this.#table.setState(slot, State.foundBehind);
        this.#found++;
        this.#written++;
        break;
      default:
        this.#again(slot);
    }
  }

  /** Loki has it once more: it folds equal lines only where it compares them (pkg/chunkenc/memchunk.go). */
  #again(slot: number): void {
    const copies = this.#copies.get(slot) ?? 0;
    if (copies === 0) {
      this.#twice++;
      return;
    }
    this.#copies.set(slot, copies - 1);
    this.#folded--;
    this.#found++;
  }

  /** Loki refused it, and it was kept elsewhere. */
  refused(line: AccountLine, reason: string): void {
    const slot = this.#table.find(this.#print(line));
    if (slot < 0 || this.#table.stateOf(slot) !== State.due) return;
    this.#table.setState(slot, State.rejected);
    this.#rejectedReason ??= reason;
  }

  /** What became of all of them. Asks once more for the written lines, to name those that are lost. */
  async close(written: WrittenLines): Promise<Tally> {
    const lost: AccountLine[] = [];
    if (this.#table.count(State.due) > 0) {
      await written((line) => {
        const slot = this.#table.find(this.#print(line));
        if (slot < 0 || this.#table.stateOf(slot) !== State.due) return;
        this.#table.setState(slot, this.#isNamed(line) ? State.named : State.lost);
        if (this.#table.stateOf(slot) === State.lost && lost.length < SAMPLES) lost.push(line);
      });
    }
    return {
      written: this.#written,
      folded: this.#folded,
      inLoki: this.#found + this.#twice + this.#unknownCount,
      named: this.#table.count(State.named),
      rejected: this.#table.count(State.rejected),
      rejectedReason: this.#rejectedReason,
      lost: this.#table.count(State.lost) + this.#table.count(State.due),
      twice: this.#twice,
      unknown: this.#unknownCount,
      unchecked: this.#unchecked,
      behind: this.#table.count(State.behind),
      gaps: this.#gapCount,
      samples: { lost, unknown: this.#unknown },
    };
  }

  #print({ containerId, stream, seconds, nanos, text }: AccountLine): Uint32Array {
    this.#prints.ofText(stream, seconds, nanos, `${containerId} ${text}`);
    return this.#prints.words;
  }

  #mark({ containerId, text }: AccountLine): void {
    this.#gapCount++;
    const span = markedSpan(text);
    if (span === undefined) return;
    const spans = this.#gaps.get(containerId) ?? [];
    spans.push({ from: span.lastDelivered, to: span.firstAvailable });
    this.#gaps.set(containerId, spans);
  }

  #isNamed({ containerId, seconds, nanos }: AccountLine): boolean {
    const stamp = stampOf(seconds, nanos);
    return this.#gaps.get(containerId)?.some(({ from, to }) => from <= stamp && stamp <= to) ?? false;
  }
}
