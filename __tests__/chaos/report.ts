import { formatStamp } from '../../src/model/nanoseconds.js';
import { textTable } from '../bench/text-table.js';
import { ACTIONS } from './actions/index.js';
import type { ChaosResult, Finding } from './result.js';

/** Whether nothing is unexplained, nothing is there twice, and nobody did what must not be done. */
export function holds({ lines, verify, misdeeds }: ChaosResult): boolean {
  const balance =
    lines.written - lines.inLoki - lines.folded - lines.named - lines.rejected - lines.missed - lines.outrun;
  return (
    balance === 0 &&
    lines.unexplained === 0 &&
    lines.twice === 0 &&
    misdeeds.length === 0 &&
    verify.unnamed === 0 &&
    verify.left === 0 &&
    verify.strange === 0 &&
    verify.failure === undefined
  );
}

/** What a run came to, as a table of a column for each Engine, and what does not hold. */
export function chaosReport(results: readonly ChaosResult[]): string {
  const [first] = results;
  if (first === undefined) return '';
  const row = (what: string, figure: (result: ChaosResult) => number | string): string[] => [
    what,
    ...results.map((result) => String(figure(result))),
  ];
  const reasons = [...new Set(results.flatMap(({ missed }) => [...missed.named.keys()]))].sort();
  const rows = [
    row('steps', ({ steps }) => steps),
    row('faults of the Engine that struck', ({ struck }) => struck.engine),
    row('faults of Loki that struck', ({ struck }) => struck.loki),
    row('collector: kill -9', ({ collector }) => collector.killed),
    row('collector: stopped in order', ({ collector }) => collector.stopped),
    row('collector: killed catch-ups', ({ collector }) => collector.caughtUp),
    row('containers', ({ containers }) => containers),
    row('lines written', ({ lines }) => lines.written),
    row('= in Loki', ({ lines }) => lines.inLoki),
    row('+ named as lost by a mark of a gap', ({ lines }) => lines.named),
    row('  of these by their stamps only', ({ lines }) => lines.byStampOnly),
    row('+ refused by Loki, and kept', ({ lines }) => lines.rejected),
    row('+ of containers that were missed', ({ lines }) => lines.missed),
    row('+ rotated before the first cursor, or spoilt', ({ lines }) => lines.outrun),
    row('+ equal to another', ({ lines }) => lines.folded),
    row('+ UNEXPLAINED', ({ lines }) => lines.unexplained),
    row('TWICE', ({ lines }) => lines.twice),
    row('under two names, a rename beside a crash', ({ lines }) => lines.underTwoNames),
    row('marks of gaps', ({ lines }) => lines.gaps),
    ...reasons.map((reason) =>
      row(
        `containers named as missed: ${reason.replaceAll('_', ' ')}`,
        ({ missed }) => missed.named.get(reason) ?? 0,
      ),
    ),
    row('containers that nobody could see', ({ missed }) => missed.unseen),
    row('verify: lines still in the Engine', ({ verify }) => verify.written),
    row('verify: delivered', ({ verify }) => verify.delivered),
    row('verify: missing, but named by a mark of a gap', ({ verify }) => verify.missing - verify.unnamed),
    row('verify: missing', ({ verify }) => verify.unnamed),
    row('verify: refused', ({ verify }) => verify.refused),
    row('verify: to come, of logs without damage', ({ verify }) => verify.left),
    row('verify: to come, of logs with damage', ({ verify }) => verify.pending - verify.left),
    row('verify: not judged', ({ verify }) => verify.notJudged),
    row(
      'verify: only in Loki, of logs that were rotated',
      ({ verify }) => verify.rotated + verify.unknown - verify.strange,
    ),
    row('verify: only in Loki, unexplained', ({ verify }) => verify.strange),
    row('verify: exit code', ({ verify }) => verify.exit ?? 'none'),
  ];
  const actions = ACTIONS.map(({ name, side }) =>
    row(`${side}: ${name}`, ({ actions: taken }) => taken.get(name) ?? 0),
  );
  const right = results.map((_, column) => column + 1);
  const head = results.map(({ profile }) => `Engine ${profile}`);
  return [
    `chaos, seed ${first.seed}, ${first.seconds} s`,
    '',
    textTable(['what was done', ...head], actions, right),
    '',
    textTable(['what became of it', ...head], rows, right),
    '',
    ...results.flatMap(troubles),
    results.every(holds) ? 'Everything is explained.' : 'It does NOT hold.',
    '',
  ].join('\n');
}

function troubles(result: ChaosResult): string[] {
  const { profile, findings, misdeeds, verify } = result;
  return [
    ...(verify.failure === undefined ? [] : [`Engine ${profile}: verify ended early: ${verify.failure}`]),
    ...misdeeds.map((misdeed) => `Engine ${profile}: ${misdeed}`),
    ...findings.flatMap((finding) => [`Engine ${profile}: ${shown(finding)}`, '']),
  ];
}

function shown({ id, account, around }: Finding): string {
  const { name, lost, unknown, twice, samples, marks } = account;
  const line = ({ stream, seconds, nanos, text }: (typeof samples.lost)[number]): string => {
    const stamp = formatStamp(BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
    return `${stamp} ${stream === 1 ? 'stdout' : 'stderr'} ${text.slice(0, 80)}${text.length > 80 ? `... (${text.length})` : ''}`;
  };
  return [
    `container ${name} (${id.slice(0, 12)}): ${lost} lost, ${unknown} never written, ${twice} twice`,
    ...samples.lost.map((each) => `  lost: ${line(each)}`),
    ...samples.unknown.map((each) => `  never written: ${line(each)}`),
    ...marks.map((mark) => `  its mark: ${mark}`),
    ...around.map((step) => `    ${step}`),
  ].join('\n');
}
