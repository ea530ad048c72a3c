import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { ConfigError } from '../../../src/config/config-error.js';
import { loadConfig, loadConfigWithOrigins } from '../../../src/config/load.js';
import { configSchema } from '../../../src/config/schema.js';
import { SETTINGS, settingAt } from '../../../src/config/settings.js';
import { anyWritten } from '../../support/any-setting.js';
import { loadTexts, neededBeside, problemsOf, refusalOf, yamlWith } from '../../support/config-text.js';

const defaults = configSchema.parse({});

describe('without anything', () => {
  test('the defaults hold', async () => {
    const { config, file, origins } = await loadTexts({});
    expect(config).toEqual(defaults);
    expect(file).toBeUndefined();
    expect(origins.size).toBe(0);
  });

  test.each(['', '\n', '# only a comment\n', '---\n', 'null\n', '{}\n', 'loki:\npoll: {}\n', '\ufeff'])(
    'the file %j is fine',
    async (yaml) => {
      expect((await loadTexts({ yaml })).config).toEqual(defaults);
    },
  );
});

describe('the sources', () => {
  const yaml = 'loki:\n  url: http://file:1\n  tenant: file\n  timeout: 5s\npoll:\n  concurrency: 5\n';
  const env = { POLLARD_LOKI_URL: 'http://env:1', POLLARD_LOKI_TENANT: 'env', OTHER: 'x' };
  const flags = { 'loki.url': 'http://flag:1', 'poll.adaptive': undefined };

  test('win in this order: flags, environment, file, defaults', async () => {
    const { config } = await loadTexts({ yaml, env, flags });
    expect(config.loki).toMatchObject({
      url: 'http://flag:1',
      tenant: 'env',
      timeout: 5000,
      max_in_flight: 4,
    });
    expect(config.poll).toMatchObject({ concurrency: 5, adaptive: true });
  });

  test('are told for each setting', async () => {
    const { origins } = await loadTexts({ yaml, env, flags });
    expect(Object.fromEntries(origins)).toEqual({
      'loki.url': { kind: 'flag', flag: '--loki-url' },
      'loki.tenant': { kind: 'environment', variable: 'POLLARD_LOKI_TENANT' },
      'loki.timeout': { kind: 'file', file: expect.stringMatching(/pollard\.yaml$/), line: 4 },
      'poll.concurrency': { kind: 'file', file: expect.any(String), line: 6 },
    });
  });

  test('give a setting as a whole: lists and maps are not merged', async () => {
    const { config } = await loadTexts({
      yaml: 'containers: {include: [a, b]}\nlabels: {static: {env: prod, team: x}}\n',
      env: { POLLARD_CONTAINERS_INCLUDE: 'c', POLLARD_LABELS_STATIC: '{env: test}' },
    });
    expect(config.containers.include).toEqual(['c']);
    expect(config.labels.static).toEqual({ env: 'test' });
  });

  test('complete the sections of each other', async () => {
    const { config } = await loadTexts({
      yaml: 'loki: {basic_auth: {username: pollard}}\n',
      env: { POLLARD_LOKI_BASIC_AUTH_PASSWORD_FILE: '/run/secrets/loki' },
    });
    expect(config.loki.basic_auth).toEqual({ username: 'pollard', password_file: '/run/secrets/loki' });
  });

  test('a value that is overridden is not judged', async () => {
    const { config } = await loadTexts({
      yaml: 'poll: {interval: soon}\n',
      env: { POLLARD_POLL_INTERVAL: '1s' },
    });
    expect(config.poll.interval).toBe(1000);
  });
});

