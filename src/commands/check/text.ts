import { printable } from '../../config/shown.js';
import { formatLabels } from '../../loki/labels.js';
import type { Selection } from '../../pipeline/selection.js';
import { nextStep } from '../print-error.js';
import { shownMark, type Mark, type Style } from '../view/style.js';
import { table, type Column } from '../view/table.js';
import { formatInstant } from '../view/times.js';
import type { CheckedContainer } from './containers.js';
import type { Part, PartName, Trouble } from './part.js';
import type { CheckReport } from './report.js';

const TITLES: Readonly<Record<PartName, string>> = {
  configuration: 'configuration',
  engine: 'Engine',
  loki: 'Loki',
  state: 'state directory',
  status: 'status page',
  containers: 'containers',
};
const TITLE_WIDTH = Math.max(...Object.values(TITLES).map(({ length }) => length));

/** A tick or a cross for each part, what to do next behind each cross, and what would be collected. */
export function checkText(report: CheckReport, style: Style): string {
  const { parts, skipped, containers } = report;
  const lines = [
    ...parts.flatMap((part) => partLines(part, style)),
    ...skipped.map((name) => `${shownMark('none', style)} ${title(name)}  not tried: something above failed`),
  ];
  if (containers.length > 0) lines.push('', ...table(columnsFor(containers, style), containers, style));
  const labelled = containers.filter(({ labels }) => labels !== undefined);
  if (labelled.length > 0) lines.push('', ...table(LABEL_COLUMNS, labelled, style));
  lines.push('', verdict(report, style));
  return `${lines.join('\n')}\n`;
}

function partLines(part: Part, style: Style): string[] {
  const { name, summary, failure, warnings } = part;
  const mark: Mark = failure !== undefined ? 'failed' : warnings.length > 0 ? 'warning' : 'ok';
  const indent = ' '.repeat((style.ascii ? 6 : 1) + 1 + TITLE_WIDTH + 2);
  // A configuration's problems are lines of their own.
  const [first = '', ...more] = summary.split('\n').map(printable);
  return [
    `${shownMark(mark, style)} ${title(name)}  ${first}`,
    ...more.map((line) => `${indent}${line.trimStart()}`),
    ...(failure === undefined ? [] : hintLines(failure, indent)),
    ...warnings.flatMap((warning) => [
      `${indent}${style.paint('yellow', `! ${printable(warning.message)}`)}`,
      ...hintLines(warning, `${indent}  `),
    ]),
  ];
}

function title(name: PartName): string {
  return TITLES[name].padEnd(TITLE_WIDTH);
}

function hintLines(trouble: Trouble, indent: string): string[] {
  const next = nextStep(trouble);
  return next === undefined ? [] : [`${indent}-> ${next}`];
}

const REASONS: Readonly<Record<Selection, string>> = {
  selected: '',
  own: 'no: Pollard runs in it (containers.self)',
  disabled: 'no: its label pollard.enable=false',
  not_opted_in: 'no: it has no label pollard.enable=true (containers.opt_in)',
  not_included: 'no: not in containers.include',
  excluded: 'no: containers.exclude',
};

function columnsFor(containers: readonly CheckedContainer[], style: Style): Column<CheckedContainer>[] {
  // Seldom there are any, and the table is wide.
  const anyOld = containers.some(({ old }) => old !== undefined);
  return [
    { head: 'CONTAINER', cell: ({ container }) => container.name },
    { head: 'ID', cell: ({ container }) => container.id.slice(0, 12) },
    { head: 'STATE', cell: ({ container }) => container.state },
    { head: 'DRIVER', cell: ({ driver }) => driver ?? '?' },
    {
      head: 'READABLE',
      cell: readable,
      paint: ({ trouble }, text) => (trouble === undefined ? text : style.paint('red', text)),
    },
    { head: 'COLLECTED', cell: collected },
    ...(anyOld ? [{ head: 'TOO OLD FOR LOKI', cell: tooOld }] : []),
  ];
}

function collected({ selection, begin, noLog, trouble }: CheckedContainer): string {
  if (selection !== 'selected') return REASONS[selection];
  if (noLog) return 'not collected: its driver keeps no logs';
  if (trouble?.code === 'engine_not_implemented') return 'no: its driver cannot be read';
  return begin === undefined ? '' : `yes, ${begin.text}`;
}

function tooOld({ old }: CheckedContainer): string {
  if (old === undefined) return '-';
  const { lines, isExact, from, until } = old;
  const count = `${lines.toLocaleString('en-US')} ${lines === 1 ? 'line' : 'lines'}`;
  return `${isExact ? '' : 'at least '}${count}, ${formatInstant(from)} to ${formatInstant(until)}`;
}

function readable({ trouble, selection, begin }: CheckedContainer): string {
  if (trouble?.code === 'engine_not_found') return 'gone';
  if (trouble !== undefined) return 'no';
  return selection === 'selected' && begin !== undefined ? 'yes' : '-';
}

const LABEL_COLUMNS: readonly Column<CheckedContainer>[] = [
  { head: 'CONTAINER', cell: ({ container }) => container.name },
  { head: 'LABELS IN LOKI, BESIDE stream', cell: ({ labels = {} }) => formatLabels(labels) },
];

function verdict({ parts, skipped }: CheckReport, { paint }: Style): string {
  const failed = parts.filter(({ failure }) => failure !== undefined).length;
  const warned = parts.reduce((sum, { warnings }) => sum + warnings.length, 0);
  const also = warned === 0 ? '' : `, ${warned} ${warned === 1 ? 'warning' : 'warnings'}`;
  if (failed === 0) return paint('green', `Pollard can collect${also}.`);
  const untried = skipped.length === 0 ? '' : `, ${skipped.length} not tried`;
  return paint('red', `${failed} ${failed === 1 ? 'part has' : 'parts have'} failed${untried}${also}.`);
}
