import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pLimit from 'p-limit';
import type { EngineProfileName } from '../../../src/simulators/engine/index.js';
import type { ContainerAccount, Settings } from '../collecting/index.js';
import type { Fault } from './fault.js';
import { runFault, type FaultRun } from './run-fault.js';
import { CONTAINER_KINDS, type ContainerKind } from './talkers.js';

/** Both meanings of `since`: the one drops older lines behind newer ones, the other does not. */
export const MATRIX_PROFILES: readonly EngineProfileName[] = ['20.10', '28.5'];

/** They wait most of the time. */
const AT_A_TIME = 6;
const PATIENCE_MS = 600_000;

/** What an account of lines must come to: 0 unexplained, 0 twice. */
const RECONCILED = { unexplained: 0, lost: [], twice: 0, unknown: [], underTwoNames: 0 };

/**
 * Tests each fault crossed with each type of container, on both generations of `since`. Each cell is a test of its
 * own: all lines that its container wrote are in Loki, or named as lost, and none is there twice.
 *
 * @param settings beside those of each fault
 */
export function testMatrix(side: string, faults: readonly Fault[], settings: Settings = {}): void {
  const limit = pLimit(AT_A_TIME);
  const runs = new Map<string, Promise<FaultRun>>();
  const totals = { cells: 0, written: 0, inLoki: 0, named: 0, rejected: 0, missed: 0 };
  const keyOf = (fault: Fault, profile: EngineProfileName): string => `${profile} ${fault.name}`;
  const all = MATRIX_PROFILES.flatMap((profile) => faults.map((fault) => ({ profile, fault })));
  /** Begins the ones behind it as well, so that they can wait together. */
  const runOf = async (fault: Fault, profile: EngineProfileName): Promise<FaultRun> => {
    const at = all.findIndex((each) => each.fault === fault && each.profile === profile);
    for (const each of all.slice(at, at + AT_A_TIME)) {
      const key = keyOf(each.fault, each.profile);
      if (runs.has(key)) continue;
      const running = limit(() => runFault(each.fault, each.profile, settings));
      // Told by the test that wants it.
      running.catch(() => undefined);
      runs.set(key, running);
    }
    return (await runs.get(keyOf(fault, profile))) as FaultRun;
  };

  describe.each([...MATRIX_PROFILES])('Engine %s', (profile) => {
    describe.each(faults.map((fault) => [fault.name, fault] as const))('%s', (_name, fault) => {
      let run: FaultRun;
      beforeAll(async () => {
        run = await runOf(fault, profile);
      }, PATIENCE_MS);

      test.each([...CONTAINER_KINDS])('%s', (kind) => {
        const accounts = run.cells.get(kind) ?? [];
        expect(accounts.map(judged)).toEqual(accounts.map(() => RECONCILED));
        const sum = (figure: 'written' | 'inLoki' | 'named' | 'rejected' | 'gaps'): number =>
          accounts.reduce((total, account) => total + account[figure], 0);
        expect(sum('inLoki')).toBeGreaterThan(0);
        if (fault.harm !== 'refuses') expect(sum('rejected')).toBe(0);
        if (fault.harm !== 'destroys' && kind !== 'rotating') {
          expect(sum('named')).toBe(0);
          expect(accounts.flatMap((account) => account.marks)).toEqual([]);
        }
        totals.cells++;
        totals.written += sum('written');
        totals.inLoki += sum('inLoki');
        totals.named += sum('named');
        totals.rejected += sum('rejected');
        totals.missed += accounts.filter(({ lacking }) => lacking).length;
      });

      test('no socket is left, nothing was asked that may not be asked, and no line is of nobody', () => {
        expect(run.sockets).toEqual({ collector: 0, engine: 0 });
        expect(run.violations).toEqual([]);
        expect(run.strangers).toEqual([]);
      });
    });
  });

  afterAll(() => {
    const { cells, written, inLoki, named, rejected, missed } = totals;
    const size = `${faults.length} faults x ${CONTAINER_KINDS.length} containers x ${MATRIX_PROFILES.length} Engines`;
    process.stderr.write(
      `fault matrix, ${side}: ${size}: ${cells} cells reconciled; ${written} lines written = ${inLoki} in Loki + ` +
        `${named} named as lost + ${rejected} refused and kept; ${missed} containers named as missed\n`,
    );
  });
}

function judged(account: ContainerAccount): {
  readonly unexplained: number;
  readonly lost: readonly string[];
  readonly twice: number;
  readonly unknown: readonly string[];
  readonly underTwoNames: number;
} {
  const { written, folded, inLoki, named, rejected, twice, samples, underTwoNames } = account;
  return {
    unexplained: written - folded - inLoki - named - rejected,
    lost: samples.lost.map(({ text }) => text.slice(0, 80)),
    twice,
    underTwoNames,
    unknown: samples.unknown.map(({ text }) => text.slice(0, 80)),
  };
}

export type { ContainerKind };
