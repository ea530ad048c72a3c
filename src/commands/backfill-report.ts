import type { BackfillReport } from '../backfill/backfill.js';
import type { ContainerResult } from '../backfill/progress.js';
import type { StampRange } from '../loki/read/stamp-range.js';
import { PollardError } from '../model/errors.js';
import { formatStamp } from '../model/nanoseconds.js';
import { columns, shownText } from './shown-text.js';

/** A run that came to its end, or was given up. */
export interface ShownRun {
  readonly name: string;
  readonly range: StampRange;
  readonly report: BackfillReport;
  /** Loki's words for each kind of refusal. */
  readonly reasons: Readonly<Record<string, string>>;
  readonly dryRun: boolean;
  /** Entries of the Engine's list that could not be understood. */
  readonly skipped: number;
  readonly code: number;
  readonly seconds: number;
}

const HEAD = [
  'CONTAINER',
  'LINES',
  'ALREADY THERE',
  'SENT',
  'UNDER LABEL',
  'REFUSED',
  'MISSING',
  'LEFT TO SERVICE',
];

/** The report as a table for people, with what the figures do not say. */
export function backfillText(run: ShownRun): string {
  const { report, seconds } = run;
  const rows = report.containers.map((container) => [shownText(container.name), ...figures(container)]);
  const table = columns([HEAD, ...rows, ['total', ...figures(totalOf(report.containers))]], 1);
  const notes = notesOf(run);
  return [
    '\n',
    table,
    ...(notes.length === 0 ? [] : ['\n', ...notes.map((note) => `${note}\n`)]),
    `\n${verdict(run)} (${seconds.toFixed(1)} s)\n`,
  ].join('');
}

/** The report as one JSON document, on one line. */
export function backfillJson({
  name,
  range,
  report,
  reasons,
  dryRun,
  skipped,
  code,
  seconds,
}: ShownRun): string {
  const { containers, unfinished, failure } = report;
  return `${JSON.stringify({
    name,
    since: formatStamp(range.from),
    until: formatStamp(range.until),
    dry_run: dryRun,
    containers: containers.map((container) => containerDocument(container, reasons)),
    unfinished: unfinished.map(({ id, name: container }) => ({ container, container_id: id })),
    skipped_containers: skipped,
    failure: failure === undefined ? null : failureDocument(failure),
    seconds: Number(seconds.toFixed(3)),
    exit_code: code,
  })}\n`;
}

function containerDocument(
  result: ContainerResult,
  reasons: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const { refused, logBegins } = result;
  return {
    container: result.name,
    container_id: result.id,
    status: result.status,
    reason: result.reason ?? null,
    log_begins: logBegins === undefined ? null : formatStamp(logBegins),
    gap: result.gap,
    lines: result.lines,
    already_there: result.alreadyThere,
    sent: result.sent,
    sent_under_label: result.sentUnderLabel,
    refused: Object.entries(refused).map(([kind, lines]) => ({ kind, lines, reason: reasons[kind] ?? null })),
    missing: result.missing,
    pending: result.pending,
    other_labels: result.otherLabels,
    not_judged: result.notJudged,
  };
}

type Counts = Omit<ContainerResult, 'id' | 'name' | 'status' | 'gap' | 'logBegins' | 'reason'>;

function figures(counts: Counts): string[] {
  const { lines, alreadyThere, sent, sentUnderLabel, missing, pending } = counts;
  return [lines, alreadyThere, sent, sentUnderLabel, refusedLines(counts), missing, pending].map(String);
}

function refusedLines({ refused }: Counts): number {
  return Object.values(refused).reduce((sum, lines) => sum + lines, 0);
}

function totalOf(containers: readonly ContainerResult[]): Counts {
  const sum = (key: Exclude<keyof Counts, 'refused'>): number =>
    containers.reduce((all, container) => all + container[key], 0);
  return {
    lines: sum('lines'),
    alreadyThere: sum('alreadyThere'),
    sent: sum('sent'),
    sentUnderLabel: sum('sentUnderLabel'),
    missing: sum('missing'),
    pending: sum('pending'),
    otherLabels: sum('otherLabels'),
    notJudged: sum('notJudged'),
    refused: refusedByKind(containers),
  };
}

function refusedByKind(containers: readonly ContainerResult[]): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const { refused } of containers) {
    for (const [kind, lines] of Object.entries(refused)) kinds[kind] = (kinds[kind] ?? 0) + lines;
  }
  return kinds;
}

function notesOf({ report, reasons, skipped }: ShownRun): string[] {
  const notes = report.containers.flatMap(notesOfContainer);
  for (const [kind, reason] of Object.entries(reasons)) {
    notes.push(`note     Loki refuses lines as ${kind}: ${shownText(reason, 200)}`);
  }
  if (skipped > 0) {
    notes.push(
      `note     ${skipped} containers in the Engine's list could not be understood and were not looked at`,
    );
  }
  return notes;
}

function notesOfContainer(container: ContainerResult): string[] {
  const { status, reason, refused, gap, logBegins, otherLabels, notJudged } = container;
  const name = shownText(container.name);
  const notes: string[] = [];
  if (status === 'no-log') notes.push(`note     ${name}: its driver keeps no logs`);
  else if (status !== 'read' && status !== 'never-started') {
    notes.push(`${status.padEnd(8)} ${name}: ${shownText(reason ?? 'not read to its end', 300)}`);
  }
  for (const [kind, lines] of Object.entries(refused)) notes.push(`refused  ${name}: ${lines} ${kind}`);
  if (gap && logBegins !== undefined) {
    notes.push(
      `gap      ${name}: its log begins at ${formatStamp(logBegins)}; what it printed before that, Docker no longer has`,
    );
  }
  if (otherLabels > 0) {
    notes.push(
      `note     ${name}: ${otherLabels} lines are in Loki under other labels, and were not sent again`,
    );
  }
  if (notJudged > 0) {
    notes.push(`note     ${name}: ${notJudged} lines could not be judged (pollard verify says why)`);
  }
  return notes;
}

function verdict({ report, dryRun, range }: ShownRun): string {
  const { containers, unfinished, failure } = report;
  const total = totalOf(containers);
  if (failure !== undefined) {
    return `ended early with ${unfinished.length} containers to go; the place is kept: run it again to go on`;
  }
  if (containers.length === 0) return 'no container is chosen';
  if (total.lines === 0) {
    return `Docker has no line from ${formatStamp(range.from)} to ${formatStamp(range.until)} of these containers`;
  }
  if (dryRun) {
    return total.missing === 0
      ? 'nothing is missing'
      : `${total.missing} of ${total.lines} lines are missing and would be sent`;
  }
  const refused = refusedLines(total);
  if (total.missing > 0) return `${total.missing} of ${total.lines} lines are missing in Loki`;
  if (refused > 0) return `all is in Loki but ${refused} lines that it refused`;
  if (total.pending > 0) {
    return `all is in Loki but ${total.pending} lines after the cursors: the service delivers them (or pollard catch-up)`;
  }
  const unread = containers.filter(({ status }) => ['partial', 'unreadable', 'gone'].includes(status)).length;
  if (unread > 0)
    return `all that could be read is in Loki; ${unread} containers could not be read to their end`;
  if (total.otherLabels + total.notJudged > 0) return 'all that could be judged is in Loki';
  return 'all of the range is in Loki';
}

function failureDocument(failure: Error): Record<string, unknown> {
  const { message } = failure;
  if (!(failure instanceof PollardError)) return { code: 'unknown', message, hint: null };
  return { code: failure.code, message, hint: failure.hint ?? null };
}
