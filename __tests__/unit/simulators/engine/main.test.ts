import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { transform } from '@swc/core';
import { ask, askJson } from '../../../support/simulated-engine.js';

const SOURCE = resolve('src');
let folder = '';

/** The simulator as plain JavaScript, in the test's own folder. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pollard-main-'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  for (const part of ['model', 'simulators/engine']) {
    for (const name of await readdir(join(SOURCE, part))) {
      const path = join(SOURCE, part, name);
      const { code } = await transform(await readFile(path, 'utf8'), {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      });
      const target = join(folder, relative(SOURCE, path).replace(/\.ts$/, '.js'));
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, code);
    }
  }
});
afterAll(async () => await rm(folder, { recursive: true }));

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [join(folder, 'simulators/engine/main.js'), ...args], {
    stdio: 'pipe',
  });
  return child;
}

describe('the simulator as a process of its own', () => {
  test('says when it is ready, answers, accounts for every line, and ends by SIGTERM', async () => {
    const socket = join(folder, 'docker.sock');
    const child = start('--socket', socket, '--containers', '8', '--rate', '2000', '--profile', '24');
    const ended = once(child, 'exit');
    try {
      const [ready] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
      expect(JSON.parse(ready)).toEqual({ ready: true, socket, pid: child.pid });
      expect((await ask(socket, '/_ping')).headers['api-version']).toBe('1.43');
      expect(await askJson(socket, '/containers/json?all=1')).toHaveLength(8);
      const written = async (): Promise<string[]> =>
        (await ask(socket, '/_simulator/written')).body.toString().split('\n').filter(Boolean);
      while ((await written()).length < 200) await new Promise(setImmediate);
      await ask(socket, '/_simulator/finish');
      const last = await written();
      expect(await written()).toEqual(last);
      expect(JSON.parse(last[0]!)).toEqual({
        container: expect.stringMatching(/^[0-9a-f]{64}$/),
        name: expect.any(String),
        stream: expect.stringMatching(/^std(out|err)$/),
        stamp: expect.stringMatching(/^\d{19}$/),
        text: expect.any(String),
        tty: false,
        gone: false,
      });
      expect(await askJson(socket, '/_simulator/state')).toMatchObject({ violations: [] });
    } finally {
      child.kill('SIGTERM');
    }
    expect(await ended).toEqual([0, null]);
  });

  test('ends when its standard input does, if it was told to', async () => {
    const socket = join(folder, 'ends.sock');
    const child = start('--socket', socket, '--until-stdin-ends');
    const ended = once(child, 'exit');
    await once(createInterface({ input: child.stdout! }), 'line');
    expect((await ask(socket, '/_ping')).status).toBe(200);
    child.stdin!.end();
    expect(await ended).toEqual([0, null]);
  });

  test('rotates as it is told', async () => {
    const socket = join(folder, 'rotating.sock');
    const child = start(
      ...['--socket', socket, '--containers', '3', '--rate', '4000'],
      ...['--rotate-bytes', '2000', '--rotate-files', '2'],
    );
    const ended = once(child, 'exit');
    try {
      await once(createInterface({ input: child.stdout! }), 'line');
      const gone = async (): Promise<Set<unknown>> => {
        const written = (await ask(socket, '/_simulator/written')).body
          .toString()
          .split('\n')
          .filter(Boolean);
        const lines = written.map((line) => JSON.parse(line) as Record<string, unknown>);
        return new Set(lines.filter((line) => line['gone']).map((line) => line['name']));
      };
      while ((await gone()).size === 0) await new Promise(setImmediate);
      expect(await gone()).toEqual(new Set(['shop-rotating-2']));
    } finally {
      child.kill('SIGTERM');
    }
    expect(await ended).toEqual([0, null]);
  });

  test.each([
    [['--profile', '24'], '--socket'],
    [['--socket', 'x', '--profile', '1'], 'known are 20.10'],
  ])('refuses %j', async (args, message) => {
    const child = start(...args);
    let said = '';
    child.stderr?.on('data', (piece: Buffer) => (said += piece.toString()));
    expect(await once(child, 'close')).toEqual([2, null]);
    expect(said).toContain(message);
  });
});
