import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, jest, test } from '@jest/globals';
import { createContainer, describeEngines, runToEnd, texts } from '../../support/engines/index.js';

// What Pollard takes for granted about a real Engine: see since-and-tail.test.ts.

jest.setTimeout(120_000);

const run = promisify(execFile);

describeEngines('Engine facts: life and statuses', (engine) => {
  test('a restart appends to the log, a rename changes nothing, a removed container is 404', async () => {
    const container = await runToEnd(engine(), { cmd: 'echo run', name: 'before' });
    await container.start();
    await container.wait();
    await container.rename('after');
    expect(await texts(container)).toEqual(['run', 'run']);
    await container.remove();
    const answer = await container.logs();
    expect([answer.status, answer.body.toString()]).toEqual([
      404,
      expect.stringContaining('No such container'),
    ]);
  });

  test('a container that was never started has an empty log', async () => {
    const container = await createContainer(engine(), { cmd: 'true' });
    const answer = await container.logs();
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
  });

  test('a container whose removal failed is dead, and its log answers 409 until it is gone', async () => {
    const container = await runToEnd(engine(), { cmd: 'echo x' });
    await run('chattr', ['+i', container.logPath()]);
    try {
      expect((await engine().api.send('DELETE', `/containers/${container.id}`)).status).toBe(500);
      const answer = await container.logs();
      expect([answer.status, answer.body.toString()]).toEqual([
        409,
        expect.stringContaining('dead or marked for removal'),
      ]);
    } finally {
      await run('chattr', ['-i', container.logPath()]);
    }
    await container.remove();
    expect((await container.logs()).status).toBe(404);
  });

  test('drivers that cannot be read are 501, others are read through a cache', async () => {
    const syslog = { logDriver: 'syslog', logOptions: { 'syslog-address': 'udp://127.0.0.1:9' } };
    const none = await runToEnd(engine(), { cmd: 'echo x', logDriver: 'none' });
    const uncached = await runToEnd(engine(), {
      cmd: 'echo x',
      ...syslog,
      logOptions: { ...syslog.logOptions, 'cache-disabled': 'true' },
    });
    for (const container of [none, uncached]) {
      const answer = await container.logs();
      expect([answer.status, answer.body.toString()]).toEqual([
        501,
        expect.stringContaining('configured logging driver does not support reading'),
      ]);
    }
    expect(await texts(await runToEnd(engine(), { cmd: 'echo x', ...syslog }))).toEqual(['x']);
  });

  test('_ping tells the newest API version; a version too old or too new is a 400', async () => {
    const ping = await engine().api.send('GET', '/_ping');
    expect([ping.status, ping.body.toString()]).toEqual([200, 'OK']);
    expect(ping.headers['api-version']).toBe(engine().apiVersion);
    const refused = async (version: string): Promise<string> => {
      const answer = await engine().api.send('GET', `/v${version}/containers/json`);
      expect(answer.status).toBe(400);
      return answer.body.toString();
    };
    expect(await refused('1.11')).toContain(
      `client version 1.11 is too old. Minimum supported API version is ${engine().minApiVersion}`,
    );
    expect(await refused('1.99')).toContain('client version 1.99 is too new');
  });

  test('a request for neither stdout nor stderr is a 400', async () => {
    const container = await runToEnd(engine(), { cmd: 'echo x' });
    expect((await container.logs({ stdout: '0', stderr: '0' })).status).toBe(400);
  });
});
