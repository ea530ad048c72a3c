import type { AuditReport } from '../audit/report.js';
import type { BackfillReport } from '../backfill/backfill.js';
import type { ContainerResult } from '../backfill/progress.js';
import type { CatchUpSummary } from '../collector/catch-up.js';
import type { JobFigures } from '../observe/job-metrics.js';

// What each command writes to metrics.textfile. Outcomes have the names of the command's --json, except the delivered
// lines of catch-up, which it calls `lines`. Figures that are part of another one, such as the lines sent under the
// backfill label, are left out, so that the outcomes of a run add up to its lines.

export function catchUpFigures({ lines, rejected, gaps }: CatchUpSummary): JobFigures {
  return { lines: { delivered: lines, rejected }, gaps };
}

/** Gaps are counted by the collector's gap markers in Loki. */
export function verifyFigures({ totals, failure }: AuditReport): JobFigures {
  const { delivered, repaired, folded, missing, refused, pending, crowded, expired, changed } = totals;
  return {
    lines: {
      delivered: delivered - repaired,
      repaired,
      folded,
      missing,
      refused,
      pending,
      crowded,
      expired,
      changed,
    },
    ...missingLines(missing, failure),
    gaps: totals.gapMarkers,
  };
}

/** Gaps are containers whose log begins after the start of the range. */
export function backfillFigures({ containers, failure }: BackfillReport): JobFigures {
  const sum = (count: (container: ContainerResult) => number): number =>
    containers.reduce((all, container) => all + count(container), 0);
  const missing = sum((container) => container.missing);
  return {
    lines: {
      already_there: sum(({ alreadyThere }) => alreadyThere),
      sent: sum(({ sent }) => sent),
      refused: sum(({ refused }) => Object.values(refused).reduce((all, lines) => all + lines, 0)),
      missing,
      pending: sum(({ pending }) => pending),
      not_judged: sum(({ notJudged }) => notJudged),
    },
    ...missingLines(missing, failure),
    gaps: containers.filter(({ gap }) => gap).length,
  };
}

/** A run that ended early did not compare all lines. If it found none missing, the number is unknown, not 0. */
function missingLines(missing: number, failure: Error | undefined): Pick<JobFigures, 'missing'> {
  return failure !== undefined && missing === 0 ? {} : { missing };
}
