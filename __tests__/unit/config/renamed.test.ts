import { describe, expect, test } from '@jest/globals';
import { OLD_NAMES, oldNameText } from '../../../src/config/renamed.js';
import { settingAt } from '../../../src/config/settings.js';
import { loadTexts, problemsOf } from '../../support/config-text.js';
import { pollard } from '../../support/commands/pollard.js';

const ALL = { ca_file: '/old/ca', cert_file: '/old/cert', key_file: '/old/key' };
const YAML = 'docker: {tls: {ca: /old/ca, cert: /old/cert, key: /old/key}}\n';
const ENV = {
  POLLARD_DOCKER_TLS_CA: '/old/ca',
  POLLARD_DOCKER_TLS_CERT: '/old/cert',
  POLLARD_DOCKER_TLS_KEY: '/old/key',
};
const FLAGS = { 'docker.tls.ca': '/old/ca', 'docker.tls.cert': '/old/cert', 'docker.tls.key': '/old/key' };

describe('the old names of settings', () => {
  test.each(OLD_NAMES)('$path is none of today, and leads to one', ({ path, setting }) => {
    expect(settingAt(path)).toBeUndefined();
    expect(settingAt(setting.path)).toBe(setting);
  });

  test.each([
    ['a file', { yaml: YAML }, 'docker.tls.ca', 'docker.tls.ca_file'],
    ['the environment', { env: ENV }, 'POLLARD_DOCKER_TLS_CA', 'POLLARD_DOCKER_TLS_CA_FILE'],
    ['flags', { flags: FLAGS }, '--docker-tls-ca', '--docker-tls-ca-file'],
  ])('are read from %s, and reported', async (_, texts, written, instead) => {
    const { config, oldNames, origins } = await loadTexts(texts);
    expect(config.docker.tls).toEqual(ALL);
    expect(oldNames).toHaveLength(3);
    expect(oldNames[0]).toMatchObject({ written, instead });
    expect([...origins.keys()]).toEqual([
      'docker.tls.ca_file',
      'docker.tls.cert_file',
      'docker.tls.key_file',
    ]);
  });

  test.each([
    ['a file', { yaml: 'docker: {tls: {ca: /old, ca_file: /new}}\n' }],
    ['a file, the other way round', { yaml: 'docker: {tls: {ca_file: /new, ca: /old}}\n' }],
    ['the environment', { env: { POLLARD_DOCKER_TLS_CA_FILE: '/new', POLLARD_DOCKER_TLS_CA: '/old' } }],
    ['flags', { flags: { 'docker.tls.ca_file': '/new', 'docker.tls.ca': '/old' } }],
    [
      'a file, and an old variable',
      { yaml: 'docker: {tls: {ca_file: /old}}\n', env: { POLLARD_DOCKER_TLS_CA: '/new' } },
    ],
  ])('with both in %s, what counts is clear', async (_, texts) => {
    const { config, oldNames } = await loadTexts(texts);
    expect(config.docker.tls).toEqual({ ca_file: '/new' });
    expect(oldNames).toHaveLength(1);
  });

  test('are read over what DOCKER_CERT_PATH gives', async () => {
    const env = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs', POLLARD_DOCKER_TLS_KEY: '/old/key' };
    expect((await loadTexts({ env })).config.docker.tls?.key_file).toBe('/old/key');
  });

  test('a value that cannot be is refused under the name of today', async () => {
    expect(await problemsOf({ yaml: 'docker: {tls: {ca: []}}\n' })).toEqual([
      expect.stringMatching(/^docker\.tls\.ca_file: /),
    ]);
  });

  test('a command warns of them on standard error, and does its work', async () => {
    const { code, stderr, stdout } = await pollard(['config', '--effective', '--docker-tls-ca', '/old/ca']);
    expect(code).toBe(0);
    expect(stderr).toBe('pollard: --docker-tls-ca is now --docker-tls-ca-file; the old name is still read\n');
    expect(stdout).toContain('ca_file: /old/ca');
    const origin = { kind: 'file', file: '/etc/x.yaml', line: 3 } as const;
    expect(oldNameText({ written: 'docker.tls.ca', instead: 'docker.tls.ca_file', origin })).toBe(
      'docker.tls.ca is now docker.tls.ca_file; the old name is still read (/etc/x.yaml:3)',
    );
  });
});
