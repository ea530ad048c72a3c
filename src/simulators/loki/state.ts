import type { Clock } from '../../model/clock.js';
import type { Nanoseconds } from '../../model/nanoseconds.js';
import { lineText } from './entry.js';
import { toRecord } from './labels.js';
import type { LokiLimits, LokiVersion } from './limits.js';
import type { CountedStream } from './protobuf.js';
import { RequestLog } from './request-log.js';
import { parseSelector, type StreamMatcher } from './selector.js';
import { accepted, addTally, emptyTally, type PushTally } from './tally.js';
import { Tenants } from './tenants.js';

export interface StateOptions {
  readonly clock: Clock;
  readonly version: LokiVersion;
  readonly limits: Partial<LokiLimits>;
  readonly tenantLimits: Readonly<Record<string, Partial<LokiLimits>>>;
  readonly keepRequests: number;
}

/** An entry as a query shows it. */
export interface StoredEntry {
  readonly tenant: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly stamp: Nanoseconds;
  /** Broken UTF-8 replaced, as Loki answers. */
  readonly line: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Says of an entry whether it is to be lost. */
export type LostEntries = (entry: Pick<StoredEntry, 'stamp' | 'line'>) => boolean;

export interface StreamSummary {
  readonly tenant: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly entries: number;
  readonly oldest: Nanoseconds;
  readonly newest: Nanoseconds;
}

/** What went through the simulator since it began, or since it was reset. */
export interface LokiCounts {
  readonly requests: number;
  readonly pushStatuses: Readonly<Record<string, number>>;
  /** Entries that came in pushes that could be read. */
  readonly received: number;
  /** Bytes of their lines. */
  readonly bytes: number;
  /** Not refused: `stored + foldedAsLast + foldedInHead`. */
  readonly accepted: number;
  readonly stored: number;
  readonly foldedAsLast: number;
  readonly foldedInHead: number;
  /** Stored, but folded when queried, or when their chunk was closed. */
  readonly foldedInQuery: number;
  /** What a query shows, and what was taken out: `accepted` without all that was folded. */
  readonly entries: number;
  /** Entries that Loki folded, at whatever place: how much of what came was a repetition, but for `twice`. */
  readonly strictDuplicates: number;
  /** Of `entries`: copies of an entry that Loki did not fold, and that a query shows. */
  readonly twice: number;
  /** Refused entries by Loki's reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** With entries. */
  readonly streams: number;
}

/** What a Loki holds, and what was asked of it. */
export class LokiState {
  readonly #options: StateOptions;
  #tenants: Tenants;
  #tally = emptyTally();
  /** Of a simulator that only counts: entries by stream, as the client wrote the labels. */
  #counted = new Map<string, number>();
  #requests: RequestLog;

  constructor(options: StateOptions) {
    this.#options = options;
    this.#tenants = new Tenants(options);
    this.#requests = new RequestLog(options.keepRequests);
  }

  get tenants(): Tenants {
    return this.#tenants;
  }

  get requests(): RequestLog {
    return this.#requests;
  }

  /** Everything is forgotten, as with a new data directory. */
  reset(): void {
    this.#tenants = new Tenants(this.#options);
    this.#requests = new RequestLog(this.#options.keepRequests);
    this.#tally = emptyTally();
    this.#counted = new Map();
  }

