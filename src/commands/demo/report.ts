import { printable } from '../../config/shown.js';
import { stampOf } from '../../loki/read/stamp-range.js';
import { formatStamp } from '../../model/nanoseconds.js';
import type { AccountLine } from './account.js';
import { count, faultsOf, openSockets, type Findings } from './verdict.js';
import { fitted } from '../view/cells.js';
import type { Paint } from '../view/paint.js';

export interface ReportNames {
  /** Who counted the lines that were written. */
  readonly written: string;
  /** Where the lines were read back from. */
  readonly inLoki: string;
  /** Of a container, by its id. */
  readonly container: (containerId: string) => string;
}

const NAME = 22;
const VALUE = 10;
const SAMPLE_COLUMNS = 100;

/** What the demo has found out, as lines of text: the account, and whether it holds. */
export function reportLines(findings: Findings, names: ReportNames, paint: Paint): string[] {
  const { lines, sockets, engineView, seconds } = findings;
  const row = (name: string, value: number | string, bad: boolean, note = ''): string => {
    const shown = String(value).padStart(VALUE);
    const painted = bad ? paint('red', shown) : shown;
    return `  ${name.padEnd(NAME)}${painted}${note === '' ? '' : `   ${paint('dim', note)}`}`;
  };
  /** Only where there is something to tell. */
  const rare = (name: string, value: number, bad: boolean, note: string): string[] =>
    value === 0 ? [] : [row(name, value, bad, note)];

  const open = openSockets(findings);
  const by = engineView === undefined ? '' : `; the Engine itself counts ${engineView.open}`;
  const requests =
    engineView === undefined ? '' : `, ${engineView.requests} requests, all of them plain reads`;
  const faults = faultsOf(findings);
  return [
    paint('bold', 'Every line that was written, against every line in Loki'),
    '',
    row('lines written', lines.written, false, names.written),
    row(
      'lines in Loki',
      lines.inLoki,
      lines.inLoki + lines.named + lines.folded !== lines.written,
      names.inLoki,
    ),
    ...rare('equal, kept as one', lines.folded, false, 'same container, stream, nanosecond and text'),
    row('named as lost', lines.named, false, namedNote(lines.named, lines.gaps)),
    row('lost', lines.lost, lines.lost > 0, 'neither in Loki nor named there'),
    row('twice', lines.twice, lines.twice > 0),
    ...rare('never written', lines.unknown, true, 'in Loki, and nobody wrote them'),
    row('rejected', lines.rejected, lines.rejected > 0, printable(lines.rejectedReason?.slice(0, 200) ?? '')),
    ...rare('not to be checked', lines.unchecked, false, 'in Loki, and gone from the Engine meanwhile'),
    ...rare('behind the last poll', lines.behind, false, 'written after the end, and not counted above'),
    row(
      'Engine sockets open',
      open,
      open > 0,
      `${sockets.opened} opened, ${sockets.opened - sockets.open} closed, at most ${sockets.peak} at once${by}`,
    ),
    row('seconds', seconds.toFixed(1), false, requests === '' ? '' : requests.slice(2)),
    '',
    ...samples('lost', lines.samples.lost, names),
    ...samples('never written', lines.samples.unknown, names),
    ...verdictLines(findings, faults, paint),
  ];
}

function namedNote(named: number, gaps: number): string {
  if (gaps === 0) return 'no gap';
  const marks = count(gaps, 'gap is', 'gaps are');
  return `${marks} marked in Loki${named > 0 ? ', with these lines in them' : ''}`;
}

function samples(what: string, lines: readonly AccountLine[], names: ReportNames): string[] {
  if (lines.length === 0) return [];
  return [
    `  ${what}, the first ones:`,
    ...lines.map(({ containerId, stream, seconds, nanos, text }) => {
      const where = `${names.container(containerId)} ${stream === 1 ? 'stdout' : 'stderr'}`;
      const line = `${where} ${formatStamp(stampOf(seconds, nanos))} ${text}`;
      return `    ${fitted(line, SAMPLE_COLUMNS)}`;
    }),
    '',
  ];
}

function verdictLines({ lines }: Findings, faults: readonly string[], paint: Paint): string[] {
  if (faults.length > 0) {
    return [paint('red', 'It does not hold:'), ...faults.map((fault) => `  - ${printable(fault)}`)];
  }
  if (lines.written === 0) {
    return [
      paint('yellow', 'Nothing was written, so nothing is proved.'),
      '  Start a container that talks, or see simulated ones: pollard demo --simulate',
    ];
  }
  const named = lines.named > 0 ? ` (${lines.named} were lost before they could be read, and are named)` : '';
  return [
    paint(
      'green',
      `It holds: all ${lines.written} lines are accounted for${named}, none is there twice, no socket is left.`,
    ),
  ];
}
