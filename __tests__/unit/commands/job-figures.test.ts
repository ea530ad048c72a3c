import { describe, expect, test } from '@jest/globals';
import { noCounts } from '../../../src/audit/report.js';
import type { ContainerResult } from '../../../src/backfill/progress.js';
import { backfillFigures, catchUpFigures, verifyFigures } from '../../../src/commands/job-figures.js';

const sum = (lines: Readonly<Record<string, number>>): number =>
  Object.values(lines).reduce((all, each) => all + each, 0);

describe('the figures of a run', () => {
  test('catch-up: delivered, rejected and gaps; what is missing it does not know', () => {
    const summary = {
      containers: 2,
      lines: 42,
      bytes: 1000,
      duplicatesDropped: 7,
      gaps: 1,
      possibleGaps: 0,
      rejected: 3,
      failed: [],
      unreadable: [],
      noLog: [],
    };
    expect(catchUpFigures(summary)).toEqual({ lines: { delivered: 42, rejected: 3 }, gaps: 1 });
  });

  test('verify: the outcomes add up to the lines of the Engine', () => {
    const totals = {
      ...noCounts(),
      lines: 100,
      folded: 1,
      delivered: 80,
      inPieces: 5,
      renamed: 4,
      relabelled: 3,
      repaired: 10,
      missing: 2,
      refused: 3,
      pending: 4,
      crowded: 5,
      expired: 2,
      changed: 3,
      rotated: 50,
      unknown: 6,
      gapMarkers: 7,
    };
    const range = { from: 0n, until: 1n };
    const report = { range, containers: [], skipped: 0, totals, withheld: 0, failure: undefined, notes: [] };
    const figures = verifyFigures(report);
    expect(figures).toMatchObject({
      lines: { delivered: 70, repaired: 10, missing: 2 },
      missing: 2,
      gaps: 7,
    });
    expect(sum(figures.lines)).toBe(100);
    const early = { ...report, failure: new Error('Loki is away') };
    expect(verifyFigures(early)).toMatchObject({ missing: 2 });
    // Nobody knows of the lines that were not looked at.
    expect(verifyFigures({ ...early, totals: { ...totals, missing: 0 } })).not.toHaveProperty('missing');
  });

  test('backfill: the outcomes of all containers add up, and logs that begin too late are gaps', () => {
    const container = (more: Partial<ContainerResult>): ContainerResult => ({
      id: 'a',
      name: 'a',
      status: 'read',
      gap: false,
      lines: 50,
      alreadyThere: 10,
      sent: 20,
      sentUnderLabel: 5,
      refused: { 'too-old': 3, other: 2 },
      missing: 4,
      pending: 6,
      otherLabels: 1,
      notJudged: 5,
      ...more,
    });
    const containers = [
      container({}),
      container({ gap: true }),
      container({ gap: true, missing: 0, sent: 24 }),
    ];
    const figures = backfillFigures({ containers, unfinished: [], failure: undefined });
    expect(figures).toEqual({
      lines: { already_there: 30, sent: 64, refused: 15, missing: 8, pending: 18, not_judged: 15 },
      missing: 8,
      gaps: 2,
    });
    expect(sum(figures.lines)).toBe(150);
    const early = { containers: [], unfinished: [], failure: new Error('Loki is away') };
    expect(backfillFigures(early)).not.toHaveProperty('missing');
  });
});
