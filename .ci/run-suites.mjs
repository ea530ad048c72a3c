// Runs the checks and the test suites side by side and prints one verdict.
//
//   node .ci/run-suites.mjs [--all]
//
// Without --all, as `make test` calls it: lint, types, unit and integration tests, and the end-to-end tests on each
// real Engine. With --all, as `make test-all` calls it: also the facts about the Engines, the whole fault matrix, and
// longer property runs.
//
// Each line of output starts with the name of its lane. The last line is `N passed, N failed` over all lanes. The exit
// code is 1 if anything failed. A suite without tests, a test file that does not load, and a jest that fails after its
// last test count as failed, so that an empty run cannot look like a good one.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const reports = join(root, 'node_modules/.cache/pollard/reports');
const all = process.argv.includes('--all');

/** Most tests wait for sockets and timers, so more of them run at once than there are processors. */
const workers = process.env.POLLARD_TEST_WORKERS ?? String(2 * availableParallelism());

/** As in __tests__/support/engines/versions.ts. */
const engineVersions = ['distribution', 'trixie', 'sid'];

const environment = { ...process.env, ...(all ? { POLLARD_TEST_ALL: '1' } : {}) };

const lanes = [
  // One Engine a lane. Its files run one after the other, since they share the Engine and its containers.
  ...engineVersions.map(engineLane),
  jestLane('tests', {
    folders: ['__tests__/unit/', '__tests__/integration/'],
    options: [`--maxWorkers=${workers}`],
  }),
  makeLane('lint'),
  makeLane('typecheck'),
];

// Emptied first: a report of an earlier run must not stand in for a jest that died before it wrote its own.
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });

// One journal for the tests of all Engines; see serve-journal.ts.
const journal = process.env.POLLARD_E2E === 'off' ? undefined : await serve('journal', 'serve-journal.ts');
const results = await Promise.all(lanes.map((lane) => lane()));
await journal?.stop();
const suites = bySuite(results);
const sum = (key) => suites.reduce((total, suite) => total + suite[key], 0);

