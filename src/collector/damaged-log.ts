import type { ContainerRef } from '../model/container.js';
import type { AnchorEntry } from '../model/cursor.js';
import { sharedController } from '../model/shared-controller.js';
import { mayBeDamage } from './answer-faults.js';
import type { LogSource } from './log-source.js';
import { look, sameEntry } from './look.js';
import { SEARCH_WINDOWS } from './search-windows.js';
import {
  AnchorPlace,
  FirstEntries,
  isSame,
  LastMatch,
  type OpenStamps,
  type Shown,
} from './shown-entries.js';

/** How the Engine answers from a log with a damaged record. */
export interface DamagedLogOptions {
  readonly read: LogSource;
  readonly container: ContainerRef;
  readonly passesOver: PassesOver;
  /** More may be written meanwhile. */
  readonly grows: boolean;
  readonly signal: AbortSignal;
}

/**
 * Where an answer goes on behind a damaged record: nowhere, as from Engine 23 on; with the next file, as from 27.4 on; or
 * at a record further on, which depends on where the answer began, as 20.10 does (see hasHole).
 */
export type PassesOver = 'nothing' | 'rest_of_file' | 'some';

/**
 * The daemon's error waits in another channel than the lines before it, and a select takes from either by chance (moby:
 * daemon/logs.go): one line before the damage is shown in every second answer.
 */
const TIMES = 12;
/** So often a question is asked again of a log that is written to between the question and the count of what is new. */
const STEADY_TIMES = 16;
/** The furthest back that is looked, entries. */
const FURTHEST = 1 << 20;
/** So many damaged records in a row are looked at one by one; in a longer row a sound one may be passed over. */
const ONE_BY_ONE = 64;
/** Entries of a run that are known at once. */
const LONGEST_RUN = 12_000;

/** The log was written to faster than it could be asked. */
export class LogTooBusy extends Error {
  constructor() {
    super('the log was written to faster than the Engine answered');
    this.name = 'LogTooBusy';
  }
}

/**
 * Finds its way in a log with damaged records.
 *
 * `tail` counts records by their newlines, from the end, and a damaged one as well (moby: pkg/tailfile). So every sound
 * record can be shown: by the `tail` with which the answer begins at it. A position is such a `tail`, as it was when the
 * search began: what is written since is counted and added.
 */
export class DamagedLog {
  readonly #options: DamagedLogOptions;
  #last: AnchorEntry | undefined;
  #grown = 0;
  /** Requests so far. */
  looks = 0;
  bytes = 0;
  entries = 0;

  private constructor(options: DamagedLogOptions) {
    this.#options = options;
  }

  static async begin(options: DamagedLogOptions): Promise<DamagedLog> {
    const log = new DamagedLog(options);
    if (options.grows) {
      const { last } = await look(options.read, options.container, 1, 1, options.signal);
      log.#last = last[0];
    }
    return log;
  }

  /** The `tail` with which an answer begins at a position now. */
  tailOf(position: number): number {
    return position + this.#grown;
  }

  /** The position of the last entry of an anchor; undefined when it is not found. */
  async locate(anchor: readonly AnchorEntry[]): Promise<number | undefined> {
    const last = anchor.at(-1);
    if (last === undefined) return undefined;
    return (await this.#inWindows(anchor)) ?? (await this.#byStamp(last));
  }

  async #inWindows(anchor: readonly AnchorEntry[]): Promise<number | undefined> {
    for (const window of SEARCH_WINDOWS) {
      const place = await this.#placeIn(window, anchor);
      if (place.first === undefined || place.index < 0) continue;
      const begin = await this.#positionOf(place.first, window);
      if (begin === undefined) return undefined;
      return (await this.#endOf(anchor, begin, place)) ?? (await this.#search(anchor, begin, place.at));
    }
    return undefined;
  }

  /**
   * Where damaged records hide an entry from each window that is tried: the position of the last sound record that is
   * not younger, if it is this entry, and no equal one before it. Where the clock was set back that may be another.
   */
  async #byStamp(entry: AnchorEntry): Promise<number | undefined> {
    const oldest = await this.oldest();
    if (oldest === undefined || oldest.first.stamp > entry.stamp) return undefined;
    let [low, high] = [0, oldest.position];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      const next = (await this.soundAt(middle)) ?? (await this.#soundAfter(middle));
      if (next !== undefined && next.stamp <= entry.stamp) high = middle;
      else low = middle;
    }
    const isFound = isSame(await this.soundAt(high), entry) && !isSame(await this.soundAt(high + 1), entry);
    return isFound ? high : undefined;
  }

