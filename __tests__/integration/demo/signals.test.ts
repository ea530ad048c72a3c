import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readDemoReport } from '../../support/demo-report.js';
import { until } from '../../support/until.js';

const MINUTES = 5 * 60_000;
/** As `make` builds it before the tests. */
const PROGRAM = resolve('dist/bin/pollard.js');

let folder: string;
let child: ChildProcess | undefined;

beforeEach(async () => {
  expect(existsSync(PROGRAM)).toBe(true);
  folder = await mkdtemp(join(tmpdir(), 'demo-signals-'));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** A demo that would never end by itself, once it collects. */
async function running(...args: string[]) {
  let said = '';
  const started = spawn(process.execPath, [PROGRAM, 'demo', '--simulate', ...args], {
    env: { ...process.env, TMPDIR: folder },
    stdio: 'pipe',
  });
  child = started;
  started.stdout.on('data', (piece: Buffer) => (said += piece.toString('utf8')));
  started.stderr.on('data', (piece: Buffer) => (said += piece.toString('utf8')));
  const ended = once(started, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  await until('it collects', () => /\d s {2}collecting .* [1-9]\d* lines in Loki/.test(said), {
    instead: () => said,
    hopeless: () => (started.exitCode === null ? undefined : 'it has ended'),
  });
  const loki = /simulated at (http:\S+),/.exec(said)?.[1] ?? '';
  expect((await fetch(`${loki}/ready`)).status).toBe(200);
  return { process: started, ended, loki, said: () => said };
}

/** Nobody listens there any more. */
async function isGone(url: string): Promise<boolean> {
  return await fetch(`${url}/ready`).then(
    () => false,
    () => true,
  );
}

/** The process id of a child whose command line has this in it (proc(5)). */
function childOf(parent: number, script: string): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const [, ppid] = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      if (Number(ppid) !== parent) continue;
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(script)) return Number(pid);
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error(`process ${parent} has no child ${script}`);
}

test(
  'SIGINT ends it with the account; nothing of it is left',
  async () => {
    const demo = await running();
    demo.process.kill('SIGINT');
    expect(await demo.ended).toEqual([0, null]);
    const { figures, verdict } = readDemoReport(demo.said());
    expect(verdict).toMatch(/^It holds: all [1-9]/);
    expect(figures).toMatchObject({ lost: 0, twice: 0, 'Engine sockets open': 0 });
    expect(await readdir(folder)).toEqual([]);
    expect(await isGone(demo.loki)).toBe(true);
  },
  MINUTES,
);

test(
  'a reader that goes away ends one that would go on for ever, with the code of its account',
  async () => {
    const demo = await running();
    demo.process.stdout.destroy();
    expect(await demo.ended).toEqual([0, null]);
    expect(await readdir(folder)).toEqual([]);
    expect(await isGone(demo.loki)).toBe(true);
  },
  MINUTES,
);

test(
  'a second SIGINT ends it at once, with a code of its own',
  async () => {
    const demo = await running();
    demo.process.kill('SIGINT');
    demo.process.kill('SIGINT');
    // Two signals may arrive as one (signal(7)): then a third is the second.
    const again = setInterval(() => demo.process.kill('SIGINT'), 50);
    const [code] = await demo.ended;
    clearInterval(again);
    expect(code).toBe(130);
    expect(await readdir(folder)).toEqual([]);
    await until('the simulators are gone', () => isGone(demo.loki));
  },
  MINUTES,
);

test(
  'the simulators end when the demo is killed',
  async () => {
    const demo = await running();
    demo.process.kill('SIGKILL');
    await demo.ended;
    await until('the simulators are gone', () => isGone(demo.loki));
  },
  MINUTES,
);

test(
  'a simulator that ends by itself ends the demo: it says which, and what to do',
  async () => {
    const demo = await running();
    process.kill(childOf(demo.process.pid!, 'loki/main.js'), 'SIGKILL');
    expect(await demo.ended).toEqual([1, null]);
    expect(demo.said()).toMatch(/pollard: the simulated Loki ended \(SIGKILL\)[^]*\n {2}-> /);
    expect(await readdir(folder)).toEqual([]);
  },
  MINUTES,
);
