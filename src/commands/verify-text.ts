import type { AuditReport, ContainerReport, StreamCounts } from '../audit/report.js';
import type { LineSample } from '../audit/report.js';
import { PollardError } from '../model/errors.js';
import { formatStamp } from '../model/nanoseconds.js';
import { columns, shownText } from './shown-text.js';

const HEAD = [
  'CONTAINER',
  'STREAM',
  'LINES',
  'DELIVERED',
  'MISSING',
  'REFUSED',
  'PENDING',
  'NOT JUDGED',
  'LOKI ONLY',
];
const STREAMS = ['stdout', 'stderr'] as const;

/** The report as a table for people, with examples, reasons, and what the figures do not say. */
export function verifyText(report: AuditReport, seconds: number): string {
  const { range, containers, totals } = report;
  const rows = containers.flatMap(rowsOf);
  const parts = [
    `from ${formatStamp(range.from)} to ${formatStamp(range.until)}\n\n`,
    columns([HEAD, ...rows, ['total', '', ...figures(totals)]], 2),
  ];
  const told = [...containers.flatMap(troubles), ...containers.flatMap(examples), ...explanations(report)];
  if (told.length > 0) parts.push('\n', ...told.map((line) => `${line}\n`));
  parts.push(`\n${verdict(report)} (${seconds.toFixed(1)} s)\n`);
  return parts.join('');
}

function rowsOf({ container, streams, status }: ContainerReport): string[][] {
  const used = STREAMS.filter((stream) => isUsed(streams[stream]));
  if (used.length > 0) {
    return used.map((stream) => [shownText(container), stream, ...figures(streams[stream])]);
  }
  return [[shownText(container), '-', status === 'read' ? '0' : status]];
}

function isUsed(counts: StreamCounts): boolean {
  return Object.values(counts).some((count) => count > 0);
}

function figures(counts: StreamCounts): string[] {
  const { lines, folded, delivered, missing, refused, pending } = counts;
  const notJudged = counts.crowded + counts.expired + counts.changed;
  const lokiOnly = counts.rotated + counts.unknown;
  return [lines, delivered + folded, missing, refused, pending, notJudged, lokiOnly].map(String);
}

function troubles({ container, status, reason }: ContainerReport): string[] {
  if (status === 'read' || status === 'never-started') return [];
  if (status === 'no-log') {
    return [`${'note'.padEnd(10)} ${shownText(container)}: not collected: its driver keeps no logs`];
  }
  return [`${status.padEnd(10)} ${shownText(container)}: ${shownText(reason ?? '', 300)}`];
}

function examples({ container, samples, refusals, otherLabels, streams }: ContainerReport): string[] {
  const name = shownText(container);
  const shown = (kind: string, list: readonly LineSample[], all: number): string[] => {
    const lines = list.map(
      ({ stream, stamp, text }) =>
        `${kind.padEnd(10)} ${name} ${stream} ${formatStamp(stamp)} ${shownText(text)}`,
    );
    const more = all - list.length;
    return more > 0 && list.length > 0 ? [...lines, `${kind.padEnd(10)} ${name} and ${more} more`] : lines;
  };
  const sum = (count: keyof StreamCounts): number => streams.stdout[count] + streams.stderr[count];
  return [
    ...shown('missing', samples.missing, sum('missing')),
    ...otherLabels.map(
      ({ labels, lines }) =>
        `${'relabelled'.padEnd(10)} ${name} ${lines} not under the labels of these settings: the same lines exist under ${shownText(labels, 300)}`,
    ),
    ...shown('repaired', samples.repaired, sum('repaired')),
    ...refusals.map(
      ({ kind, lines, reason }) =>
        `${'refused'.padEnd(10)} ${name} ${lines} ${kind}: ${shownText(reason, 200)}`,
    ),
    ...shown('gap', samples.gaps, sum('gapMarkers') + sum('possibleGapMarkers')),
    ...shown('loki only', samples.unknown, sum('unknown')),
  ];
}

type Explained = readonly [keyof StreamCounts, string];

const EXPLAINED: readonly Explained[] = [
  ['folded', 'equal to another line of the same stamp: Loki keeps them as one'],
  [
    'inPieces',
    'in Loki in several pieces: longer than lines.max_bytes, or not ended for longer than lines.open_max_age',
  ],
  ['renamed', 'in Loki under another name that the container had'],
  ['relabelled', 'in Loki under labels that these settings do not give the container'],
  ['repaired', 'were missing, were sent, and are in Loki now'],
  [
    'refused',
    'refused by Loki: too old for it, or kept in the rejected-lines file (pollard resend sends those again)',
  ],
  ['pending', "behind the collector's cursor, or not ended yet: it has still to deliver them"],
  [
    'crowded',
    'not judged: Loki has more lines of their stamp than it gives back at once (max_entries_limit_per_query)',
  ],
  ['expired', 'not judged: older than what this Loki shows (retention, max_query_lookback)'],
  ['changed', 'not judged: Loki has only their beginning; it cuts lines when max_line_size_truncate is set'],
  [
    'rotated',
    "in Loki only, older than the Engine's log: rotated away here, or of a container that had the name before",
  ],
  ['unknown', "in Loki only, and not in the Engine's log: sent by another collector, or lost here"],
  ['storedTwice', 'more than once in Loki: copies of lines that were sent again, and that Loki did not fold'],
  ['gapMarkers', 'lines by which Pollard marks a gap; no lines of the container'],
  [
    'possibleGapMarkers',
    'lines by which Pollard marks that the beginning of a log may have been lost; no lines of the container',
  ],
];

function explanations({ totals, containers, notes }: AuditReport): string[] {
  const explained = EXPLAINED.filter(([count]) => totals[count] > 0).map(
    ([count, text]) => `note       ${totals[count]} ${text}`,
  );
  const byTime = containers.filter(
    ({ byCursor, status }) => !byCursor && (status === 'read' || status === 'partial'),
  );
  if (byTime.length > 0) {
    explained.push(
      `note       without a cursor, so judged by time alone: ${byTime.map(({ container }) => shownText(container)).join(', ')}`,
    );
  }
  return [...explained, ...notes.map((text) => `note       ${shownText(text, 300)}`)];
}

function verdict({ totals, failure, containers, skipped, withheld }: AuditReport): string {
  if (failure !== undefined) {
    const hint = failure instanceof PollardError && failure.hint !== undefined ? `; ${failure.hint}` : '';
    return `ended early: ${shownText(failure.message, 300)}${hint}`;
  }
  const other =
    withheld === 0
      ? ''
      : `; ${withheld} ${withheld === 1 ? 'line was' : 'lines were'} not sent again, since Loki has the same under other labels: check the settings, or send them with --force`;
  if (totals.missing > 0) return `${totals.missing} of ${totals.lines} lines are missing in Loki${other}`;
  const unread =
    skipped +
    containers.filter(({ status }) => status === 'partial' || status === 'unreadable' || status === 'failed')
      .length;
  if (unread > 0) {
    const noun = unread === 1 ? 'container' : 'containers';
    return `nothing is missing of what could be read; ${unread} ${noun} could not, or not to the end${other}`;
  }
  return totals.crowded + totals.changed > 0
    ? `nothing is known to be missing; not all lines could be judged${other}`
    : `nothing is missing${other}`;
}