describe('the value of any setting', () => {
  // Not defaults that adapt to it: only what was set.
  const outcome = async (texts: Parameters<typeof loadTexts>[0]) => {
    try {
      return (await loadTexts(texts)).config;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.problems.map(({ setting, problem }) => `${setting}: ${problem}`);
    }
  };

  test.each(SETTINGS.map((setting) => [setting.path, setting] as const))(
    '%s is the same from file, environment and flag, and is accepted',
    async (path, setting) => {
      const beside = neededBeside(setting);
      await fc.assert(
        fc.asyncProperty(anyWritten(setting), async (written) => {
          // Strings as YAML quotes them where it must; JSON is YAML for all else.
          const yaml =
            typeof written === 'string'
              ? stringify(written, { lineWidth: 0 }).trimEnd()
              : JSON.stringify(written);
          const text = typeof written === 'string' ? written : JSON.stringify(written);
          const fromFile = await outcome({ yaml: yamlWith(setting, oneLine(yaml, written)), flags: beside });
          expect(await outcome({ env: { [setting.variable]: text }, flags: beside })).toEqual(fromFile);
          expect(await outcome({ flags: { ...beside, [path]: text } })).toEqual(fromFile);
          if (path !== 'lines.max_bytes') expect(Array.isArray(fromFile) ? fromFile : []).toEqual([]);
        }),
        { numRuns: 15 },
      );
    },
  );

  function oneLine(yaml: string, written: unknown): string {
    return yaml.includes('\n') ? JSON.stringify(written) : yaml;
  }
});

describe('a text', () => {
  test.each(['123', '007', '1e3', '0x10', 'yes', 'true', 'off', '1.10', '2024-01-01', '-'])(
    '%s stays what it is, also without quotes in the file',
    async (text) => {
      const expected = { tenant: text };
      if (text !== '-')
        expect((await loadTexts({ yaml: `loki:\n  tenant: ${text}\n` })).config.loki).toMatchObject(expected);
      expect((await loadTexts({ env: { POLLARD_LOKI_TENANT: text } })).config.loki).toMatchObject(expected);
      expect((await loadTexts({ flags: { 'loki.tenant': text } })).config.loki).toMatchObject(expected);
    },
  );

  test.each([' a: b', '[x]', '{x: y}', '"q"', "'q'", '# x', '*x', '&x', '!x', 'null', '~', '|', '%', '@'])(
    '%j is taken literally from the environment',
    async (text) => {
      const env = { POLLARD_LOKI_BASIC_AUTH_USERNAME: 'u', POLLARD_LOKI_BASIC_AUTH_PASSWORD: text };
      expect((await loadTexts({ env })).config.loki.basic_auth).toEqual({ username: 'u', password: text });
    },
  );

  test('within lists and maps is one, too', async () => {
    const { config } = await loadTexts({
      yaml: 'labels:\n  static: {version: 1.10, on: true, hex: 0x10}\ncontainers:\n  include: [1, 2e3, no]\n',
    });
    expect(config.labels.static).toEqual({ version: '1.10', on: 'true', hex: '0x10' });
    expect(config.containers.include).toEqual(['1', '2e3', 'no']);
  });

  test('that is a duration of 0 needs no unit', async () => {
    expect((await loadTexts({ yaml: 'poll: {overlap: 0}\n' })).config.poll.overlap).toBe(0);
  });

  test('may come from an anchor', async () => {
    const { config } = await loadTexts({
      yaml: 'loki:\n  tenant: &who me\n  tls: &tls {ca_file: /ca}\nlabels: {job: *who}\n',
    });
    expect(config).toMatchObject({ labels: { job: 'me' }, loki: { tenant: 'me', tls: { ca_file: '/ca' } } });
  });
});

describe('a list', () => {
  test.each([
    ['web', ['web']],
    ['web-*, db ,', ['web-*', 'db']],
    ['*-dev', ['*-dev']],
    ["['*-dev', db]", ['*-dev', 'db']],
    [' [a]', ['a']],
    ['[]', []],
  ])('%j in a variable', async (text, expected) => {
    const { config } = await loadTexts({ env: { POLLARD_CONTAINERS_EXCLUDE: text } });
    expect(config.containers.exclude).toEqual(expected);
  });

  test('is a flag that is given several times, and none an empty one', async () => {
    const flags = { 'containers.include': ['a', 'b'], 'containers.exclude': '' };
    const { config } = await loadTexts({ yaml: 'containers: {exclude: [x]}\n', flags });
    expect(config.containers).toMatchObject({ include: ['a', 'b'], exclude: [] });
  });
});

test('a key with nothing behind it is not set', async () => {
  const { config } = await loadTexts({
    yaml: 'loki:\n  url:\n  tenant: ~\n  tls:\nstart: null\nlabels:\n  static:\n',
  });
  expect(config).toEqual(defaults);
});

