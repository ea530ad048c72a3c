import { readFileSync } from 'node:fs';
import { configMarkdown } from '../../../src/config/reference-table.js';
import { ExitCode } from '../../../src/model/exit-codes.js';
import { jobMetrics } from '../../../src/observe/job-metrics.js';

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');

test('the README has the settings as the schema has them', () => {
  const section = /<!-- settings:[^>]*-->\n+([\s\S]*?)\n+<!-- \/settings -->/.exec(readme)?.[1];
  expect(section?.trim()).toBe(configMarkdown().trim());
});

test.each([
  ['names each exit code', /### Exit codes\n\n([\s\S]*?)\n\n/],
  ['says of each what a cron wrapper does', /### Exit codes for cron wrappers\n\n.*\n\n([\s\S]*?)\n\n/],
])('the README %s', (_, section) => {
  const table = section.exec(readme)![1]!;
  const codes = [...table.matchAll(/^\| (\d+) +\|/gm)].map((match) => Number(match[1]));
  expect(new Set(codes)).toEqual(new Set<number>(Object.values(ExitCode)));
});

test('the README has the metrics of one-shot commands, and no other', async () => {
  const run = { command: 'verify', exitCode: 0, endedAt: 0n, seconds: 0 };
  const text = await jobMetrics({ ...run, figures: { lines: { delivered: 1 }, missing: 0, gaps: 0 } }, 0);
  const written = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(written).toEqual([...readme.matchAll(/^\| `(pollard_job_\w+)`/gm)].map(([, name]) => name));
});

test('the two commands that do all the set-up stand at the top', () => {
  expect(readme.slice(0, 1000)).toMatch(/^make demo SECONDS=20\b.*\nmake test\b/m);
});
