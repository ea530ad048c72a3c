import type { Cursor } from '../model/cursor.js';
import type { Gap } from './gap.js';
import type { TailTrouble } from './poll-task.js';
import type { PossibleGap } from './possible-gap.js';
import type { Recovered } from './recovery.js';
import type { TransferResult } from './transfer.js';

/** What a poll came to. */
export interface PollReport {
  readonly cursor: Cursor;
  /** New entries, delivered. */
  readonly fresh: number;
  readonly entries: number;
  readonly reread: number;
  /** Lines that Loki has now, and their bytes. */
  readonly lines: number;
  readonly lineBytes: number;
  /** Lines that it refused, and their bytes. */
  readonly rejected: number;
  readonly rejectedBytes: number;
  readonly bodyBytes: number;
  readonly requests: number;
  readonly widenings: number;
  /** The window that the anchor was found in; undefined for the whole log. */
  readonly window: number | undefined;
  /** How many of the log's last entries prove the place of the cursor; undefined: not known. */
  readonly reach: number | undefined;
  /** The last gap that was named, and how many were. */
  readonly gap: Gap | undefined;
  readonly gaps: number;
  /** The beginning of the log may be missing. */
  readonly possibleGap: PossibleGap | undefined;
  readonly fault: Error | undefined;
  /** The log's last entry is not the one delivered last, although nothing new was shown. */
  readonly suspect: boolean;
  /** What requests with `tail` came to; undefined: there was none, or nothing is known by it. */
  readonly tail: TailTrouble | 'works' | undefined;
  /** The log is damaged further back than so many entries; undefined: that was not looked for. */
  readonly readable: number | undefined;
  /** The log of an ended container stayed unreadable for many polls, and no more is expected of it. */
  readonly unreadable?: boolean;
}

/** Adds up the answers of one poll. */
export class PollSum {
  cursor: Cursor;
  fresh = 0;
  suspect = false;
  tail: PollReport['tail'];
  widenings = 0;
  /** Gaps that were named. */
  gaps = 0;
  fault: Error | undefined;
  #readable: number | undefined;
  unreadable = false;
  #reach: number | undefined;
  #gap: Gap | undefined;
  #possibleGap: PossibleGap | undefined;
  #entries = 0;
  #reread = 0;
  #lines = 0;
  #lineBytes = 0;
  #rejected = 0;
  #rejectedBytes = 0;
  #bodyBytes = 0;
  #requests = 0;

  constructor(cursor: Cursor) {
    this.cursor = cursor;
  }

  add(result: TransferResult): void {
    this.cursor = result.cursor;
    this.#reach = result.reach ?? this.#reach;
    this.addAside(result);
  }

  /** Of entries that stand before the place of the cursor. */
  addAside(result: TransferResult): void {
    this.fault = result.fault;
    if (result.gap !== undefined) this.named(result.gap);
    this.#possibleGap = result.possibleGap ?? this.#possibleGap;
    this.fresh += result.fresh;
    this.#reread += result.reread;
    this.#lines += result.lines;
    this.#lineBytes += result.lineBytes;
    this.#rejected += result.rejected;
    this.#rejectedBytes += result.rejectedBytes;
    this.looked(result.entries, result.bodyBytes);
  }

  /** A gap was named. */
  named(gap: Gap): void {
    this.gaps++;
    this.#gap = gap;
  }

  /** What lies behind a damaged place was looked for, and found. */
  get hasRecovered(): boolean {
    return this.#readable !== undefined;
  }

  recovered({ readable, result }: Recovered): void {
    this.#readable = readable;
    if (result) this.add(result);
  }

  looked(entries: number, bytes: number): void {
    this.#entries += entries;
    this.#bodyBytes += bytes;
    this.#requests++;
  }

  report(window: number | undefined): PollReport {
    return {
      cursor: this.cursor,
      fresh: this.fresh,
      entries: this.#entries,
      reread: this.#reread,
      lines: this.#lines,
      lineBytes: this.#lineBytes,
      rejected: this.#rejected,
      rejectedBytes: this.#rejectedBytes,
      bodyBytes: this.#bodyBytes,
      requests: this.#requests,
      widenings: this.widenings,
      window,
      reach: this.#reach,
      gap: this.#gap,
      gaps: this.gaps,
      possibleGap: this.#possibleGap,
      fault: this.fault,
      suspect: this.suspect,
      tail: this.tail,
      readable: this.#readable,
      ...(this.unreadable ? { unreadable: true } : {}),
    };
  }
}
