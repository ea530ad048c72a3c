import type { AuditReport, ContainerReport, LineSample, Samples, StreamCounts } from '../audit/report.js';
import { PollardError } from '../model/errors.js';
import { formatStamp } from '../model/nanoseconds.js';

/** The report as one JSON document, on one line. Its form is the one that the README has for all JSON. */
export function verifyJson(report: AuditReport, seconds: number, exitCode: number): string {
  const { range, containers, totals, withheld, failure, notes } = report;
  const document = {
    since: formatStamp(range.from),
    until: formatStamp(range.until),
    containers: containers.map(containerJson),
    totals: countsJson(totals),
    withheld,
    failure: failure === undefined ? null : failureJson(failure),
    notes,
    seconds: Number(seconds.toFixed(3)),
    exit_code: exitCode,
  };
  return `${JSON.stringify(document)}\n`;
}

function containerJson(report: ContainerReport) {
  const { container, containerId, status, reason, range, byCursor, streams, refusals, otherLabels, samples } =
    report;
  return {
    container,
    container_id: containerId,
    status,
    reason: reason ?? null,
    judged_by: byCursor ? 'cursor' : 'time',
    since: formatStamp(range.from),
    until: formatStamp(range.until),
    streams: { stdout: countsJson(streams.stdout), stderr: countsJson(streams.stderr) },
    refusals,
    other_labels: otherLabels,
    samples: samplesJson(samples),
  };
}

function countsJson(counts: StreamCounts) {
  const { inPieces, rotated, unknown, gapMarkers, possibleGapMarkers, storedTwice, ...others } = counts;
  return {
    ...others,
    in_pieces: inPieces,
    loki_only: { rotated, unknown },
    gap_markers: gapMarkers,
    stored_twice: storedTwice,
    possible_gap_markers: possibleGapMarkers,
  };
}

function samplesJson({ missing, repaired, refused, unknown, gaps }: Samples) {
  const shown = (list: readonly LineSample[]) =>
    list.map(({ stream, stamp, text }) => ({ stream, timestamp: formatStamp(stamp), text }));
  return {
    missing: shown(missing),
    repaired: shown(repaired),
    refused: shown(refused),
    loki_only: shown(unknown),
    gaps: shown(gaps),
  };
}

function failureJson(failure: Error) {
  const { message } = failure;
  if (!(failure instanceof PollardError)) return { code: 'unknown', message, hint: null, setting: null };
  const { code, hint, setting } = failure;
  return { code, message, hint: hint ?? null, setting: setting ?? null };
}
