import type { Nanoseconds } from '../../model/nanoseconds.js';
import type { Entry } from './entry.js';
import { formatLabels, sameLabels, type Label } from './labels.js';

/** What was stored of one stream, also after the ingester forgot the stream. */
export class StoredStream {
  readonly labels: readonly Label[];
  readonly name: string;
  readonly #metadataCounts: boolean;
  #entries: Entry[] = [];
  #sorted = true;
  #distinct: Entry[] | undefined;
  #taken = 0;
  /** How often entries were lost. */
  losses = 0;

  /** `metadataCounts`: entries are equal only with equal structured metadata (3.7). */
  constructor(labels: readonly Label[], metadataCounts: boolean) {
    this.labels = labels;
    this.name = formatLabels(labels);
    this.#metadataCounts = metadataCounts;
  }

  /** How many were stored, before the query folds equal ones. */
  get size(): number {
    return this.#entries.length;
  }

  /** How many entries were ever shown by `take()`. */
  get taken(): number {
    return this.#taken;
  }

  append(entry: Entry): void {
    const last = this.#entries.at(-1);
    if (last !== undefined && last.stamp > entry.stamp) this.#sorted = false;
    this.#entries.push(entry);
    this.#distinct = undefined;
  }

  /**
   * In the order of their stamps, and of their arrival at equal ones, each once: a query folds what the head
   * block did not (pkg/iter/entry_iterator.go mergeEntryIterator; in 3.7 by Entry.Equal, with the metadata).
   */
  distinct(): readonly Entry[] {
    if (this.#distinct !== undefined) return this.#distinct;
    if (!this.#sorted) {
      this.#entries.sort((a, b) => (a.stamp < b.stamp ? -1 : a.stamp > b.stamp ? 1 : 0));
      this.#sorted = true;
    }
    const distinct: Entry[] = [];
    let begin = 0;
    for (const entry of this.#entries) {
      if (distinct[begin]?.stamp !== entry.stamp) begin = distinct.length;
      else if (this.#holds(distinct, begin, entry)) continue;
      distinct.push(entry);
    }
    return (this.#distinct = distinct);
  }

  /**
   * Loses the oldest entries of those that match, at most so many, as if they had never been stored; returns how
   * many.
   */
  lose(count: number, matches: (entry: Entry) => boolean = () => true): number {
    const lost = new Map<Nanoseconds, Entry[]>();
    let left = count;
    for (const entry of this.distinct()) {
      if (left <= 0) break;
      if (!matches(entry)) continue;
      lost.set(entry.stamp, [...(lost.get(entry.stamp) ?? []), entry]);
      left--;
    }
    const isLost = (entry: Entry): boolean =>
      lost.get(entry.stamp)?.some((other) => equalEntries(other, entry, this.#metadataCounts)) ?? false;
    this.#entries = this.#entries.filter((entry) => !isLost(entry));
    this.#distinct = undefined;
    this.losses++;
    return count - left;
  }

  /** As `distinct()`, and the entries are no longer kept. What comes again of them is a new entry. */
  take(): readonly Entry[] {
    const distinct = this.distinct();
    this.#entries = [];
    this.#distinct = undefined;
    this.#taken += distinct.length;
    return distinct;
  }

  /** The place in `distinct()` of the first entry that is not older. */
  firstFrom(stamp: Nanoseconds): number {
    const entries = this.distinct();
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((entries[middle] as Entry).stamp < stamp) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #holds(entries: readonly Entry[], from: number, entry: Entry): boolean {
    for (let i = from; i < entries.length; i++) {
      if (equalEntries(entries[i] as Entry, entry, this.#metadataCounts)) return true;
    }
    return false;
  }
}

/** Of entries with the same stamp. */
export function equalEntries(a: Entry, b: Entry, metadataCounts: boolean): boolean {
  return a.line === b.line && (!metadataCounts || sameLabels(a.metadata, b.metadata));
}

/** What was stored of one tenant. */
export class LogStore {
  readonly #streams = new Map<string, StoredStream>();
  readonly #metadata = new Map<string, readonly Label[]>();
  readonly #metadataCounts: boolean;

  constructor(metadataCounts: boolean) {
    this.#metadataCounts = metadataCounts;
  }

  stream(name: string, labels: readonly Label[]): StoredStream {
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      this.#streams.set(name, (stream = new StoredStream(labels, this.#metadataCounts)));
    }
    return stream;
  }

  streams(): Iterable<StoredStream> {
    return this.#streams.values();
  }

  /** Equal metadata are kept once: most entries of a stream have the same. */
  intern(metadata: readonly Label[]): readonly Label[] {
    const key = metadata.map(({ name, value }) => `${name}\0${value}`).join('\0');
    const known = this.#metadata.get(key);
    if (known !== undefined) return known;
    this.#metadata.set(key, metadata);
    return metadata;
  }
}