test('a section that need not be there is there when it is named', async () => {
  const { config } = await loadTexts({ yaml: 'docker:\n  host: tcp://engine\n  tls: {}\n' });
  expect(config.docker.tls).toEqual({});
  expect(await problemsOf({ yaml: 'loki: {basic_auth: {}}\n' })).toEqual([
    'loki.basic_auth.username: is missing; it must be a text that is not empty, or loki.basic_auth must be left out',
  ]);
});

describe('the file', () => {
  let folder: string;
  const path = (name: string) => join(folder, name);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pollard-load-'));
    await writeFile(path('a.yaml'), 'loki: {tenant: a}\n');
    await writeFile(path('b.yaml'), 'loki: {tenant: b}\n');
    await writeFile(path('latin1.yaml'), Buffer.from([0x61, 0xe9, 0x0a]));
    await writeFile(path('large.yaml'), '#'.repeat(1024 ** 2 + 1));
    await mkdir(path('folder'));
    await symlink(path('nothing'), path('dangling.yaml'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const tenant = async (sources: Partial<Parameters<typeof loadConfig>[0]>) =>
    (await loadConfig({ env: {}, flags: {}, ...sources })).loki.tenant;

  test('is the one of the flag, else of POLLARD_CONFIG, else the default', async () => {
    const [file, other] = [path('a.yaml'), path('b.yaml')];
    expect(await tenant({ file, env: { POLLARD_CONFIG: other }, defaultFile: other })).toBe('a');
    expect(await tenant({ env: { POLLARD_CONFIG: file }, defaultFile: other })).toBe('a');
    expect(await tenant({ env: { POLLARD_CONFIG: '' }, defaultFile: other })).toBe('b');
    expect(await tenant({ defaultFile: path('nothing') })).toBeUndefined();
    expect(await tenant({ defaultFile: path('a.yaml/nothing') })).toBeUndefined();
  });

  test('that was read is named', async () => {
    expect((await loadConfigWithOrigins({ file: path('a.yaml'), env: {}, flags: {} })).file).toBe(
      path('a.yaml'),
    );
  });

  test.each([
    ['nothing', 'is not there'],
    ['a.yaml/nothing', 'is not there'],
    ['dangling.yaml', 'is not there'],
    ['folder', 'is a directory'],
    ['latin1.yaml', 'is not UTF-8 text'],
    ['large.yaml', 'is larger than 1 MiB'],
  ])('%s is refused when it was named: %s', async (name, problem) => {
    const named = { kind: 'flag', flag: '--config' };
    await expect(loadConfig({ file: path(name), env: {}, flags: {} })).rejects.toMatchObject({
      code: 'config_invalid',
      exit: 'usage',
      problems: [{ problem: `${path(name)} ${problem}`, origin: named }],
    });
    await expect(loadConfig({ env: { POLLARD_CONFIG: path(name) }, flags: {} })).rejects.toThrow(
      `${path(name)} ${problem} (environment variable POLLARD_CONFIG)`,
    );
  });

  test('that is there and cannot be read is refused, also the default one', async () => {
    await writeFile(path('closed.yaml'), '');
    await chmod(path('closed.yaml'), 0);
    // To root nothing is closed.
    const closed = process.getuid?.() === 0 ? path('folder') : path('closed.yaml');
    await expect(loadConfig({ env: {}, flags: {}, defaultFile: closed })).rejects.toThrow(closed);
  });

  test('may be a pipe', async () => {
    await expect(loadConfig({ file: '/dev/null', env: {}, flags: {} })).resolves.toEqual(defaults);
  });
});

test('an unknown flag is refused', async () => {
  expect((await refusalOf({ flags: { 'loki.urll': 'x' } })).problems).toEqual([
    { setting: 'loki.urll', problem: 'no such setting, did you mean loki.url?' },
  ]);
});

test('a flag without the value that its kind wants is refused', async () => {
  expect(
    await problemsOf({ flags: { 'loki.url': true, 'poll.adaptive': null, 'labels.static': ['a'] } }),
  ).toEqual([
    'poll.adaptive: no value is not allowed; it must be true or false',
    'labels.static: a list is not allowed; it must be a map of texts by the name of the label',
    'loki.url: true is not allowed; it must be a URL such as http://loki:3100',
  ]);
  expect((await loadTexts({ flags: { 'poll.adaptive': false } })).config.poll.adaptive).toBe(false);
  expect(settingAt('poll.adaptive')!.kind).toBe('toggle');
});
