import { readFileSync } from 'node:fs';
import { configMarkdown } from '../../../src/config/reference-table.js';
import { ExitCode } from '../../../src/model/exit-codes.js';

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');

test('the README has the settings as the schema has them', () => {
  const section = /<!-- settings:[^>]*-->\n+([\s\S]*?)\n+<!-- \/settings -->/.exec(readme)?.[1];
  expect(section?.trim()).toBe(configMarkdown().trim());
});

test('the README names each exit code', () => {
  const table = /### Exit codes\n\n([\s\S]*?)\n\n/.exec(readme)![1]!;
  const codes = [...table.matchAll(/^\| (\d+) +\|/gm)].map((match) => Number(match[1]));
  expect(new Set(codes)).toEqual(new Set<number>(Object.values(ExitCode)));
});

test('the two commands that do all the set-up stand at the top', () => {
  expect(readme.slice(0, 1000)).toMatch(/^make demo SECONDS=20\b.*\nmake test\b/m);
});
