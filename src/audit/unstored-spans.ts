import type { SummaryRow } from '../loki/rejected-summary.js';
import type { StreamName } from '../model/container.js';
import type { Nanoseconds } from '../model/nanoseconds.js';

/** Why a line is neither in Loki nor in the rejected-lines file. */
export interface NotStored {
  readonly kind: string;
  readonly reason: string;
}

/**
 * What the summary says of one container: of which time lines were refused and not stored, and how many. It explains
 * no more lines of a time than it counts, so that a line that is really missing among them shows.
 */
export class UnstoredSpans {
  readonly #rows: readonly SummaryRow[];
  /** Lines that are explained so far, by span. */
  readonly #explained = new Map<object, number>();

  constructor(rows: readonly SummaryRow[]) {
    this.#rows = rows;
  }

  /** The summary has nothing of the container. */
  get isEmpty(): boolean {
    return this.#rows.length === 0;
  }

  /** Explains one line, which then counts; undefined: the summary does not explain it. */
  explain(stream: StreamName, stamp: Nanoseconds): NotStored | undefined {
    for (const row of this.#rows) {
      if (row.stream !== stream) continue;
      for (const span of row.spans) {
        if (stamp < span.from || stamp > span.until) continue;
        const explained = this.#explained.get(span) ?? 0;
        if (explained >= span.lines) continue;
        this.#explained.set(span, explained + 1);
        return { kind: row.kind, reason: row.reason };
      }
    }
    return undefined;
  }
}
