import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { watchJob, type WatchedJob } from '../../../../src/commands/wiring/job-watch.js';
import { PollardError } from '../../../../src/model/errors.js';
import { recordedOutput } from '../../../support/commands/recorded-output.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { withFolder } from '../../../support/test-folder.js';

interface Watched {
  readonly code: number | undefined;
  readonly error: unknown;
  readonly stderr: string;
}

/** Watches work that takes 2.5 s. */
async function watched(textfile: string | undefined, work: (job: WatchedJob) => number): Promise<Watched> {
  const clock = new ManualClock(1_700_000_000_000_000_000n);
  const { err, stderr } = recordedOutput();
  const config = { metrics: textfile === undefined ? {} : { textfile } };
  try {
    const code = await watchJob({ config, command: 'verify', clock, err }, async (job) => {
      await clock.pass(2500);
      return work(job);
    });
    return { code, error: undefined, stderr: stderr() };
  } catch (error) {
    return { code: undefined, error, stderr: stderr() };
  }
}

const textIn = (folder: string): string => readFileSync(join(folder, 'pollard_verify.prom'), 'utf8');

describe('a watched command', () => {
  test('that ends: its exit code, its time and its figures are written', async () => {
    await withFolder('watch', async (folder) => {
      const { code, stderr } = await watched(folder, (job) => {
        job.report({ lines: { delivered: 5 }, missing: 0, gaps: 2 });
        return 6;
      });
      expect([code, stderr]).toEqual([6, '']);
      expect(textIn(folder)).toContain('pollard_job_exit_code{command="verify"} 6\n');
      expect(textIn(folder)).toContain('pollard_job_duration_seconds{command="verify"} 2.5\n');
      expect(textIn(folder)).toContain('timestamp_seconds{command="verify"} 1700000002.5\n');
      expect(textIn(folder)).toContain('pollard_job_gaps{command="verify"} 2\n');
    });
  });

  test('that throws: the exit code of its error is written, and the error is thrown on', async () => {
    await withFolder('watch', async (folder) => {
      const engine = new PollardError('engine_unreachable', 'no Engine', { exit: 'engine' });
      const first = await watched(folder, () => {
        throw engine;
      });
      expect(first.error).toBe(engine);
      expect(textIn(folder)).toContain('pollard_job_exit_code{command="verify"} 3\n');
      expect(textIn(folder)).not.toContain('pollard_job_missing_lines');

      await watched(folder, () => {
        throw new TypeError('a fault');
      });
      expect(textIn(folder)).toContain('pollard_job_exit_code{command="verify"} 1\n');
    });
  });

  test.each<[string, (job: WatchedJob) => number]>([
    ['ends with a usage error', () => 2],
    [
      'throws a usage error',
      () => {
        throw new PollardError('usage', 'no such container', { exit: 'usage' });
      },
    ],
    [
      'leaves its run out',
      (job) => {
        job.skip();
        return 0;
      },
    ],
  ])('that %s: the file stays as it is', async (_, work) => {
    await withFolder('watch', async (folder) => {
      await watched(folder, () => 0);
      const before = textIn(folder);
      await watched(folder, work);
      expect(textIn(folder)).toBe(before);
    });
  });

  test('without the setting writes nothing', async () => {
    await withFolder('watch', async (folder) => {
      expect(await watched(undefined, () => 0)).toMatchObject({ code: 0, stderr: '' });
      expect(readdirSync(folder)).toEqual([]);
    });
  });

  test('whose file cannot be written: a warning with what to do, the same exit code or error', async () => {
    await withFolder('watch', async (folder) => {
      const nowhere = join(folder, 'none');
      const { code, stderr } = await watched(nowhere, () => 7);
      expect(code).toBe(7);
      expect(stderr).toMatch(
        /^pollard: warning: .*pollard_verify\.prom: ENOENT.*\n {2}-> .*metrics\.textfile/,
      );
      const error = new PollardError('loki_unreachable', 'no Loki', { exit: 'loki' });
      expect(
        await watched(nowhere, () => {
          throw error;
        }),
      ).toMatchObject({ error, stderr });
      expect(existsSync(nowhere)).toBe(false);
    });
  });
});
