import { describe, expect, test } from '@jest/globals';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { bowingToPermissions, withSite, type Site } from '../../support/commands/site.js';

const SETTINGS = { start: 'beginning', 'loki.backoff.max_retries': '1' };

type Samples = Readonly<Record<string, number>>;

/** Runs with a site that writes the results of its commands to a directory. */
async function withTextfiles(use: (site: Site, directory: string) => Promise<void>): Promise<void> {
  await withSite({ settings: SETTINGS }, async (site) => {
    const directory = site.path('textfiles');
    mkdirSync(directory);
    await use(site, directory);
  });
}

/** The samples in the file of a command, each by its name without `pollard_job_` and its outcome. */
function samplesOf(directory: string, command: string): Samples {
  const text = readFileSync(`${directory}/pollard_${command}.prom`, 'utf8');
  const sample = /^pollard_job_(\w+)\{command="([\w-]+)"(?:,outcome="(\w+)")?\} (\S+)$/gm;
  const found = [...text.matchAll(sample)];
  expect(new Set(found.map(([, , of]) => of))).toEqual(new Set([command]));
  return Object.fromEntries(
    found.map(([, name, , outcome, value]) => [
      outcome === undefined ? name! : `${name!} ${outcome}`,
      Number(value),
    ]),
  );
}

/** Ten minutes ago: the newest lines may be under way, and are not missing. */
function writeLines(site: Site, name: string, lines: number): void {
  const container = site.engine.addContainer({ name });
  const from = BigInt(Date.now() - 600_000) * 1_000_000n;
  for (let i = 0; i < lines; i++) container.writeLine('stdout', `${name} ${i}`, from + BigInt(i));
}

const now = (): number => Date.now() / 1000;

describe('pollard catch-up with metrics.textfile', () => {
  test('writes a success, keeps its time when the Engine is away after that', async () => {
    await withTextfiles(async (site, directory) => {
      const textfile = { 'metrics.textfile': directory };
      writeLines(site, 'web', 30);
      const before = now();
      const first = await site.pollard(['catch-up'], textfile);
      expect(first.code).toBe(0);
      expect(first.stderr).not.toContain('metrics.textfile');
      expect(readdirSync(directory)).toEqual(['pollard_catch-up.prom']);
      expect(statSync(`${directory}/pollard_catch-up.prom`).mode & 0o777).toBe(0o644);
      const success = samplesOf(directory, 'catch-up');
      expect(success).toMatchObject({ exit_code: 0, 'lines delivered': 30, 'lines rejected': 0, gaps: 0 });
      expect(success['last_run_timestamp_seconds']).toBeGreaterThanOrEqual(Math.floor(before));
      expect(success['last_success_timestamp_seconds']).toBe(success['last_run_timestamp_seconds']);
      expect(success).not.toHaveProperty('missing_lines');

      const away = { ...textfile, 'docker.host': 'unix:///nowhere/docker.sock' };
      expect((await site.pollard(['catch-up'], away)).code).toBe(3);
      const failure = samplesOf(directory, 'catch-up');
      expect(failure).toEqual({
        exit_code: 3,
        duration_seconds: expect.any(Number),
        last_run_timestamp_seconds: expect.any(Number),
        last_success_timestamp_seconds: success['last_success_timestamp_seconds'],
      });
    });
  });

  test('given up after --max-duration: its result is written', async () => {
    await withTextfiles(async (site, directory) => {
      writeLines(site, 'web', 3);
      site.engine.fault({ endpoint: 'list' }, { kind: 'hang_before_header' });
      const words = ['catch-up', '--max-duration', '1s'];
      expect((await site.pollard(words, { 'metrics.textfile': directory })).code).toBe(6);
      expect(samplesOf(directory, 'catch-up')).toMatchObject({
        exit_code: 6,
        last_success_timestamp_seconds: 0,
      });
    });
  });

  test('skipped, as a service owns the cursors: nothing is written; without the flag it failed', async () => {
    await withTextfiles(async (site, directory) => {
      const service = await site.run();
      const textfile = { 'metrics.textfile': directory };
      expect((await site.pollard(['catch-up', '--skip-if-locked'], textfile)).code).toBe(0);
      expect(readdirSync(directory)).toEqual([]);
      expect((await site.pollard(['catch-up'], textfile)).code).toBe(5);
      expect(samplesOf(directory, 'catch-up')).toMatchObject({ exit_code: 5 });
      await service.stop();
    });
  });

  test('a directory that may not be written to: a warning, and the work and its exit code stay', async () => {
    await withTextfiles(async (site, directory) => {
      writeLines(site, 'web', 3);
      chmodSync(directory, 0o555);
      const program = site.launch(
        ['catch-up'],
        { 'metrics.textfile': directory },
        { before: bowingToPermissions() },
      );
      expect(await program.ended).toEqual({ code: 0, signal: null });
      expect(program.stderr).toMatch(
        /^pollard: warning: .*\/pollard_catch-up\.prom: EACCES.*\n {2}-> .*metrics\.textfile/m,
      );
      expect(site.loki.entries()).toHaveLength(3);
      expect(readdirSync(directory)).toEqual([]);
    });
  });
});

