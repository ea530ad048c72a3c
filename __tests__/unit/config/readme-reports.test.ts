import { readdirSync, readFileSync } from 'node:fs';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const FOLDER = '__tests__/integration/peers';

/** A report as GitHub names it: owner, repository and number. */
const REPORT = /\b[\w-]+\/[\w.-]+#\d+/g;

/** The rows of the README's table, from the second column of dashes on. */
function rows(): string[][] {
  const section = /## Reports of others, and what Pollard does instead\n([\s\S]*?)\n## /.exec(
    read('README.md'),
  );
  const lines = section?.[1]?.split('\n').filter((line) => line.startsWith('|')) ?? [];
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The text of each file of tests, comments left out. */
function sourcesOfTests(): Map<string, string> {
  const files = readdirSync(new URL(`../../../${FOLDER}`, import.meta.url)).filter((name) =>
    name.endsWith('.test.ts'),
  );
  return new Map(
    files.map((file) => [
      file.replace('.test.ts', ''),
      // Comments are no names.
      read(`${FOLDER}/${file}`).replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, ''),
    ]),
  );
}

const inTable = rows().flatMap(([report = '', , , tests = '']) =>
  [...report.matchAll(REPORT)].map(([name]) => [name, tests] as const),
);

test('the table is there, and each of its rows names a file of tests', () => {
  expect(inTable.length).toBeGreaterThan(30);
  const files = sourcesOfTests();
  for (const [report, , , tests = ''] of rows()) {
    expect([report, files.has(tests.replaceAll('`', ''))]).toEqual([report, true]);
  }
});

test('no report stands there twice, and none without its repository', () => {
  expect(inTable.map(([report]) => report)).toEqual([...new Set(inTable.map(([report]) => report))]);
  for (const [report = ''] of rows()) expect(report.replaceAll(REPORT, '')).not.toContain('#');
});

test('each report of the table is in the name of a test, in the file that its row names', () => {
  const files = sourcesOfTests();
  for (const [report, tests] of inTable) {
    const reports = [...(files.get(tests.replaceAll('`', '')) ?? '').matchAll(REPORT)].map(([name]) => name);
    expect({ report, tests, isNamed: reports.includes(report) }).toEqual({ report, tests, isNamed: true });
  }
});

test('each report in the name of a test is in the table', () => {
  const listed = new Set(inTable.map(([report]) => report));
  for (const [file, text] of sourcesOfTests()) {
    for (const [report] of text.matchAll(REPORT)) {
      expect({ file, report, isListed: listed.has(report) }).toEqual({ file, report, isListed: true });
    }
  }
});

test('each file of tests has a row', () => {
  const named = new Set(rows().map(([, , , tests = '']) => tests.replaceAll('`', '')));
  expect([...sourcesOfTests().keys()].filter((file) => !named.has(file))).toEqual([]);
});
