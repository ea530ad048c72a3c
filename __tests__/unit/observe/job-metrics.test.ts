import { describe, expect, test } from '@jest/globals';
import { jobMetrics, lastSuccessIn, type JobRun } from '../../../src/observe/job-metrics.js';

const ENDED = 1_700_000_123_456_789_000n;
const run = (more: Partial<JobRun> = {}): JobRun => ({
  command: 'verify',
  exitCode: 7,
  endedAt: ENDED,
  seconds: 12.34567,
  figures: { lines: { delivered: 40, missing: 2 }, missing: 2, gaps: 1 },
  ...more,
});

/** Without explanations. */
const samples = (text: string): string[] => text.split('\n').filter((line) => /^[^#]/.test(line));

describe('the metrics of a run', () => {
  test('are gauges with a help text, all with the command', async () => {
    const text = await jobMetrics(run(), 1_699_999_000.5);
    expect(samples(text)).toEqual([
      'pollard_job_last_run_timestamp_seconds{command="verify"} 1700000123.456',
      'pollard_job_last_success_timestamp_seconds{command="verify"} 1699999000.5',
      'pollard_job_duration_seconds{command="verify"} 12.346',
      'pollard_job_exit_code{command="verify"} 7',
      'pollard_job_lines{command="verify",outcome="delivered"} 40',
      'pollard_job_lines{command="verify",outcome="missing"} 2',
      'pollard_job_missing_lines{command="verify"} 2',
      'pollard_job_gaps{command="verify"} 1',
    ]);
    const names = [...text.matchAll(/^# HELP (\S+) .+\n# TYPE (\S+) gauge$/gm)].map(([, name]) => name);
    expect(new Set(names)).toEqual(new Set(samples(text).map((line) => line.replace(/\{.*/, ''))));
    expect(text.endsWith('\n')).toBe(true);
  });

  test('a success is its own last success', async () => {
    const text = await jobMetrics(run({ exitCode: 0 }), 5);
    expect(text).toContain('pollard_job_last_success_timestamp_seconds{command="verify"} 1700000123.456\n');
  });

  test('what is not known is left out, and is not 0', async () => {
    const early = await jobMetrics(run({ exitCode: 3, figures: undefined }), 0);
    expect(early).not.toMatch(/pollard_job_(?:lines|missing_lines|gaps)/);
    const uncompared = await jobMetrics(run({ figures: { lines: { delivered: 1 }, gaps: 0 } }), 0);
    expect(uncompared).not.toContain('pollard_job_missing_lines');
    expect(uncompared).toContain('pollard_job_gaps{command="verify"} 0\n');
  });

  test('the help texts are the same for all commands: node_exporter merges their files by name', async () => {
    const helpOf = async (command: string): Promise<string[]> =>
      (await jobMetrics(run({ command }), 0)).split('\n').filter((line) => line.startsWith('#'));
    expect(await helpOf('catch-up')).toEqual(await helpOf('backfill'));
  });
});

describe('the last success in an old file', () => {
  test('is that of the run before, also if that run failed', async () => {
    const success = await jobMetrics(run({ exitCode: 0 }), 0);
    const failure = await jobMetrics(run(), lastSuccessIn(success, 'verify', ENDED));
    expect(lastSuccessIn(failure, 'verify', ENDED)).toBe(1_700_000_123.456);
  });

  test.each([
    ['is empty', ''],
    ['is full of NUL bytes', '\0'.repeat(500)],
    ['was never a success', 'pollard_job_last_success_timestamp_seconds{command="verify"} 0\n'],
    ['has no number', 'pollard_job_last_success_timestamp_seconds{command="verify"} soon\n'],
    ['has several points', 'pollard_job_last_success_timestamp_seconds{command="verify"} 1.7.0\n'],
    ['has an infinite one', 'pollard_job_last_success_timestamp_seconds{command="verify"} +Inf\n'],
    ['is cut off', 'pollard_job_last_success_timestamp_seconds{command="ver'],
    ['is of another command', 'pollard_job_last_success_timestamp_seconds{command="backfill"} 1699999000\n'],
    ['is in the future', 'pollard_job_last_success_timestamp_seconds{command="verify"} 1700000124\n'],
  ])('is 0 when it %s', (_, text) => {
    expect(lastSuccessIn(text, 'verify', ENDED)).toBe(0);
  });
});
