import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { chaosReport, holds } from '../../chaos/report.js';
import { runChaos } from '../../chaos/run.js';

jest.setTimeout(300_000);

/** So many steps are always the same, however fast they go: some 15 s. `make chaos` goes on for as long as one likes. */
const STEPS = 220;

/** Seeds by which the collector is killed in that time. */
test.each([
  { profile: '20.10', seed: 25 },
  { profile: '28.5', seed: 26 },
] as const)(
  'all that goes wrong in a while is accounted for: Engine $profile, seed $seed',
  async (options) => {
    const folder = mkdtempSync(join(tmpdir(), 'pollard-chaos-'));
    try {
      const limits = { seconds: Infinity, steps: STEPS };
      const result = await runChaos({ ...options, ...limits, folder, say: () => undefined });
      const { lines, collector, struck } = result;
      // Under a report that says what does not hold.
      expect([holds(result), chaosReport([result])]).toEqual([true, expect.stringContaining('is explained')]);
      expect(lines.inLoki).toBeGreaterThan(0);
      expect(collector.killed).toBeGreaterThan(0);
      expect(struck.engine + struck.loki).toBeGreaterThan(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