  async #soundAfter(damaged: number): Promise<AnchorEntry | undefined> {
    const position = await this.nextSound(damaged);
    return position === 0 ? undefined : await this.soundAt(position);
  }

  /** The oldest sound record; undefined when none is found. */
  async oldest(): Promise<Oldest | undefined> {
    const [shown] = await this.#first(undefined, 1);
    let begin = 0;
    let position = 0;
    if (shown !== undefined) {
      begin = (await this.#positionOf(shown, undefined)) ?? 0;
      if (begin === 0) return undefined;
      position = this.#options.passesOver !== 'nothing' ? await this.#climb(begin) : begin;
    } else {
      // The first record is damaged.
      for (let tried = 1; position === 0 && tried <= 8; tried *= 2) {
        if ((await this.soundAt(tried)) === undefined) continue;
        position = await this.#climb(await this.#oldestOfRun(tried));
      }
    }
    const first = position === 0 ? undefined : await this.soundAt(position);
    return first && { position, first, isBehindDamage: position !== begin };
  }

  /** How far back from a sound record on others are sound, as far as a poll wants to look. */
  async reachBack(position: number): Promise<number> {
    let good = position;
    for (let step = 1; step <= ONE_BY_ONE; step *= 2) {
      if ((await this.soundAt(position + step)) === undefined)
        return await this.#boundary(good, position + step);
      good = position + step;
    }
    return good;
  }

  /** How many entries stand behind one near the end of the log; undefined: it is not shown there. */
  async entriesAfter(entry: AnchorEntry): Promise<number | undefined> {
    const match = new LastMatch(entry);
    await this.#askAt(ONE_BY_ONE, match);
    return match.index < 0 ? undefined : match.entries - 1 - match.index;
  }

  /** The record at a position, if it is sound: the answer begins at it, and not further on. */
  async soundAt(position: number): Promise<AnchorEntry | undefined> {
    const { passesOver } = this.#options;
    const [first, second] = await this.#first(position, passesOver === 'rest_of_file' ? 2 : 1);
    if (first === undefined || passesOver === 'nothing' || position === 1) return first;
    if (passesOver === 'some') return (await this.#isFurtherOn(first, position)) ? undefined : first;
    // Behind a damaged record every answer is the next file.
    const [next] = await this.#first(position - 1, 1);
    const isNext = second === undefined ? next === undefined : isSame(second, next);
    return isNext ? first : undefined;
  }

  /** Whether the entry that an answer begins with stands further on than at the position that was asked for. */
  async #isFurtherOn(first: AnchorEntry, position: number): Promise<boolean> {
    const whole = new FirstEntries(1);
    await this.#askAt(position, whole);
    if (whole.entries >= position) return false;
    // From it on there are as many records as entries came, if nothing else is damaged.
    if (isSame(first, (await this.#first(whole.entries, 1))[0])) return true;
    for (let back = 1; back < position; back *= 2) {
      const later = new LastMatch(first, true);
      await this.#askAt(position - back, later);
      if (later.index >= 0) return true;
    }
    return false;
  }

  /** The next sound record after a damaged one; 0 when there is none up to the end of the log. */
  async nextSound(damaged: number): Promise<number> {
    let bad = damaged;
    for (const end = Math.max(0, damaged - ONE_BY_ONE); bad > end + 1; bad--) {
      if ((await this.soundAt(bad - 1)) !== undefined) return bad - 1;
    }
    let good = 0;
    for (let step = 1; good === 0 && bad > 1; step *= 2) {
      const position = Math.max(1, bad - step);
      if ((await this.soundAt(position)) !== undefined) good = position;
      else bad = position;
    }
    return good === 0 ? 0 : await this.#boundary(good, bad);
  }

  /** The sound records that follow each other from a sound one on. Only of an Engine that passes over damage. */
  async runFrom(position: number): Promise<Run> {
    const all = new FirstEntries(LONGEST_RUN);
    await this.#askAt(position, all);
    const { entries, kept } = all;
    if (entries >= position) return { length: position, entries: kept, open: all.openAfter(position) };
    let good = 0;
    let bad = Math.min(kept.length, position);
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2);
      if (await this.#isAt(position - middle, kept[middle])) good = middle;
      else bad = middle;
    }
    // At the damaged record an answer may begin where the first answer went on.
    const isSound = good === 0 || (await this.soundAt(position - good)) !== undefined;
    const length = isSound ? good + 1 : good;
    return { length, entries: kept.slice(0, length), open: all.openAfter(length) };
  }

  /** The first entries of what an answer from a position on shows, and how many there are. */
  async shownFrom(position: number | undefined): Promise<Run> {
    const all = new FirstEntries(LONGEST_RUN);
    await this.#askAt(position, all);
    return { length: all.entries, entries: all.kept, open: all.openAfter(all.entries) };
  }

  /** From a sound record towards the beginning of the log, whatever is damaged between. */
  async #climb(from: number): Promise<number> {
    let top = from;
    for (let step = 1; top + step <= FURTHEST; step = step < ONE_BY_ONE / 2 ? step + 1 : step * 2) {
      if ((await this.soundAt(top + step)) === undefined) continue;
      top = await this.#oldestOfRun(top + step);
      step = 0;
    }
    return top;
  }

  /** Of the sound records that follow each other around one, the oldest. */
  async #oldestOfRun(from: number): Promise<number> {
    let good = from;
    let step = 1;
    while (good + step <= FURTHEST && (await this.soundAt(good + step)) !== undefined) {
      good += step;
      step *= 2;
    }
    return step === 1 ? good : await this.#boundary(good, good + step);
  }

  /** Between a position that is sound and one further back that is not: the last sound one. */
  async #boundary(sound: number, damaged: number): Promise<number> {
    let [good, bad] = [sound, damaged];
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2);
      if ((await this.soundAt(middle)) !== undefined) good = middle;
      else bad = middle;
    }
    return good;
  }

  /** The position of the entry that an answer from `window` on begins with: the last one that shows it first. */
  async #positionOf(first: AnchorEntry, window: number | undefined): Promise<number | undefined> {
    let high = window ?? 1;
    while (!isSame((await this.#first(high, 1))[0], first)) {
      high *= 2;
      if (window !== undefined || high > FURTHEST) return undefined;
    }
    let low = 0;
    let step = 1;
    // Mostly it is the window itself.
    while (high - low > 1) {
      const middle = step < high - low ? high - step : Math.floor((low + high) / 2);
      if (isSame((await this.#first(middle, 1))[0], first)) {
        high = middle;
        step *= 2;
      } else {
        low = middle;
      }
    }
    return high;
  }

  async #isAt(position: number, entry: AnchorEntry | undefined): Promise<boolean> {
    const [first] = await this.#first(position, 1);
    if (!isSame(first, entry)) return false;
    return this.#options.passesOver !== 'some' || (await this.soundAt(position)) !== undefined;
  }

  /** What an answer shows of an anchor: the daemon's error may hide it. */
  async #placeIn(position: number | undefined, anchor: readonly AnchorEntry[]): Promise<AnchorPlace> {
    for (let times = 1; ; times++) {
      const place = new AnchorPlace(anchor, position === undefined);
      const fault = await this.#askAt(position, place);
      if (place.index >= 0 || fault === undefined || times === TIMES) return place;
    }
  }

  /** The position of an anchor's last entry, if all records of an answer are sound up to there. */
  async #endOf(
    anchor: readonly AnchorEntry[],
    begin: number,
    { index, at }: AnchorPlace,
  ): Promise<number | undefined> {
    const position = begin - index - (anchor.length - 1 - at);
    return position >= 1 && (await this.#shows(position, anchor.at(-1))) ? position : undefined;
  }

  /** Something is damaged between the beginning of an answer and the anchor: a later beginning is looked for. */
  async #search(anchor: readonly AnchorEntry[], begin: number, at: number): Promise<number | undefined> {
    let [low, high] = [0, begin];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if ((await this.#placeIn(middle, anchor)).at >= at) high = middle;
      else low = middle;
    }
    return await this.#endOf(anchor, high, await this.#placeIn(high, anchor));
  }

  async #shows(position: number, entry: AnchorEntry | undefined): Promise<boolean> {
    return sameEntry((await this.#first(position, 1))[0], entry);
  }

  /** The first entries that an answer from a position on shows. */
  async #first(position: number | undefined, count: number): Promise<readonly AnchorEntry[]> {
    let most: readonly AnchorEntry[] = [];
    for (let times = 0; times < TIMES; times++) {
      const first = new FirstEntries(count, true);
      const fault = await this.#askAt(position, first);
      if (first.kept.length > most.length) most = first.kept;
      // What ends without an error has nothing more to show.
      if (most.length >= count || fault === undefined) break;
    }
    return most;
  }

  /** @returns the fault that may be due to damage */
  async #askAt(position: number | undefined, shown: Shown): Promise<Error | undefined> {
    for (let times = 0; times < STEADY_TIMES; times++) {
      const fault = await this.#ask(position === undefined ? undefined : this.tailOf(position), shown);
      if (position === undefined || !(await this.#hasGrown())) return fault;
      shown.reset();
    }
    throw new LogTooBusy();
  }

  /** Counts what was written since the search began. @returns whether that is more than before */
  async #hasGrown(): Promise<boolean> {
    if (this.#last === undefined) return false;
    const before = this.#grown;
    for (let more = 1; more <= FURTHEST; more *= 2) {
      const tail = before + more;
      const match = new LastMatch(this.#last);
      await this.#ask(tail, match);
      if (match.index < 0) continue;
      this.#grown = match.entries - 1 - match.index;
      return this.#grown !== before;
    }
    throw new LogTooBusy();
  }

  async #ask(tail: number | undefined, shown: Shown): Promise<Error | undefined> {
    const { read, container, signal } = this.#options;
    const { id: containerId, name: containerName, tty } = container;
    const enough = sharedController();
    const stop = (): void => enough.abort(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener('abort', stop, { once: true });
    shown.onEnough = () => enough.abort(ENOUGH);
    try {
      const which = tail === undefined ? {} : { tail };
      // What has no newline at the end counts: the container may have ended since it was inspected.
      const asked = { containerId, containerName, tty, lastWords: true, ...which, signal: enough.signal };
      const { fault, bytes } = await read(asked, shown);
      this.looks++;
      this.bytes += bytes;
      this.entries += shown.entries;
      if (fault === undefined || fault === ENOUGH) return undefined;
      if (!mayBeDamage(fault)) throw fault;
      return fault;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}

const ENOUGH = new Error('the first entries are enough');

/** The oldest sound record of a log. */
export interface Oldest {
  readonly position: number;
  readonly first: AnchorEntry;
  /** There are others before it, which are damaged. */
  readonly isBehindDamage: boolean;
}

/** Records that follow each other in an answer. */
export interface Run {
  readonly length: number;
  readonly entries: readonly AnchorEntry[];
  /** The lines that go on after them. */
  readonly open: OpenStamps;
}
