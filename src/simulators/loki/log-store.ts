import type { Nanoseconds } from '../../model/nanoseconds.js';
import { Chunk, type ChunkSettings } from './chunk.js';
import { equalEntries, type Entry, type KeptEntry } from './entry.js';
import { formatLabels, sameLabels, type Label } from './labels.js';

/** What was stored of one stream, also after the ingester forgot the stream. */
export class StoredStream {
  readonly labels: readonly Label[];
  readonly name: string;
  readonly #settings: ChunkSettings;
  #entries: KeptEntry[] = [];
  #sorted = true;
  /** Accepted, and not kept because of an equal entry, which may have other structured metadata. */
  #folded: Entry[] = [];
  #shown: KeptEntry[] | undefined;
  #taken = 0;
  #twice = 0;
  #twiceTaken = 0;
  #chunks = 0;
  /** How often entries were lost. */
  losses = 0;

  constructor(labels: readonly Label[], settings: ChunkSettings) {
    this.labels = labels;
    this.name = formatLabels(labels);
    this.#settings = settings;
  }

  /** How many are stored, before a query folds equal ones. */
  get size(): number {
    return this.#entries.length;
  }

  /** How many entries were ever shown by `take()`. */
  get taken(): number {
    return this.#taken;
  }

  /** How many entries a query shows, and `take()` showed, that equal another one: those that stand twice. */
  get twice(): number {
    this.shown();
    return this.#twice + this.#twiceTaken;
  }

