import { formatStamp } from '../../model/nanoseconds.js';
import { version } from '../version.js';
import type { CheckedContainer } from './containers.js';
import type { Part, Trouble } from './part.js';
import { exitCodeOf, type CheckReport } from './report.js';

/** The report as one JSON object. */
export function checkJson(report: CheckReport): string {
  const code = exitCodeOf(report);
  const document = {
    ok: code === 0,
    exit_code: code,
    version,
    parts: [
      ...report.parts.map(partJson),
      ...report.skipped.map((name) => ({ part: name, state: 'skipped' })),
    ],
    containers: report.containers.map(containerJson),
  };
  return `${JSON.stringify(document)}\n`;
}

function partJson({ name, summary, failure, warnings, facts }: Part): object {
  const state = failure !== undefined ? 'failed' : warnings.length > 0 ? 'warning' : 'ok';
  return {
    part: name,
    state,
    summary,
    error: failure === undefined ? null : troubleJson(failure),
    warnings: warnings.map(troubleJson),
    facts,
  };
}

function troubleJson({ hint, setting, ...rest }: Trouble): object {
  return { ...rest, hint: hint ?? null, setting: setting ?? null };
}

function containerJson(checked: CheckedContainer): object {
  const { container, driver, noLog, selection, begin, labels, trouble, old } = checked;
  return {
    name: container.name,
    id: container.id,
    image: container.image,
    state: container.state,
    driver: driver ?? null,
    selection,
    readable: selection !== 'selected' ? null : trouble === undefined && !noLog,
    no_log: noLog,
    begin:
      begin === undefined
        ? null
        : {
            from: begin.from,
            delivered: begin.delivered === undefined ? null : formatStamp(begin.delivered),
          },
    labels: labels ?? null,
    too_old:
      old === undefined
        ? null
        : {
            lines: old.lines,
            exact: old.isExact,
            from: formatStamp(old.from),
            until: formatStamp(old.until),
          },
    error: trouble === undefined ? null : troubleJson(trouble),
  };
}
