import type { EntrySink, StreamNumber } from '../docker/entry-sink.js';
import type { StreamName } from '../model/container.js';
import type { AnchorEntry } from '../model/cursor.js';
import { NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import { entryOf } from './anchor-ring.js';
import { CHUNK_BYTES } from '../docker/tty.js';
import { Repeats } from './fingerprint.js';
import { FrontRows } from './front-rows.js';

/**
 * What an answer shows, read without delivering it. Entries are compared without their number among equal ones, which an
 * answer that begins in the midst of these counts wrongly.
 */
export abstract class Shown implements EntrySink {
  entries = 0;
  /** Called when the rest of the answer is not wanted. */
  onEnough: (() => void) | undefined;

  reset(): void {
    this.entries = 0;
  }

  abstract entry(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    terminated: boolean,
  ): void;

  letGo(): void {
    // Nothing of the text is kept.
  }
}

/**
 * By stream: the stamp of the line that goes on after the last entry, ns; all its chunks carry it. Undefined: the entry
 * ends its line. A stream without entries has no key.
 */
export type OpenStamps = Readonly<Partial<Record<StreamName, Nanoseconds | undefined>>>;

/** The first entries of an answer. */
export class FirstEntries extends Shown {
  kept: AnchorEntry[] = [];
  /** Of each that is kept: whether its line ends with it. */
  #terminated: boolean[] = [];
  readonly #count: number;
  readonly #isEnough: boolean;

  /** @param isEnough the rest of the answer is not wanted */
  constructor(count: number, isEnough = false) {
    super();
    this.#count = count;
    this.#isEnough = isEnough;
  }

  override reset(): void {
    super.reset();
    this.kept = [];
    this.#terminated = [];
  }

  /** For each stream with entries among the first so many: the line that goes on after them. */
  openAfter(entries: number): OpenStamps {
    const open: { -readonly [stream in keyof OpenStamps]: OpenStamps[stream] } = {};
    for (const stream of ['stdout', 'stderr'] as const) {
      const last = this.kept.findLastIndex((entry, index) => index < entries && entry.stream === stream);
      if (last >= 0) open[stream] = this.#terminated[last] === true ? undefined : this.kept[last]?.stamp;
    }
    return open;
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
    if (this.entries > this.#count) return;
    this.kept.push(entryOf(stream, seconds, nanos, source, start, end, 0));
    this.#terminated.push(terminated);
    if (this.#isEnough && this.entries === this.#count) this.onEnough?.();
  }
}

/** Where in an answer an entry is found; of several that are equal, the last. */
export class LastMatch extends Shown {
  /** -1: it is not there. */
  index = -1;
  readonly #wanted: AnchorEntry;
  readonly #seconds: number;
  readonly #nanos: number;
  readonly #isEnough: boolean;

  /** @param isEnough the rest of the answer is not wanted once it is found */
  constructor(wanted: AnchorEntry, isEnough = false) {
    super();
    this.#wanted = wanted;
    this.#seconds = Number(wanted.stamp / NS_PER_SECOND);
    this.#nanos = Number(wanted.stamp % NS_PER_SECOND);
    this.#isEnough = isEnough;
  }

  override reset(): void {
    super.reset();
    this.index = -1;
  }

  entry(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
  ): void {
    this.entries++;
    if (nanos !== this.#nanos || seconds !== this.#seconds) return;
    if (!isSame(entryOf(stream, seconds, nanos, source, start, end, 0), this.#wanted)) return;
    this.index = this.entries - 1;
    if (this.#isEnough) this.onEnough?.();
  }
}

/**
 * Where in an answer the last entry that belongs to an anchor is found. Not a chunk of a line that the answer may begin
 * inside of: where its chunks are equal, it may be another one.
 */
export class AnchorPlace extends Shown {
  first: AnchorEntry | undefined;
  /** In the answer; -1: none is there. */
  index = -1;
  /** In the anchor. */
  at = -1;
  readonly #anchor: readonly AnchorEntry[];
  readonly #byStamp = new Set<bigint>();
  readonly #isWhole: boolean;
  #repeats = new Repeats();
  #front = new FrontRows([]);

  /** @param isWhole the answer begins where the log does */
  constructor(anchor: readonly AnchorEntry[], isWhole = false) {
    super();
    this.#isWhole = isWhole;
    this.#anchor = anchor;
    for (const { stamp } of anchor) this.#byStamp.add(stamp);
  }

  override reset(): void {
    super.reset();
    this.first = undefined;
    this.index = this.at = -1;
    this.#repeats = new Repeats();
    this.#front = new FrontRows([]);
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
    const repeat = this.#repeats.next(stream, seconds, nanos, source, start, end);
    const number = this.#front.next(stream, seconds, nanos, repeat);
    const isKnown = this.#isWhole || number === 'known' || isLone(nanos, end - start, terminated);
    this.first ??= entryOf(stream, seconds, nanos, source, start, end, 0);
    if (!isKnown || !this.#byStamp.has(BigInt(seconds) * NS_PER_SECOND + BigInt(nanos))) return;
    const entry = entryOf(stream, seconds, nanos, source, start, end, repeat);
    const at = this.#anchor.findLastIndex((anchored) => isSame(anchored, entry));
    if (at < 0) return;
    this.at = at;
    this.index = this.entries - 1;
  }

  override letGo(): void {
    this.#repeats.letGo();
  }
}

/** Whether an entry is a whole line with a timestamp of its own, so that no other entry equals it. */
export function isLone(nanos: number, bytes: number, terminated: boolean): boolean {
  return terminated && bytes < CHUNK_BYTES && nanos !== 0;
}

/** Whether two entries have one stamp, stream and text. */
export function isSame(a: AnchorEntry | undefined, b: AnchorEntry | undefined): boolean {
  return (
    a !== undefined && b !== undefined && a.stamp === b.stamp && a.stream === b.stream && a.hash === b.hash
  );
}