  /** What became of a push. */
  add(tally: PushTally): void {
    addTally(this.#tally, tally);
  }

  /** Counts a push that is not kept. */
  addCounted(streams: readonly CountedStream[]): PushTally {
    const tally = emptyTally();
    for (const { labels, entries, bytes } of streams) {
      tally.streams++;
      tally.received += entries;
      tally.bytes += bytes;
      tally.stored += entries;
      this.#counted.set(labels, (this.#counted.get(labels) ?? 0) + entries);
    }
    this.add(tally);
    return tally;
  }

  counts(): LokiCounts {
    let entries = [...this.#counted.values()].reduce((sum, count) => sum + count, 0);
    let streams = this.#counted.size;
    let twice = 0;
    for (const [, { store }] of this.#tenants.all()) {
      for (const stream of store.streams()) {
        if (stream.size + stream.taken === 0) continue;
        entries += stream.shown().length + stream.taken;
        twice += stream.twice;
        streams++;
      }
    }
    const { received, bytes, stored, foldedAsLast, foldedInHead, refused } = this.#tally;
    return {
      requests: this.#requests.total,
      pushStatuses: this.#requests.pushStatuses,
      received,
      bytes,
      accepted: accepted(this.#tally),
      stored,
      foldedAsLast,
      foldedInHead,
      foldedInQuery: stored - entries,
      entries,
      strictDuplicates: accepted(this.#tally) - entries,
      twice,
      refused: Object.fromEntries(refused),
      streams,
    };
  }

  /** @throws SelectorError at once, not when the first entry is asked for */
  entries(selector?: string, tenant?: string): Generator<StoredEntry> {
    return this.#entries(selector === undefined ? () => true : parseSelector(selector), tenant);
  }

  *#entries(matches: StreamMatcher, tenant: string | undefined): Generator<StoredEntry> {
    for (const [name, { store }] of this.#tenants.all()) {
      if (tenant !== undefined && name !== tenant) continue;
      for (const stream of store.streams()) {
        if (!matches(stream.labels)) continue;
        const labels = toRecord(stream.labels);
        for (const { stamp, line, metadata } of stream.shown()) {
          yield { tenant: name, labels, stamp, line: lineText(line), metadata: toRecord(metadata) };
        }
      }
    }
  }

  /** See StoredStream.hidden. */
  hidden(): StoredEntry[] {
    return [...this.#tenants.all()].flatMap(([tenant, { store }]) =>
      [...store.streams()].flatMap((stream) => {
        const labels = toRecord(stream.labels);
        return stream.hidden().map(({ stamp, line, metadata }) => {
          return { tenant, labels, stamp, line: lineText(line), metadata: toRecord(metadata) };
        });
      }),
    );
  }

  /** All entries, which are then no longer kept; they go on to count. */
  take(): StoredEntry[] {
    const taken: StoredEntry[] = [];
    for (const [tenant, { store }] of this.#tenants.all()) {
      for (const stream of store.streams()) {
        const labels = toRecord(stream.labels);
        for (const { stamp, line, metadata } of stream.take()) {
          taken.push({ tenant, labels, stamp, line: lineText(line), metadata: toRecord(metadata) });
        }
      }
    }
    return taken;
  }

  /**
   * Loses entries that were accepted: the oldest of each stream that matches, at most `count` of all; returns how
   * many.
   *
   * @param which only entries for which it holds
   * @throws SelectorError
   */
  lose(count: number, selector?: string, which: LostEntries = () => true): number {
    const matches = selector === undefined ? () => true : parseSelector(selector);
    let lost = 0;
    for (const [, { store }] of this.#tenants.all()) {
      for (const stream of store.streams()) {
        if (!matches(stream.labels)) continue;
        lost += stream.lose(count - lost, ({ stamp, line }) => which({ stamp, line: lineText(line) }));
      }
    }
    return lost;
  }

  streams(): StreamSummary[] {
    const summaries: StreamSummary[] = [];
    for (const [tenant, { store }] of this.#tenants.all()) {
      for (const stream of store.streams()) {
        const entries = stream.shown();
        const [first, last] = [entries[0], entries.at(-1)];
        if (first === undefined || last === undefined) continue;
        const labels = toRecord(stream.labels);
        const [oldest, newest] = [first.stamp, last.stamp];
        summaries.push({ tenant, labels, entries: entries.length, oldest, newest });
      }
    }
    return summaries;
  }

  /** Entries by stream, of a simulator that only counts; the labels as the client wrote them. */
  countedStreams(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counted);
  }
}
