import type { StreamName } from '../model/container.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import type { EngineReading } from './engine-log.js';
import type { StampRange } from '../loki/read/stamp-range.js';

/**
 * What became of the lines of one stream; a line in pieces is one. All figures but `lines` and `folded` count equal lines of one stamp
 * once, as Loki keeps them:
 * `lines = folded + delivered + missing + refused + pending + crowded + expired + changed`.
 */
export interface StreamCounts {
  /** In the Engine's log, in the range. */
  lines: number;
  /** Equal to another line of the same stamp. */
  folded: number;
  /** In Loki. */
  delivered: number;
  /** Of the delivered: in several pieces, because the line is too long, or was not ended for too long. */
  inPieces: number;
  /** Of the delivered: under another name that the container had. */
  renamed: number;
  /** Of the delivered: under labels that these settings do not give the container. */
  relabelled: number;
  /** Not in Loki, and no reason is known. After a repair: still not. */
  missing: number;
  /** Were missing, and are in Loki now. */
  repaired: number;
  /** Not in Loki, because Loki refused them: the rejected-lines file has them. */
  refused: number;
  /** Behind the collector's cursor: it has not come to them yet. */
  pending: number;
  /** Not judged: more lines of one stamp than Loki gives back at once. */
  crowded: number;
  /** Not judged: older than what Loki shows. */
  expired: number;
  /** Not judged: Loki has the line shortened, at its stamp; it may be set to cut long lines. */
  changed: number;
  /** In Loki only, and older than the Engine's log: rotated away here. */
  rotated: number;
  /** In Loki only, and not explained. */
  unknown: number;
  /** Lines by which Pollard marks a gap. */
  gapMarkers: number;
  /** Copies beyond the first of entries that Loki shows more than once. */
  storedTwice: number;
  /** Lines by which Pollard marks that the beginning of a log may be missing. */
  possibleGapMarkers: number;
}

export function noCounts(): StreamCounts {
  return {
    lines: 0,
    folded: 0,
    delivered: 0,
    inPieces: 0,
    renamed: 0,
    relabelled: 0,
    missing: 0,
    repaired: 0,
    refused: 0,
    pending: 0,
    crowded: 0,
    expired: 0,
    changed: 0,
    rotated: 0,
    unknown: 0,
    gapMarkers: 0,
    storedTwice: 0,
    possibleGapMarkers: 0,
  };
}

export function addCounts(sum: StreamCounts, counts: Readonly<StreamCounts>): void {
  for (const key of Object.keys(sum) as (keyof StreamCounts)[]) sum[key] += counts[key];
}

/** A line shown as an example. */
export interface LineSample {
  readonly stream: StreamName;
  readonly stamp: Nanoseconds;
  /** Its beginning. */
  readonly text: string;
}

export interface Refusals {
  /** A RefusalKind. */
  readonly kind: string;
  lines: number;
  /** Loki's words for one of them. */
  readonly reason: string;
}

/** Labels under which lines of a container are in Loki, and that these settings do not give it. */
export interface OtherLabels {
  /** Those that differ, as a selector of LogQL: `{host="a"}`. A label that is not there has an empty value. */
  readonly labels: string;
  lines: number;
}

export interface Samples {
  /** After a repair: still missing. */
  readonly missing: LineSample[];
  readonly repaired: LineSample[];
  readonly refused: LineSample[];
  readonly unknown: LineSample[];
  readonly gaps: LineSample[];
}

/**
 * How far a container could be looked at:
 * - `read`: all of its log;
 * - `partial`: not to the end of its log, or not all of it was judged;
 * - `unreadable`: its logging driver cannot be read, or it is being removed;
 * - `no-log`: its logging driver keeps no logs;
 * - `gone`: removed meanwhile;
 * - `never-started`: it has no log;
 * - `failed`: Loki or the Engine did not answer.
 */
export type AuditStatus = 'read' | 'partial' | 'unreadable' | 'no-log' | 'gone' | 'never-started' | 'failed';

export interface ContainerReport {
  readonly container: string;
  readonly containerId: string;
  status: AuditStatus;
  /** Why it is not `read`. */
  reason: string | undefined;
  /** Which stamps were looked at. */
  readonly range: StampRange;
  /** Told what was delivered by the collector's cursor; without one, by time alone. */
  readonly byCursor: boolean;
  readonly streams: Readonly<Record<StreamName, StreamCounts>>;
  readonly refusals: Refusals[];
  readonly otherLabels: OtherLabels[];
  /** The timestamp of the oldest entry that the Engine still has; undefined: it has none, or was not asked. */
  logBegins: Nanoseconds | undefined;
  readonly samples: Samples;
}

/** A reading that did not come to the end of the log makes the report partial. */
export function noteReading(report: ContainerReport, { fault, complete }: EngineReading): void {
  if (report.status !== 'read' || (fault === undefined && complete)) return;
  report.status = 'partial';
  report.reason =
    fault?.message ??
    'the Engine does not show the log to its end: a damaged place in it hides what stands behind';
}

/** Entries of Loki's that cannot be understood make the report partial: any line may be one of them. */
export function noteMalformed(report: ContainerReport, entries: number): void {
  if (report.status !== 'read' || entries === 0) return;
  report.status = 'partial';
  report.reason =
    "Loki's answers have entries that could not be understood: check that no proxy rewrites them";
}

/** That nobody knows whether lines are in Loki under other labels makes the report partial: a repair sends none. */
export function noteUnasked(report: ContainerReport, error: Error | undefined): void {
  if (report.status !== 'read' || error === undefined) return;
  report.status = 'partial';
  report.reason = `whether lines are in Loki under other labels could not be asked, so none are sent without --force: ${error.message}`;
}

export interface AuditReport {
  readonly range: StampRange;
  readonly containers: readonly ContainerReport[];
  /** Containers of which the entry in the list could not be understood. */
  readonly skipped: number;
  readonly totals: StreamCounts;
  /** Lines that a repair did not send, because they are in Loki under other labels. */
  readonly withheld: number;
  /** What ended the audit early: Loki could not be asked, or did not take the repair. */
  readonly failure: Error | undefined;
  /** What else limits what the report can say. */
  readonly notes: readonly string[];
}
