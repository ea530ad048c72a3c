// Runs the test suites one after the other, each in a jest of its own, the later ones also when an earlier one
// failed. The last line of its output is `N passed, N failed` over all of them, and nothing else.
//
//   node .ci/run-suites.mjs [suite ...]      default: unit integration e2e
//
// The exit code is 1 if anything failed. A suite without tests, a test file that does not load and a jest that
// ends badly after its last test count as failed: an empty run must not look like a good one.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Real Engines share the machine's network, cgroups and data roots: those tests run one file at a time. */
const oneFileAtATime = new Set(['e2e']);

function run(suite, reportFile) {
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const options = ['-c', '.jestrc.mjs', '--ci', '--json', `--outputFile=${reportFile}`];
  if (oneFileAtATime.has(suite)) options.push('--runInBand');
  const { status, signal, error } = spawnSync(
    process.execPath,
    ['--experimental-vm-modules', '--no-warnings', jest, ...options, `__tests__/${suite}/`],
    // The report goes to its file; jest's own words are on stderr.
    { cwd: root, stdio: ['inherit', 'ignore', 'inherit'] },
  );
  if (error) throw error;
  return { suite, ended: signal ?? `exit code ${status}`, good: status === 0, ...counts(reportFile) };
}

function counts(reportFile) {
  let report;
  try {
    report = JSON.parse(readFileSync(reportFile, 'utf8'));
  } catch {
    return { passed: 0, failed: 0, skipped: 0, names: [] };
  }
  return {
    names: namesOfFailed(report),
    passed: report.numPassedTests,
    // A file that does not load has no tests to count; it is one failure.
    failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
    skipped: report.numPendingTests,
  };
}

function namesOfFailed({ testResults }) {
  return testResults.flatMap(({ name, assertionResults, status }) => {
    const failed = assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0 && status === 'failed') return [`${relative(root, name)}: does not load`];
    return failed.map(({ fullName }) => `${relative(root, name)}: ${fullName}`);
  });
}

const suites = process.argv.length > 2 ? process.argv.slice(2) : ['unit', 'integration', 'e2e'];
// Emptied first: a report of an earlier run must not speak for a jest that died before it could write its own.
const reports = join(root, 'node_modules/.cache/pollard/reports');
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });

const results = suites.map((suite) => {
  process.stderr.write(`\n== ${suite}\n`);
  const result = run(suite, join(reports, `${suite.replaceAll('/', '-')}.json`));
  return !result.good && result.failed === 0 ? { ...result, failed: 1 } : result;
});

const sum = (key) => results.reduce((total, result) => total + result[key], 0);
const lines = results.map(
  ({ suite, passed, failed, skipped, ended }) =>
    `${suite}: ${passed} passed, ${failed} failed, ${skipped} skipped (${ended})`,
);
// Once more at the end: whoever keeps only the end of a long output can still tell which.
for (const { names } of results) for (const name of names) process.stdout.write(`failed: ${name}\n`);
process.stdout.write(`\n${lines.join('\n')}\n${sum('passed')} passed, ${sum('failed')} failed\n`);
process.exitCode = sum('failed') === 0 ? 0 : 1;
