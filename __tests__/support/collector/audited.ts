/** What `verify` says of all containers together. */
export interface Audited {
  readonly exit: number | null;
  /** Lines in the Engine's log; equal ones of one nanosecond count once, as Loki keeps them. */
  readonly written: number;
  readonly delivered: number;
  readonly missing: number;
  readonly refused: number;
  readonly pending: number;
  readonly notJudged: number;
  /** In Loki, and rotated away in the Engine. */
  readonly rotated: number;
  /** In Loki only, without an explanation. */
  readonly unknown: number;
  readonly gapMarkers: number;
  /** Copies beyond the first of entries that Loki shows more than once. */
  readonly storedTwice: number;
  readonly possibleGapMarkers: number;
}

/** All that was written is in Loki, and nothing else is. */
export function allDelivered(lines: number): Audited {
  return {
    exit: 0,
    written: lines,
    delivered: lines,
    missing: 0,
    refused: 0,
    pending: 0,
    notJudged: 0,
    rotated: 0,
    unknown: 0,
    gapMarkers: 0,
    storedTwice: 0,
    possibleGapMarkers: 0,
  };
}

/** `totals` of `verify --json`; see StreamCounts in src/audit/report.ts. */
interface Totals {
  readonly lines: number;
  readonly folded: number;
  readonly delivered: number;
  readonly missing: number;
  readonly refused: number;
  readonly pending: number;
  readonly crowded: number;
  readonly expired: number;
  readonly changed: number;
  readonly loki_only: { readonly rotated: number; readonly unknown: number };
  readonly gap_markers: number;
  readonly stored_twice: number;
  readonly possible_gap_markers: number;
}

/** Reads what `verify --json` printed. */
export function readAudit(exit: number | null, json: string): Audited {
  const { totals } = JSON.parse(json) as { readonly totals: Totals };
  const { lines, folded, delivered, missing, refused, pending, loki_only: lokiOnly } = totals;
  return {
    exit,
    written: lines - folded,
    delivered,
    missing,
    refused,
    pending,
    notJudged: totals.crowded + totals.expired + totals.changed,
    rotated: lokiOnly.rotated,
    unknown: lokiOnly.unknown,
    gapMarkers: totals.gap_markers,
    storedTwice: totals.stored_twice,
    possibleGapMarkers: totals.possible_gap_markers,
  };
}
