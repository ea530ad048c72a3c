import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobRun } from '../../../src/observe/job-metrics.js';
import { JobTextfile } from '../../../src/observe/job-textfile.js';
import { withFolder } from '../../support/test-folder.js';

const MS = 1_000_000n;
const at = (seconds: number): bigint => BigInt(seconds) * 1000n * MS;
const run = (exitCode: number, endedAt: bigint): JobRun => ({
  command: 'catch-up',
  exitCode,
  endedAt,
  seconds: 1,
  figures: { lines: { delivered: 3 }, gaps: 0 },
});

const lastSuccess = (path: string): string | undefined =>
  /^pollard_job_last_success_timestamp_seconds\{command="catch-up"\} (\S+)$/m.exec(
    readFileSync(path, 'utf8'),
  )?.[1];

describe('the file of a command', () => {
  test('can be read by all whatever the umask, and is the only one that is left', async () => {
    await withFolder('textfile', async (folder) => {
      const before = process.umask(0o077);
      try {
        await new JobTextfile(folder, 'catch-up').write(run(0, at(1000)));
      } finally {
        process.umask(before);
      }
      expect(readdirSync(folder)).toEqual(['pollard_catch-up.prom']);
      expect(statSync(join(folder, 'pollard_catch-up.prom')).mode & 0o777).toBe(0o644);
    });
  });

  test('the time of the last success outlives failures', async () => {
    await withFolder('textfile', async (folder) => {
      const file = new JobTextfile(folder, 'catch-up');
      await file.write(run(3, at(1000)));
      expect(lastSuccess(file.path)).toBe('0');
      await file.write(run(0, at(2000)));
      await file.write(run(3, at(3000)));
      await file.write(run(4, at(4000)));
      expect(lastSuccess(file.path)).toBe('2000');
      expect(readFileSync(file.path, 'utf8')).toContain(
        'pollard_job_last_run_timestamp_seconds{command="catch-up"} 4000\n',
      );
    });
  });

  test.each<[string, (path: string) => void]>([
    ['of NUL bytes', (path) => writeFileSync(path, Buffer.alloc(300))],
    ['of bytes that are no text', (path) => writeFileSync(path, Buffer.alloc(300_000, 0xff))],
    ['that is a pipe', (path) => void execFileSync('mkfifo', [path])],
    ['that is a link to nowhere', (path) => symlinkSync(`${path}.gone`, path)],
  ])('an old file %s is replaced', async (_, spoil) => {
    await withFolder('textfile', async (folder) => {
      const file = new JobTextfile(folder, 'catch-up');
      spoil(file.path);
      await file.write(run(3, at(1000)));
      expect(lastSuccess(file.path)).toBe('0');
      expect(readdirSync(folder)).toEqual(['pollard_catch-up.prom']);
      expect(statSync(file.path).isFile()).toBe(true);
    });
  });

  test('whoever reads it meanwhile finds a whole file', async () => {
    await withFolder('textfile', async (folder) => {
      const file = new JobTextfile(folder, 'catch-up');
      await file.write(run(0, at(1)));
      const whole = readFileSync(file.path, 'utf8').length;
      const done = new AbortController();
      const writing = (async () => {
        for (let i = 0; i < 30; i++) await file.write(run(0, at(1)));
        done.abort();
      })();
      let looks = 0;
      while (!done.signal.aborted) {
        for (const name of readdirSync(folder).filter((each) => each.endsWith('.prom'))) {
          expect(readFileSync(join(folder, name), 'utf8')).toHaveLength(whole);
          looks++;
        }
        await new Promise(setImmediate);
      }
      await writing;
      expect(looks).toBeGreaterThan(0);
    });
  });

  test('a directory that is not there: an error that names file and setting', async () => {
    await withFolder('textfile', async (folder) => {
      const file = new JobTextfile(join(folder, 'none'), 'catch-up');
      await expect(file.write(run(0, at(1)))).rejects.toMatchObject({
        code: 'job_textfile_unwritable',
        setting: 'metrics.textfile',
        message: expect.stringMatching(/pollard_catch-up\.prom: ENOENT/),
      });
    });
  });

  test('a directory in its place: an error, and nothing is left beside it', async () => {
    await withFolder('textfile', async (folder) => {
      const file = new JobTextfile(folder, 'catch-up');
      mkdirSync(file.path);
      await expect(file.write(run(0, at(1)))).rejects.toMatchObject({ code: 'job_textfile_unwritable' });
      expect(readdirSync(folder)).toEqual(['pollard_catch-up.prom']);
    });
  });
});
