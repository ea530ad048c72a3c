import { isUtf8 } from 'node:buffer';
import type { Nanoseconds } from '../../model/nanoseconds.js';
import type { EntrySet } from '../entry-set.js';
import type { LokiEntry } from './loki-query.js';
import { stampOf } from './stamp-range.js';

/** Bytes of an entry in Loki's answer beside its line: timestamp, structured metadata. */
const ENTRY_BYTES = 200;

/**
 * The entries of a set, and which of them Loki was seen to hold. An entry is held when Loki shows one with the same
 * timestamp and line, and with our structured metadata among its own. Whatever is in doubt counts as not held: it is
 * then sent, and nothing is lost.
 */
export class ExpectedEntries {
  readonly #entries: EntrySet;
  /** By the labels of a stream that Loki shows: whether it is ours. */
  readonly #streams = new WeakMap<object, boolean>();
  readonly #byStamp = new Map<Nanoseconds, number[]>();
  readonly #held: Uint8Array;
  /** Lines that are not UTF-8, by timestamp and what Loki shows of them. */
  readonly #broken = new Map<
    string,
    { readonly lines: Set<string>; readonly numbers: number[]; shown: number }
  >();
  /** In order, each with the bytes of all before it. */
  readonly #stamps: Nanoseconds[] = [];
  readonly #bytesBefore: number[] = [];

  constructor(entries: EntrySet) {
    this.#entries = entries;
    this.#held = new Uint8Array(entries.size);
    const sorted = Array.from({ length: entries.size }, (_, number) => {
      const stamp = entries.stampAt(number);
      const same = this.#byStamp.get(stamp);
      if (same === undefined) this.#byStamp.set(stamp, [number]);
      else same.push(number);
      return { stamp, bytes: entries.lineBytesAt(number) + ENTRY_BYTES };
    }).sort((a, b) => (a.stamp < b.stamp ? -1 : a.stamp > b.stamp ? 1 : 0));
    let bytesBefore = 0;
    for (const { stamp, bytes } of sorted) {
      this.#stamps.push(stamp);
      this.#bytesBefore.push(bytesBefore);
      bytesBefore += bytes;
    }
    this.#bytesBefore.push(bytesBefore);
    this.#collectBroken();
  }

  /** The lowest timestamp. */
  get oldest(): Nanoseconds {
    return this.#stamps[0] as Nanoseconds;
  }

  /** The highest timestamp. */
  get newest(): Nanoseconds {
    return this.#stamps.at(-1) as Nanoseconds;
  }

  /** How many entries from a timestamp on have so many bytes in Loki's answer; undefined: fewer bytes are left. */
  countFrom(from: Nanoseconds, bytes: number): number | undefined {
    const first = lowerBound(this.#stamps, from);
    const wanted = (this.#bytesBefore[first] as number) + bytes;
    const end = lowerBound(this.#bytesBefore, wanted);
    return end > this.#stamps.length ? undefined : Math.max(1, end - first);
  }

  /** Takes note of an entry that Loki shows. */
  note(shown: LokiEntry): void {
    if (!this.#isOurs(shown)) return;
    const stamp = stampOf(shown.seconds, shown.nanos);
    for (const number of this.#byStamp.get(stamp) ?? []) {
      if (this.#held[number] === 1) continue;
      const { line, structuredMetadata } = this.#entries.entryAt(number);
      if (!hasAll(shown.metadata, structuredMetadata)) continue;
      if (line.toString('utf8') === shown.line) this.#held[number] = isUtf8(line) ? 1 : 0;
    }
    if (!shown.line.includes(REPLACED)) return;
    const broken = this.#broken.get(keyOf(stamp, shown.line));
    if (broken !== undefined && this.#hasMetadataOf(broken.numbers, shown)) broken.shown++;
  }

  /** The entries that Loki was not seen to hold, in the order of the set. */
  missing(): EntrySet {
    // Loki shows lines that differ only in broken bytes as equal: which of them it holds is known if it has all.
    for (const { lines, numbers, shown } of this.#broken.values()) {
      if (shown >= lines.size) for (const number of numbers) this.#held[number] = 1;
    }
    return this.#entries.where((number) => this.#held[number] === 0);
  }

  #collectBroken(): void {
    for (let number = 0; number < this.#entries.size; number++) {
      const { stamp, line } = this.#entries.entryAt(number);
      // An entry of an earlier batch may have the same timestamp, and look the same.
      if (isUtf8(line) || stamp === this.oldest) continue;
      const key = keyOf(stamp, line.toString('utf8'));
      const known = this.#broken.get(key);
      const bytes = line.toString('latin1');
      if (known === undefined)
        this.#broken.set(key, { lines: new Set([bytes]), numbers: [number], shown: 0 });
      else {
        known.lines.add(bytes);
        known.numbers.push(number);
      }
    }
  }

  /** A selector finds streams with further labels, too. Those that Loki adds by itself may be there. */
  #isOurs({ labels, metadata }: LokiEntry): boolean {
    // A Loki before 2.9 shows structured metadata among the labels.
    if (labels === metadata) return true;
    let ours = this.#streams.get(labels);
    if (ours === undefined) {
      const own = this.#entries.target.labels;
      ours = Object.keys(labels).every((name) => (own[name] ?? '') !== '' || LOKIS_OWN.has(name));
      this.#streams.set(labels, ours);
    }
    return ours;
  }

  #hasMetadataOf(numbers: readonly number[], { metadata }: LokiEntry): boolean {
    return numbers.some((number) => hasAll(metadata, this.#entries.entryAt(number).structuredMetadata));
  }
}

/** Labels that Loki adds to a stream (`discover_service_name`, `shard_streams`). */
const LOKIS_OWN: ReadonlySet<string> = new Set(['service_name', '__stream_shard__']);

const REPLACED = '\ufffd';

/** One U+FFFD for each run of them: writers of JSON differ in how many they put. */
function keyOf(stamp: Nanoseconds, text: string): string {
  return `${stamp} ${text.replace(/\ufffd+/g, REPLACED)}`;
}

function hasAll(shown: Readonly<Record<string, string>>, ours: Readonly<Record<string, string>>): boolean {
  return Object.entries(ours).every(([name, value]) => (shown[name] ?? '') === value);
}

/** The first place in an ordered list whose value is not lower; its length when there is none. */
function lowerBound<T extends number | Nanoseconds>(ordered: readonly T[], value: T): number {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ordered[middle] as T) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