describe('pollard verify with metrics.textfile', () => {
  test('writes what is missing, what was repaired, and beside the file of another command', async () => {
    await withTextfiles(async (site, directory) => {
      const textfile = { 'metrics.textfile': directory };
      writeLines(site, 'web', 20);
      expect((await site.pollard(['verify'], textfile)).code).toBe(7);
      expect(samplesOf(directory, 'verify')).toMatchObject({
        exit_code: 7,
        missing_lines: 20,
        'lines missing': 20,
        'lines delivered': 0,
        last_success_timestamp_seconds: 0,
      });
      expect((await site.pollard(['verify', '--repair'], textfile)).code).toBe(0);
      expect(samplesOf(directory, 'verify')).toMatchObject({
        exit_code: 0,
        missing_lines: 0,
        'lines repaired': 20,
        'lines delivered': 0,
      });
      expect((await site.pollard(['catch-up'], textfile)).code).toBe(0);
      expect(readdirSync(directory).sort()).toEqual(['pollard_catch-up.prom', 'pollard_verify.prom']);
    });
  });

  test('interrupted: its result is written', async () => {
    await withTextfiles(async (site, directory) => {
      writeLines(site, 'web', 3);
      site.engine.fault({ endpoint: 'list' }, { kind: 'hang_before_header' });
      const program = site.launch(['verify'], { 'metrics.textfile': directory });
      await site.untilStruck();
      program.signal('SIGTERM');
      expect((await program.ended).code).toBe(130);
      expect(samplesOf(directory, 'verify')).toMatchObject({ exit_code: 130 });
    });
  });

  test('bad flags, and a container that there is not: nothing is written', async () => {
    await withTextfiles(async (site, directory) => {
      writeLines(site, 'web', 3);
      for (const words of [
        ['verify', '--since', 'whenever'],
        ['verify', '--samples', 'many'],
        ['verify', '--container', 'nobody'],
        ['catch-up', '--max-duration', 'long'],
        ['backfill', '--since', '1h', '--container', 'nobody'],
      ]) {
        const { code } = await site.pollard(words, { 'metrics.textfile': directory });
        expect([words, code]).toEqual([words, 2]);
      }
      expect(readdirSync(directory)).toEqual([]);
    });
  });
});

describe('pollard backfill with metrics.textfile', () => {
  test('writes what it sent and what was there, but nothing for a dry run', async () => {
    await withTextfiles(async (site, directory) => {
      const textfile = { 'metrics.textfile': directory };
      writeLines(site, 'web', 20);
      const backfill = ['backfill', '--since', '1h'];
      expect((await site.pollard([...backfill, '--dry-run'], textfile)).code).toBe(7);
      expect(readdirSync(directory)).toEqual([]);
      expect((await site.pollard(backfill, textfile)).code).toBe(0);
      expect(samplesOf(directory, 'backfill')).toMatchObject({
        exit_code: 0,
        'lines sent': 20,
        'lines already_there': 0,
        'lines refused': 0,
        missing_lines: 0,
        gaps: 0,
      });
      expect((await site.pollard(backfill, textfile)).code).toBe(0);
      expect(samplesOf(directory, 'backfill')).toMatchObject({ 'lines sent': 0, 'lines already_there': 20 });
    });
  });

  test('without Loki: the exit code, and not that nothing is missing', async () => {
    await withTextfiles(async (site, directory) => {
      writeLines(site, 'web', 20);
      site.loki.outage({ status: 503 });
      const words = ['backfill', '--since', '1h', '--patience', '1s'];
      expect((await site.pollard(words, { 'metrics.textfile': directory })).code).toBe(4);
      const samples = samplesOf(directory, 'backfill');
      expect(samples).toMatchObject({ exit_code: 4, 'lines sent': 0 });
      expect(samples).not.toHaveProperty('missing_lines');
    });
  });
});
