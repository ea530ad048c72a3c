import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  e2eIsOff,
  importBusybox,
  runContainer,
  startEngine,
  versionsUnderTest,
} from '../support/engines/index.js';
import type { Engine } from '../support/engines/index.js';

const block = e2eIsOff() ? describe.skip : describe;

block('test engines', () => {
  let engines: Engine[] = [];

  beforeAll(async () => {
    engines = await Promise.all(versionsUnderTest().map(async (version) => await startEngine({ version })));
    await Promise.all(engines.map(async (engine) => await importBusybox(engine.api)));
  }, 180_000);

  afterAll(async () => {
    await Promise.all(engines.map(async (engine) => await engine.stop()));
  }, 180_000);

  test('of all suites run at once, each with its own socket, data and version', async () => {
    expect(new Set(engines.map((engine) => engine.socketPath)).size).toBe(engines.length);
    expect(new Set(engines.map((engine) => engine.dataRoot)).size).toBe(engines.length);
    const containers = await Promise.all(
      engines.map(async (engine) => await runContainer(engine, { cmd: 'echo hello', name: 'same-name' })),
    );
    for (const [index, container] of containers.entries()) {
      expect(await container.wait()).toBe(0);
      const list = (await engines[index]!.api.json('GET', '/containers/json?all=1')) as { Id: string }[];
      expect(list.map((entry) => entry.Id)).toEqual([container.id]);
      expect(readFileSync(container.logPath(), 'utf8')).toContain('hello');
    }
    console.log(
      engines.map((engine) => `${engine.suite}: ${engine.version}, API ${engine.apiVersion}`).join('\n'),
    );
  }, 120_000);

  test('keep their containers over a restart and over kill -9', async () => {
    await Promise.all(
      engines.map(async (engine) => {
        const container = await runContainer(engine, { cmd: 'echo one; sleep 1000' });
        const first = engine.pid;
        await engine.restart();
        expect(engine.pid).not.toBe(first);
        expect(await container.inspect()).toMatchObject({ State: { Running: false } });
        await container.start();
        await engine.kill();
        await engine.start();
        expect(await container.inspect()).toMatchObject({ State: { Running: false } });
        await container.start();
        expect(await container.exec('echo from inside; exit 3')).toEqual({
          exitCode: 3,
          output: 'from inside\n',
        });
      }),
    );
  }, 120_000);

  test('tell the processor time they use', async () => {
    for (const engine of engines) {
      const before = engine.cpuSeconds();
      for (let n = 0; n < 30; n++) await engine.api.json('GET', '/info');
      expect(engine.cpuSeconds()).toBeGreaterThan(before);
    }
  }, 120_000);

  test('leave nothing behind: no process, no mount, no folder, even with a running container', async () => {
    for (const version of versionsUnderTest()) {
      const engine = await startEngine({ version });
      await importBusybox(engine.api);
      await runContainer(engine, { cmd: 'sleep 1000' });
      const folder = dirname(engine.socketPath);
      const { pid } = engine;
      await engine.kill(); // the container, its shim and its mounts outlive the daemon
      await engine.stop();
      expect(existsSync(folder)).toBe(false);
      expect(existsSync(`/proc/${pid}`)).toBe(false);
      expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(folder);
    }
  }, 180_000);
});
