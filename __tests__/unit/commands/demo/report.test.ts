import { describe, expect, test } from '@jest/globals';
import { reportLines } from '../../../../src/commands/demo/report.js';
import type { Reconciliation } from '../../../../src/commands/demo/reconcile.js';
import { faultsOf, type Findings } from '../../../../src/commands/demo/verdict.js';
import { painter } from '../../../../src/commands/view/paint.js';
import { readDemoReport } from '../../../support/demo-report.js';

const GOOD: Reconciliation = {
  written: 10,
  folded: 0,
  inLoki: 10,
  named: 0,
  rejected: 0,
  rejectedReason: undefined,
  lost: 0,
  twice: 0,
  unknown: 0,
  unchecked: 0,
  behind: 0,
  gaps: 0,
  crowded: 0,
  samples: { lost: [], unknown: [] },
};
const NAMES = { written: 'by them', inLoki: 'from there', container: (id: string) => `name-of-${id}` };

function findings(lines: Partial<Reconciliation>, over: Partial<Findings> = {}): Findings {
  return {
    lines: { ...GOOD, ...lines },
    unread: [],
    sockets: { open: 0, opened: 7, peak: 2 },
    engineView: undefined,
    seconds: 20.04,
    ...over,
  };
}
const report = (found: Findings): string => reportLines(found, NAMES, painter(false, {})).join('\n');

describe('the verdict', () => {
  test('holds', () => {
    const found = findings({});
    expect(faultsOf(found)).toEqual([]);
    expect(readDemoReport(report(found))).toEqual({
      figures: {
        'lines written': 10,
        'lines in Loki': 10,
        'named as lost': 0,
        lost: 0,
        twice: 0,
        rejected: 0,
        'Engine sockets open': 0,
        seconds: 20,
      },
      verdict: 'It holds: all 10 lines are accounted for, none is there twice, no socket is left.',
    });
  });

  test.each<[string, Findings]>([
    ['1 line is lost', findings({ inLoki: 9, lost: 1 })],
    ['2 lines are lost', findings({ inLoki: 8, lost: 2 })],
    ['3 lines are in Loki twice', findings({ inLoki: 13, twice: 3 })],
    ['1 line is in Loki that nobody wrote', findings({ inLoki: 11, unknown: 1 })],
    ['1 line was refused by Loki', findings({ inLoki: 9, rejected: 1 })],
    ['do not match', findings({ inLoki: 9 })],
    ['1 socket to the Engine left open', findings({}, { sockets: { open: 1, opened: 7, peak: 2 } })],
    [
      '2 sockets to the Engine left open',
      findings({}, { engineView: { open: 2, peak: 2, requests: 3, violations: [] } }),
    ],
    [
      '1 request that no collector may send: POST /x',
      findings({}, { engineView: { open: 0, peak: 2, requests: 3, violations: ['POST /x'] } }),
    ],
    ['web was not read to its end: 500', findings({}, { unread: [{ container: 'web', reason: '500' }] })],
  ])('does not hold: %s', (words, found) => {
    expect(faultsOf(found).join()).toContain(words);
    const { verdict } = readDemoReport(report(found));
    expect(verdict).toMatch(/^It does not hold:\n {2}- /);
    expect(verdict).toContain(words);
  });

  test('lines that a gap names are accounted for, and it is said that they are lost', () => {
    const found = findings({ inLoki: 7, named: 3, gaps: 2 });
    expect(faultsOf(found)).toEqual([]);
    const text = report(found);
    expect(text).toMatch(/named as lost +3 {3}2 gaps are marked in Loki, with these lines in them/);
    expect(readDemoReport(text).verdict).toContain('(3 were lost before they could be read, and are named)');
  });

  test('equal lines that Loki keeps as one are accounted for', () => {
    const found = findings({ inLoki: 8, folded: 2 });
    expect(faultsOf(found)).toEqual([]);
    expect(readDemoReport(report(found)).figures).toMatchObject({ 'equal, kept as one': 2 });
  });

  test('nothing written proves nothing', () => {
    const found = findings({ written: 0, inLoki: 0 });
    expect(faultsOf(found)).toEqual([]);
    expect(readDemoReport(report(found)).verdict).toMatch(/^Nothing was written[^]*pollard demo --simulate$/);
  });
});

test('what is lost is shown, and does not steer the terminal', () => {
  const text = report(
    findings({
      lost: 1,
      inLoki: 9,
      rejectedReason: 'Max \u001b[2J entry',
      samples: {
        lost: [{ containerId: 'abc', stream: 2, seconds: 1_700_000_000, nanos: 5, text: '\u001b[2Jboo' }],
        unknown: [],
      },
    }),
  );
  expect(text).toContain('    name-of-abc stderr 2023-11-14T22:13:20.000000005Z \\u001b[2Jboo');
  expect(text).not.toContain('\u001b');
});

test('on a terminal good is green and bad is red; the figures stay where they are', () => {
  const paint = painter(true, {});
  const plain = report(findings({ inLoki: 9, lost: 1 }));
  const painted = reportLines(findings({ inLoki: 9, lost: 1 }), NAMES, paint).join('\n');
  expect(painted).toContain('\u001b[31mIt does not hold:');
  expect(reportLines(findings({}), NAMES, paint).join('\n')).toContain('\u001b[32mIt holds');
  // eslint-disable-next-line no-control-regex -- the colours are what is looked for
  expect(painted.replace(/\u001b\[\d+m/g, '')).toBe(plain);
  expect(reportLines(findings({}), NAMES, painter(true, { NO_COLOR: '1' })).join()).not.toContain('\u001b');
});
