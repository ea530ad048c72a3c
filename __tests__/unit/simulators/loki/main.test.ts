import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { transformFileSync } from '@swc/core';
import { pushToLoki } from '../../../support/loki-push.js';

let folder: string;
let child: ChildProcess | undefined;

/** The simulator as JavaScript, as a build makes it. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'loki-main-'));
  for (const part of ['model', 'simulators/loki']) {
    mkdirSync(join(folder, part), { recursive: true });
    for (const file of readdirSync(join('src', part))) {
      const { code } = transformFileSync(join('src', part, file), {
        swcrc: false,
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      });
      writeFileSync(join(folder, part, file.replace(/\.ts$/, '.js')), code);
    }
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

afterEach(() => {
  child?.kill('SIGKILL');
});

function run(...args: string[]): ChildProcess {
  child = spawn(process.execPath, [join(folder, 'simulators/loki/main.js'), ...args], { stdio: 'pipe' });
  return child;
}

test('a process of its own says where it is, obeys its limits, and ends with SIGTERM', async () => {
  const running = run('--limits', '{"maxStreams":1}', '--version', '3.7');
  const [line] = (await once(createInterface(running.stdout!), 'line')) as [string];
  const { ready, url, pid } = JSON.parse(line) as { ready: boolean; url: string; pid: number };
  expect({ ready, pid }).toEqual({ ready: true, pid: running.pid });

  const stamp = BigInt(Date.now()) * 1_000_000n;
  const streams = ['{a="1"}', '{a="2"}'].map((labels) => ({ labels, entries: [{ stamp, line: 'x' }] }));
  const { status, body } = await pushToLoki(url, streams);
  expect(status).toBe(429);
  expect(body).toMatch(/^maximum active stream limit exceeded/);
  expect(await (await fetch(`${url}/_simulator/stats`)).json()).toMatchObject({ entries: 1 });

  running.kill('SIGTERM');
  expect(await once(running, 'exit')).toEqual([0, null]);
});

test('ends when its standard input does, if it was told to', async () => {
  const running = run('--until-stdin-ends');
  await once(createInterface(running.stdout!), 'line');
  running.stdin!.end();
  expect(await once(running, 'exit')).toEqual([0, null]);
});

test.each([
  [['--limits', '{"nonsense":1}'], '--limits: nonsense is unknown'],
  [['--limits', '[]'], '--limits: a JSON object is wanted'],
  [['--version', '2.9'], '--version 2.9: 3.5 or 3.7 is wanted'],
  [['--port', 'x'], '--port x: 0 to 65535 is wanted'],
  [['--unknown'], "Unknown option '--unknown'"],
])('%j: refused, exit 2', async (args, message) => {
  const running = run(...args);
  let said = '';
  running.stderr!.on('data', (data) => (said += String(data)));
  expect(await once(running, 'close')).toEqual([2, null]);
  expect(said).toContain(message);
});