writeFileSync(join(reports, 'times.txt'), times(results));
for (const { failures } of results) for (const failure of failures) console.log(`failed: ${failure}`);
console.log();
for (const { name, passed, failed, skipped } of suites) {
  console.log(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
}
console.log(`seconds for each test file: ${relative(root, join(reports, 'times.txt'))}`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') === 0 ? 0 : 1;

/** A target of the Makefile that passes or fails as a whole. */
function makeLane(target) {
  return async () => {
    const { ended, seconds } = await run(target, 'make', [target], {});
    const good = ended === 'exit code 0';
    return {
      lane: target,
      seconds,
      failures: good ? [] : [`make ${target}: ${ended}`],
      tests: [
        { suite: target, file: target, passed: good ? 1 : 0, failed: good ? 0 : 1, skipped: 0, seconds },
      ],
    };
  };
}

/** The end-to-end tests on one Engine, which is started for all of them. */
function engineLane(version) {
  const lane = `e2e-${version}`;
  const options = {
    folders: all ? ['__tests__/e2e/'] : ['__tests__/e2e/collector/', '__tests__/e2e/engine-harness'],
    options: ['--runInBand'],
  };
  if (process.env.POLLARD_E2E === 'off')
    return jestLane(lane, { ...options, env: { POLLARD_E2E_ENGINE: version } });
  return async () => {
    const { answer: identity, stop } = await serve(lane, 'serve-engine.ts', version);
    try {
      const env = { POLLARD_E2E_ENGINE: version, ...(identity && { POLLARD_E2E_SHARED_ENGINE: identity }) };
      return await jestLane(lane, { ...options, env })();
    } finally {
      await stop();
    }
  };
}

/**
 * Starts a program of __tests__/support/engines that serves until its standard input ends. Without an answer it did not
 * start, and the tests report why.
 */
async function serve(lane, name, ...args) {
  const program = join(root, '__tests__/support/engines', name);
  const child = spawn(process.execPath, ['--import', 'tsx', program, ...args], {
    cwd: root,
    env: environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const answer = await new Promise((resolve) => {
    createInterface({ input: child.stdout })
      .once('line', resolve)
      .once('close', () => resolve(undefined));
    child.once('error', () => resolve(undefined));
  });
  process.stderr.write(`${lane} | ${answer ?? `${name} did not start`}\n`);
  const stop = async () => {
    child.stdin.end();
    await ended;
  };
  return { answer, stop };
}

function jestLane(lane, { folders, options, env = {} }) {
  return async () => {
    const report = join(reports, `${lane}.json`);
    const jest = join(root, 'node_modules/jest/bin/jest.js');
    const args = ['--experimental-vm-modules', '--no-warnings', jest, '-c', '.jestrc.mjs', '--ci', '--json'];
    const { ended, seconds } = await run(
      lane,
      process.execPath,
      [...args, `--outputFile=${report}`, ...options, ...folders],
      env,
    );
    const tests = testFiles(lane, report);
    const failures = tests.flatMap(({ names }) => names);
    if (ended !== 'exit code 0' && failures.length === 0) {
      failures.push(`${lane}: jest ended with ${ended}`);
      tests.push({ suite: lane, file: 'jest', passed: 0, failed: 1, skipped: 0, seconds: 0 });
    }
    return { lane, seconds, failures, tests };
  };
}

/** Runs a program and prints its error output, each line after the name of the lane. */
async function run(lane, program, args, env) {
  const begun = performance.now();
  const child = spawn(program, args, {
    cwd: root,
    env: { ...environment, ...env },
    // jest reports its tests on standard error; standard output repeats the JSON report.
    stdio: ['ignore', program === process.execPath ? 'ignore' : 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => process.stderr.write(`${lane} | ${line}\n`));
  }
  const ended = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const seconds = (performance.now() - begun) / 1000;
  process.stderr.write(`${lane} | ended after ${seconds.toFixed(0)} s: ${ended}\n`);
  return { ended, seconds };
}

/** What a jest report says of each file. */
function testFiles(lane, file) {
  let report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return [];
  }
  return report.testResults.map(({ name, assertionResults, status, startTime, endTime }) => {
    const path = relative(join(root, '__tests__'), name);
    const count = (wanted) => assertionResults.filter((test) => test.status === wanted).length;
    const names = assertionResults
      .filter((test) => test.status === 'failed')
      .map(({ fullName }) => `${path}: ${fullName}`);
    // A file that does not load has no tests to count; it is one failure.
    if (names.length === 0 && status === 'failed') names.push(`${path}: does not load`);
    return {
      suite: path.split('/')[0] === 'e2e' ? lane : path.split('/')[0],
      file: path,
      passed: count('passed'),
      failed: names.length,
      skipped: count('pending') + count('todo'),
      seconds: (endTime - startTime) / 1000,
      names,
    };
  });
}

function bySuite(laneResults) {
  const found = new Map();
  for (const { suite, passed, failed, skipped } of laneResults.flatMap(({ tests }) => tests)) {
    const before = found.get(suite) ?? { name: suite, passed: 0, failed: 0, skipped: 0 };
    found.set(suite, {
      name: suite,
      passed: before.passed + passed,
      failed: before.failed + failed,
      skipped: before.skipped + skipped,
    });
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** The lanes and the files of each, the slowest first. */
function times(laneResults) {
  return laneResults
    .map(({ lane, seconds, tests }) => {
      const rows = [...tests].sort((a, b) => b.seconds - a.seconds);
      const lines = rows.map(
        ({ file, seconds: taken, passed }) =>
          `${taken.toFixed(1).padStart(8)} ${String(passed).padStart(5)} ${file}`,
      );
      return `${lane}: ${seconds.toFixed(0)} s, ${tests.length} files\n${lines.join('\n')}\n`;
    })
    .join('\n');
}