  /** Entries with stamps after `after`, up to `until`; every copy is visited. */
  visit(after: Nanoseconds, until: Nanoseconds, visit: (entry: Entry) => void): void {
    for (const entry of this.#entries) if (entry.stamp > after && entry.stamp <= until) visit(entry);
  }

  /** All that is stored, copies too. */
  kept(): ReadonlySet<Entry> {
    return new Set(this.#entries);
  }

  openChunk(): Chunk {
    return new Chunk(++this.#chunks, this.#settings);
  }

  /** Closes a chunk, which may fold entries of its blocks. */
  closeChunk(chunk: Chunk): void {
    const own = this.#entries.filter((entry) => entry.chunk === chunk.id);
    const left = chunk.close(own);
    if (left.length === own.length) return;
    const isLeft = new Set(left);
    for (const entry of own) if (!isLeft.has(entry)) this.fold(entry);
    const others = this.#entries.filter((entry) => entry.chunk !== chunk.id);
    this.#entries = [...others, ...left];
    this.#sorted = false;
    this.#shown = undefined;
  }

  append(entry: KeptEntry): void {
    const last = this.#entries.at(-1);
    if (last !== undefined && last.stamp > entry.stamp) this.#sorted = false;
    this.#entries.push(entry);
    this.#shown = undefined;
  }

  /** Takes note of an entry that was accepted and is not kept, because of an equal one. */
  fold(entry: Entry): void {
    this.#folded.push(entry);
  }

  /**
   * Entries that were accepted and that no query shows: it shows one with the same timestamp and line in their place,
   * and none with their structured metadata. There are none from 3.7 on. One that was sent several times may be
   * returned several times.
   */
  hidden(): Entry[] {
    const shown = this.shown();
    const isShown = new Set<Entry>(shown);
    return [...this.#folded, ...this.#entries.filter((entry) => !isShown.has(entry))].filter((entry) => {
      const inItsPlace: Entry[] = [];
      for (let at = this.firstFrom(entry.stamp); shown[at]?.stamp === entry.stamp; at++) {
        const other = shown[at] as Entry;
        if (other.line === entry.line) inItsPlace.push(other);
      }
      return (
        inItsPlace.length > 0 && !inItsPlace.some(({ metadata }) => sameLabels(metadata, entry.metadata))
      );
    });
  }

  /**
   * What a query shows, in the order of the stamps, and of the arrival at equal ones. Equal entries of several
   * chunks are shown once (pkg/iter/entry_iterator.go mergeEntryIterator; in 3.7 by Entry.Equal, with the metadata).
   * Equal entries in several blocks of one chunk are all shown: unordered blocks are merged by an iterator that
   * keeps them (pkg/chunkenc/memchunk.go Iterator, NewSortEntryIterator).
   *
   * That is the strictest reading. Where a query merges two sources or more, as in a single process with default
   * settings (pkg/ingester/ingester.go Query), the merging iterator folds equal entries of one source as well, and a
   * log query shows them once; but metric queries count every copy (measured on 3.7.6: count_over_time).
   */
  shown(): readonly KeptEntry[] {
    if (this.#shown !== undefined) return this.#shown;
    if (!this.#sorted) {
      this.#entries.sort((a, b) => (a.stamp < b.stamp ? -1 : a.stamp > b.stamp ? 1 : 0));
      this.#sorted = true;
    }
    const shown: KeptEntry[] = [];
    this.#twice = 0;
    const entries = this.#entries;
    for (let from = 0, to = 0; from < entries.length; from = to) {
      const first = entries[from] as KeptEntry;
      while (to < entries.length && entries[to]?.stamp === first.stamp) to++;
      if (to === from + 1) shown.push(first);
      else this.#showStamp(entries.slice(from, to), shown);
    }
    return (this.#shown = shown);
  }

  /**
   * Loses the oldest entries of those that match, at most so many, as if they had never been stored; returns how
   * many. Of an entry that stands twice, all copies are lost, and counted once.
   */
  lose(count: number, matches: (entry: Entry) => boolean = () => true): number {
    const lost = new Map<Nanoseconds, Entry[]>();
    let left = count;
    const isLost = (entry: Entry): boolean =>
      lost.get(entry.stamp)?.some((other) => this.#equal(other, entry)) ?? false;
    for (const entry of this.shown()) {
      if (left <= 0) break;
      if (!matches(entry) || isLost(entry)) continue;
      lost.set(entry.stamp, [...(lost.get(entry.stamp) ?? []), entry]);
      left--;
    }
    this.#entries = this.#entries.filter((entry) => !isLost(entry));
    this.#shown = undefined;
    this.losses++;
    return count - left;
  }

  /** As `shown()`, and the entries are no longer kept. What comes again of them is a new entry. */
  take(): readonly Entry[] {
    const shown = this.shown();
    this.#entries = [];
    this.#folded = [];
    this.#shown = undefined;
    this.#taken += shown.length;
    this.#twiceTaken += this.#twice;
    return shown;
  }

  /** The place in `shown()` of the first entry that is not older. */
  firstFrom(stamp: Nanoseconds): number {
    const entries = this.shown();
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((entries[middle] as Entry).stamp < stamp) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Of each entry, as many copies as the chunk has that has most of them. */
  #showStamp(entries: readonly KeptEntry[], shown: KeptEntry[]): void {
    interface Group {
      readonly entry: KeptEntry;
      readonly copies: Map<number, number>;
    }
    const groups: Group[] = [];
    // Thousands of entries may have one timestamp: only those of one line are compared.
    const byLine = new Map<string, Group[]>();
    for (const entry of entries) {
      const alike = byLine.get(entry.line) ?? [];
      let group = alike.find((each) => this.#equal(each.entry, entry));
      if (group === undefined) {
        group = { entry, copies: new Map() };
        groups.push(group);
        alike.push(group);
        byLine.set(entry.line, alike);
      }
      group.copies.set(entry.chunk, (group.copies.get(entry.chunk) ?? 0) + 1);
    }
    for (const { entry, copies } of groups) {
      const most = Math.max(...copies.values());
      for (let copy = 0; copy < most; copy++) shown.push(entry);
      this.#twice += most - 1;
    }
  }

  #equal(a: Entry, b: Entry): boolean {
    return equalEntries(a, b, this.#settings.metadataCounts);
  }
}

/** What was stored of one tenant. */
export class LogStore {
  readonly #streams = new Map<string, StoredStream>();
  readonly #metadata = new Map<string, readonly Label[]>();
  readonly #settings: ChunkSettings;

  constructor(settings: ChunkSettings) {
    this.#settings = settings;
  }

  stream(name: string, labels: readonly Label[]): StoredStream {
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      this.#streams.set(name, (stream = new StoredStream(labels, this.#settings)));
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
