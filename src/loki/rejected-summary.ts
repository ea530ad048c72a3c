import * as z from 'zod';
import { formatStamp, parseStamp, type Nanoseconds } from '../model/nanoseconds.js';
import type { UnstoredLines } from './unstored-lines.js';

/** Some of the lines of a stream, not stored: all that lie close together in time. */
export interface UnstoredSpan {
  /** The lowest timestamp. */
  readonly from: Nanoseconds;
  /** The highest. */
  readonly until: Nanoseconds;
  /** How many; some may have been counted twice, when they were read again after a crash. */
  readonly lines: number;
}

/** Lines of one stream that were refused for one reason and not stored. */
export interface SummaryRow {
  readonly container: string;
  /** Where it is sent with the lines (labels.structured_metadata). */
  readonly containerId: string | undefined;
  readonly stream: string;
  readonly tenant: string | undefined;
  readonly kind: string;
  readonly reason: string;
  readonly lines: number;
  readonly spans: readonly UnstoredSpan[];
}

/** Lines of streams for which there was no room in the summary. */
export interface OtherLines extends UnstoredSpan {
  /** Rows that were left out. */
  readonly rows: number;
}

/** Spans that are further apart are two, as long as there are not too many. */
const NEAR = 3600n * 1_000_000_000n;
const MOST_SPANS = 8;
const MOST_REASON = 300;
/** Of a document without rows, at most. */
const FRAME_BYTES = 300;

/**
 * What is known of refused lines of which no copy is kept: by stream and kind of refusal how many, of which time and
 * why. A value: what adds to it makes a new one.
 */
export class RejectedSummary {
  static readonly EMPTY = new RejectedSummary([], undefined);
  /** The row that was added to last comes last. */
  readonly rows: readonly SummaryRow[];
  readonly others: OtherLines | undefined;

  private constructor(rows: readonly SummaryRow[], others: OtherLines | undefined) {
    this.rows = rows;
    this.others = others;
  }

  with(lines: readonly UnstoredLines[]): RejectedSummary {
    const rows = new Map(this.rows.map((row) => [keyOf(row), row]));
    for (const each of lines) {
      const row = rowOf(each);
      const key = keyOf(row);
      const before = rows.get(key);
      rows.delete(key);
      rows.set(key, before === undefined ? row : joined(before, row));
    }
    return new RejectedSummary([...rows.values()], this.others);
  }

  /** The same in a document of at most so many bytes: rows that were added to long ago are counted together. */
  within(maxBytes: number): RejectedSummary {
    let bytes = FRAME_BYTES;
    let first = this.rows.length;
    for (; first > 0; first--) {
      bytes += Buffer.byteLength(textOf(this.rows[first - 1] as SummaryRow)) + 2;
      if (bytes > maxBytes) break;
    }
    if (first === 0) return this;
    return new RejectedSummary(
      this.rows.slice(first),
      this.rows.slice(0, first).reduce(withOther, this.others),
    );
  }

  /** The document, JSON. */
  toText(now: Nanoseconds): string {
    const { others } = this;
    const frame = JSON.stringify({
      version: 1,
      written_at: formatStamp(now),
      others: others === undefined ? null : { rows: others.rows, ...spanDocument(others) },
    });
    return `${frame.slice(0, -1)},"not_stored":[\n${this.rows.map(textOf).join(',\n')}\n]}\n`;
  }

  /** @throws SyntaxError, z.ZodError for a text that is not a summary */
  static parse(text: string): RejectedSummary {
    const { not_stored: rows, others } = schema.parse(JSON.parse(text));
    return new RejectedSummary(
      rows.map(({ container_id: containerId, spans, tenant, ...rest }) => ({
        ...rest,
        containerId,
        tenant,
        spans,
      })),
      others ?? undefined,
    );
  }
}

function rowOf({ target, kind, reason, lines, from, until }: UnstoredLines): SummaryRow {
  return {
    container: target.containerName,
    containerId: target.structuredMetadata['container_id'],
    stream: target.labels['stream'] ?? '',
    tenant: target.tenant,
    kind,
    reason: reason.slice(0, MOST_REASON),
    lines,
    spans: [{ from, until, lines }],
  };
}

function keyOf({ container, containerId, stream, tenant, kind }: SummaryRow): string {
  return JSON.stringify([containerId ?? container, stream, tenant, kind]);
}

function joined(before: SummaryRow, more: SummaryRow): SummaryRow {
  const spans = more.spans.reduce(withSpan, before.spans);
  return { ...more, lines: before.lines + more.lines, spans };
}

/** In the order of their beginnings; those that are near or overlap are one. */
function withSpan(spans: readonly UnstoredSpan[], more: UnstoredSpan): readonly UnstoredSpan[] {
  const sorted = [...spans, more].sort((a, b) => (a.from < b.from ? -1 : 1));
  const merged: UnstoredSpan[] = [];
  for (const span of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && span.from - last.until <= NEAR) merged[merged.length - 1] = union(last, span);
    else merged.push(span);
  }
  return merged.length <= MOST_SPANS ? merged : withNearestJoined(merged);
}

function withNearestJoined(spans: readonly UnstoredSpan[]): readonly UnstoredSpan[] {
  const gap = (at: number): Nanoseconds =>
    (spans[at] as UnstoredSpan).from - (spans[at - 1] as UnstoredSpan).until;
  let nearest = 1;
  for (let at = 2; at < spans.length; at++) if (gap(at) < gap(nearest)) nearest = at;
  const joint = union(spans[nearest - 1] as UnstoredSpan, spans[nearest] as UnstoredSpan);
  return [...spans.slice(0, nearest - 1), joint, ...spans.slice(nearest + 1)];
}

function union(a: UnstoredSpan, b: UnstoredSpan): UnstoredSpan {
  return {
    from: a.from < b.from ? a.from : b.from,
    until: a.until > b.until ? a.until : b.until,
    lines: a.lines + b.lines,
  };
}

function withOther(others: OtherLines | undefined, { spans }: SummaryRow): OtherLines {
  const [whole, ...rest] = spans as [UnstoredSpan, ...UnstoredSpan[]];
  const all = rest.reduce(union, others === undefined ? whole : union(others, whole));
  return { ...all, rows: (others?.rows ?? 0) + 1 };
}

function spanDocument({ from, until, lines }: UnstoredSpan) {
  return { lines, from: formatStamp(from), until: formatStamp(until) };
}

const texts = new WeakMap<SummaryRow, string>();

/** Kept with the row: of many rows few are new at a time. */
function textOf(row: SummaryRow): string {
  let text = texts.get(row);
  if (text === undefined) texts.set(row, (text = JSON.stringify(rowDocument(row))));
  return text;
}

function rowDocument({ container, containerId, stream, tenant, kind, reason, lines, spans }: SummaryRow) {
  return {
    container,
    container_id: containerId,
    stream,
    tenant,
    kind,
    reason,
    lines,
    spans: spans.map(spanDocument),
  };
}

const stamp = z.string().transform((text, context) => {
  const ns = parseStamp(text);
  if (ns !== undefined) return ns;
  context.addIssue({ code: 'custom', message: 'not a timestamp' });
  return z.NEVER;
});
const count = z.number().int().nonnegative();
const span = z.object({ lines: count, from: stamp, until: stamp });
const schema = z.object({
  others: span.extend({ rows: count }).nullable(),
  not_stored: z.array(
    z.object({
      container: z.string(),
      container_id: z.string().optional(),
      stream: z.string(),
      tenant: z.string().optional(),
      kind: z.string(),
      reason: z.string(),
      lines: count,
      spans: z.array(span).min(1),
    }),
  ),
});
