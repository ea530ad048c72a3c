import type { ContainerReport } from '../audit/report.js';
import type { StampRange } from '../loki/read/stamp-range.js';
import type { ContainerSummary } from '../model/container.js';
import { NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import type { Sent } from './backfill-delivery.js';
import type { BlindOutcome } from './blind.js';
import type { ContainerResult, SentSoFar } from './progress.js';

/**
 * What a container's audit and its pushes come to.
 *
 * @param sent by this process; undefined: a dry run
 * @param earlier what interrupted processes of the run sent: the audit found that in Loki
 */
export function resultOf(
  container: ContainerSummary,
  report: ContainerReport,
  range: StampRange,
  sent: Sent | undefined,
  earlier: SentSoFar,
): ContainerResult {
  const { stdout, stderr } = report.streams;
  const sum = (key: keyof typeof stdout): number => stdout[key] + stderr[key];
  const refused = sent?.refused ?? {};
  const refusedLines = Object.values(refused).reduce((all, lines) => all + lines, 0);
  const repaired = sum('repaired');
  const foundBefore = sum('delivered') - repaired + sum('folded');
  // Of what is there now, the run itself sent this much before it was interrupted.
  const sentEarlier = Math.min(earlier.sent, foundBefore);
  return {
    id: container.id,
    name: container.name,
    status: report.status,
    ...(report.reason === undefined ? {} : { reason: report.reason }),
    ...beginningOf(container, range, report.logBegins),
    lines: sum('lines'),
    alreadyThere: foundBefore - sentEarlier,
    sent: repaired + sentEarlier,
    sentUnderLabel: (sent?.underLabel ?? 0) + earlier.sentUnderLabel,
    refused,
    // What Loki refused is not in Loki, so the audit counts it as missing.
    missing: Math.max(0, sum('missing') - refusedLines),
    pending: sum('pending'),
    otherLabels: sum('relabelled'),
    notJudged: sum('crowded') + sum('expired') + sum('changed'),
  };
}

/** The same of a container whose lines were sent without asking Loki. */
export function blindResult(
  container: ContainerSummary,
  outcome: BlindOutcome,
  range: StampRange,
  sent: Sent,
): ContainerResult {
  return {
    id: container.id,
    name: container.name,
    status: outcome.status,
    ...(outcome.reason === undefined ? {} : { reason: outcome.reason }),
    ...beginningOf(container, range, outcome.logBegins),
    lines: outcome.lines,
    alreadyThere: 0,
    sent: sent.entries,
    sentUnderLabel: sent.underLabel,
    refused: sent.refused,
    missing: 0,
    pending: outcome.pending,
    otherLabels: 0,
    notJudged: 0,
  };
}

/** The list has whole seconds, and a container prints nothing before it runs. */
const YOUTH = 2n * NS_PER_SECOND;

function beginningOf(
  { created }: ContainerSummary,
  range: StampRange,
  logBegins: Nanoseconds | undefined,
): Pick<ContainerResult, 'logBegins' | 'gap'> {
  if (logBegins === undefined) return { gap: false };
  return { logBegins, gap: range.from < logBegins && created + YOUTH < logBegins };
}
