import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { SETTINGS } from '../../../src/config/settings.js';
import { pollard } from '../../support/commands/pollard.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pollard-config-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function fileOf(text: string): Promise<string> {
  const path = join(folder, 'pollard.yaml');
  await writeFile(path, text);
  return path;
}

describe('pollard config', () => {
  test('prints every setting, and does so with a configuration that is refused', async () => {
    const { code, stdout, stderr } = await pollard(['config', '--config', '/nonexistent/pollard.yaml']);
    expect([code, stderr]).toEqual([0, '']);
    for (const { variable } of SETTINGS) expect(stdout).toContain(variable);
  });

  test('--effective: what holds, and where it came from; secrets masked', async () => {
    const path = await fileOf(
      'loki:\n  url: http://loki:3100\n  basic_auth: { username: me, password: canary-one }\n' +
        '  headers: { X-Key: canary-two }\n  proxy_url: http://canary-three:canary-four@proxy:3128\n',
    );
    const { code, stdout, all } = await pollard(
      ['config', '--effective', `--config=${path}`, '--poll-interval', '3s'],
      { env: { POLLARD_LOG_LEVEL: 'debug' } },
    );
    expect(code).toBe(0);
    expect(stdout).toContain(`# File: ${path}\n`);
    expect(stdout).toContain(`  url: http://loki:3100 # ${path}:2\n`);
    expect(stdout).toContain('  interval: 3s # flag --poll-interval\n');
    expect(stdout).toContain('  level: debug # environment variable POLLARD_LOG_LEVEL\n');
    expect(stdout).toContain('  overlap: 2s\n');
    expect(all).not.toContain('canary');
    expect(parse(stdout)).toMatchObject({ loki: { basic_auth: { username: 'me', password: '***' } } });
  });

  test('--effective of one that is refused: all that is wrong, and exit code 2', async () => {
    const path = await fileOf('poll:\n  intervall: 5s\n  concurrency: 0\n');
    const { code, stdout, stderr } = await pollard(['config', '--effective', `--config=${path}`]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('poll.intervall: no such setting, did you mean poll.interval?');
    expect(stderr).toContain('poll.concurrency: 0 is not allowed');
    expect(stderr).toContain(`${path}:3`);
  });
});
