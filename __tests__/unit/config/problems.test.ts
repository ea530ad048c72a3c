import fc from 'fast-check';
import { ConfigError } from '../../../src/config/config-error.js';
import { loadConfig } from '../../../src/config/load.js';
import { PollardError } from '../../../src/model/errors.js';
import { loadTexts, problemsOf, refusalOf } from '../../support/config-text.js';

describe('what is wrong', () => {
  test('is told all at once, one a line: the key, the value, what is allowed, and where it came from', async () => {
    const error = await refusalOf({
      yaml: [
        'poll:',
        '  intervall: 5s',
        '  interval: 5',
        '  min_interval: 10s',
        '  max_interval: 8s',
        'loki:',
        '  encoding: xml',
        'containers:',
        '  include:',
        '    - web',
        '    - ""',
        'labels:',
        '  static: {a: [1]}',
        'status:',
        '  tls: {cert_file: /cert}',
      ].join('\n'),
      env: { POLLARD_LOG_LEVEL: 'loud', POLLARD_POLL_CONCURENCY: '3' },
      flags: { 'poll.concurrency': '99' },
    });
    expect(error).toBeInstanceOf(PollardError);
    expect(error).toMatchObject({ code: 'config_invalid', exit: 'usage', setting: 'poll.intervall' });
    const [head, ...lines] = error.message.replaceAll(/\/\S*\/pollard\.yaml/g, 'pollard.yaml').split('\n');
    expect(head).toBe('the configuration has 10 problems:');
    expect(lines).toEqual([
      '  poll.intervall: no such setting, did you mean poll.interval? (pollard.yaml:2)',
      '  no setting has this variable, did you mean POLLARD_POLL_CONCURRENCY? (environment variable POLLARD_POLL_CONCURENCY)',
      '  containers.include[1]: "" is not allowed; it must be a name, in which * stands for any text and ? for one character (pollard.yaml:11)',
      '  poll.interval: "5" is not allowed; it must be a duration such as 500ms, 5s, 1h30m, from 100ms to 1h (pollard.yaml:3)',
      '  poll.concurrency: 99 is not allowed; it must be a whole number from 1 to 50 (flag --poll-concurrency)',
      '  labels.static.a: a list is not allowed; it must be a text (pollard.yaml:13)',
      '  loki.encoding: "xml" is not allowed; it must be one of protobuf, json (pollard.yaml:7)',
      '  status.tls.key_file: is missing; it must be the path of a file, or status.tls must be left out (pollard.yaml:15)',
      '  log.level: "loud" is not allowed; it must be one of error, warn, info, debug (environment variable POLLARD_LOG_LEVEL)',
      '  poll.min_interval: 10s is over poll.max_interval, which is 8s (pollard.yaml:4; poll.max_interval: pollard.yaml:5)',
    ]);
    expect(error.problems).toHaveLength(10);
  });

  test('is not blamed on a default that stands in for a refused value', async () => {
    expect(await problemsOf({ yaml: 'poll: {interval: soon, max_interval: 1s}\n' })).toEqual([
      expect.stringMatching(/^poll\.interval: "soon"/),
    ]);
    expect(await problemsOf({ yaml: 'loki: {basic_auth: {username: [], password: x}}\n' })).toEqual([
      expect.stringMatching(/^loki\.basic_auth\.username: a list/),
    ]);
    expect(await problemsOf({ yaml: 'docker: {tls: {cert_file: *a, key_file: /key}}\n' })).toEqual([
      expect.stringMatching(/^docker\.tls\.cert_file: has an alias/),
    ]);
  });

  test('stays on its line, whatever stands in it', async () => {
    const error = await refusalOf({
      yaml: '"a\\nb": 1\nlabels:\n  static: {"x\\ny": a}\nlog:\n  level: "a\\u001b[31m\\u2028b\\u202ec"\n',
      env: { 'POLLARD_X\nY': 'a' },
      flags: { 'a\nb.c': 'x' },
    });
    expect(error.message.split('\n')).toHaveLength(error.problems.length + 1);
    // eslint-disable-next-line no-control-regex -- what must not be there
    expect(error.message).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]/);
  });

  test('is shortened', async () => {
    const [problem] = await problemsOf({ env: { POLLARD_LOG_LEVEL: '😀'.repeat(1000) } });
    expect(problem!.length).toBeLessThan(200);
    expect(problem).toContain('😀…"');
    // Not cut in the middle of a character.
    expect(Buffer.from(problem!).toString()).toBe(problem);
  });

  test('is counted where there is too much of it', async () => {
    const yaml = Array.from({ length: 250 }, (_, at) => `key${at}: 1`).join('\n');
    const error = await refusalOf({ yaml });
    expect(error.problems).toHaveLength(250);
    expect(error.message.split('\n')).toHaveLength(102);
    expect(error.message).toMatch(/^the configuration has 250 problems:[\s\S]*\n {2}and 150 more$/);
  });

  test('one is one', async () => {
    expect((await refusalOf({ yaml: 'x: 1' })).message).toMatch(/^the configuration has 1 problem:\n/);
  });
});

describe('what is no YAML', () => {
  test.each([
    ['a tab', 'loki:\n\turl: x\n', /^not YAML: a tab/, 2, 1],
    ['an open bracket', 'containers:\n  include: [a\nlog: {}\n', /^not YAML: /, 3, 1],
    [
      'a key twice',
      'loki:\n  url: http://a\n  url: http://b\n',
      /^not YAML: url stands here for the second time$/,
      3,
      3,
    ],
    [
      'a section twice',
      'loki: {}\npoll: {}\nloki: {}\n',
      /^not YAML: loki stands here for the second time$/,
      3,
      1,
    ],
    ['a second document', 'loki: {}\n---\npoll: {}\n', /^not YAML: a second document/, 2, 1],
    ['a tag that is not known', 'log:\n  level: !env LEVEL\n', /^not YAML: a tag/, 2, 10],
    ['an open quote', 'log:\n  level: "info\n', /^not YAML: /, 3, 1],
    ['a wrong indentation', 'loki:\n    url: x\n  tenant: y\n', /^not YAML: /, 3, 1],
  ])('is told with line and column: %s', async (_, yaml, problem, line, column) => {
    const [first] = (await refusalOf({ yaml })).problems;
    expect(first).toEqual({
      problem: expect.stringMatching(problem),
      origin: { kind: 'file', file: expect.any(String), line, column },
    });
  });

  test('does not hide what else is wrong', async () => {
    expect(await problemsOf({ yaml: 'a: [', env: { POLLARD_POLL_INTERVAL: 'x' } })).toEqual([
      expect.stringMatching(/^not YAML/),
      expect.stringMatching(/^poll\.interval: "x"/),
    ]);
  });

  test.each(['['.repeat(100_000), '- '.repeat(100_000), '{a: '.repeat(50_000), '? '.repeat(100_000)])(
    'nested too deeply is refused before it uses up the stack (%#)',
    async (yaml) => {
      expect(await problemsOf({ yaml })).toEqual(['not YAML: nested too deeply']);
      expect(await problemsOf({ env: { POLLARD_LABELS_STATIC: yaml } })).toEqual([
        'labels.static: is not YAML: nested too deeply',
      ]);
    },
  );

  test('an alias to what it stands in goes no deeper than the settings do', async () => {
    expect(await problemsOf({ yaml: 'loki: &l\n  basic_auth: *l\n  tls: *l\n' })).toEqual(
      expect.arrayContaining([expect.stringMatching(/^loki\.tls\.tls: no such setting/)]),
    );
  });

  test('aliases that multiply cost nothing', async () => {
    const level = (name: string, of: string) => `${name}: &${name} [${Array(50).fill(`*${of}`).join(', ')}]`;
    const names = 'bcdefghi'.split('');
    const yaml = [
      'a: &a [x]',
      ...names.map((name, at) => level(name, 'abcdefgh'[at]!)),
      'log: {level: *i}',
    ].join('\n');
    expect(await problemsOf({ yaml })).toContain(
      'log.level: a list is not allowed; it must be one of error, warn, info, debug',
    );
  });
});

describe('a text of the wrong place', () => {
  test.each([
    ['hunter2', 'the file must hold settings, such as collector.enabled, each on a line of its own'],
    ['- a', 'the file must hold settings, such as collector.enabled, each on a line of its own'],
    ['loki: http://x', 'loki: must hold settings, such as loki.url, each on a line of its own'],
    ['loki: [url]', 'loki: must hold settings, such as loki.url, each on a line of its own'],
    ['{__proto__: {a: 1}}', 'the file has a key __proto__, which cannot be used'],
    ['labels: {static: {__proto__: x}}', 'labels.static: has a key __proto__, which cannot be used'],
    [
      'containers: {exclude: [*-dev]}',
      'containers.exclude: has an alias (*) that stands for nothing; a text that begins with * needs quotes',
    ],
    [
      'containers: {include: web}',
      'containers.include: "web" is not allowed; it must be a list of names, in which * stands for any text and ? for one character',
    ],
    [
      'containers: {include: [~]}',
      'containers.include[0]: no value is not allowed; it must be a name, in which * stands for any text and ? for one character',
    ],
    ['poll: {adaptive: "true"}', 'poll.adaptive: "true" is not allowed; it must be true or false'],
    ['poll: {adaptive: yes}', 'poll.adaptive: "yes" is not allowed; it must be true or false'],
    [
      'poll: {concurrency: 1.5}',
      'poll.concurrency: 1.5 is not allowed; it must be a whole number from 1 to 50',
    ],
    ['poll: {jitter: .nan}', 'poll.jitter: NaN is not allowed; it must be a number from 0 to 0.5'],
    ['loki: {tenant: ""}', 'loki.tenant: "" is not allowed; it must be a text that is not empty'],
    [
      'start: 0',
      'start: "0" is not allowed; it must be end, beginning, or a duration such as 1h to look back',
    ],
    [
      'start: []',
      'start: a list is not allowed; it must be end, beginning, or a duration such as 1h to look back',
    ],
  ])('%s', async (yaml, problem) => {
    expect(await problemsOf({ yaml })).toEqual([problem]);
  });
});

describe('an unknown key', () => {
  test.each([
    ['poll: {intervall: 1s}', 'poll.intervall', 'poll.interval'],
    ['poll: {maxInterval: 1s}', 'poll.maxInterval', 'poll.max_interval'],
    ['poll: {max-interval: 1s}', 'poll.max-interval', 'poll.max_interval'],
    ['poll: {Jitter: 0}', 'poll.Jitter', 'poll.jitter'],
    ['lokki: {}', 'lokki', 'loki'],
    ['batch: {}', 'batch', 'loki.batch'],
    ['state_dir: /x', 'state_dir', 'collector.state_dir'],
    ['loki: {batch: {max_byte: 1}}', 'loki.batch.max_byte', 'loki.batch.max_bytes'],
    ['loki: {tenant_id: x}', 'loki.tenant_id', 'loki.tenant'],
    // Its own section first.
    ['loki: {tls: {ca: /x}}', 'loki.tls.ca', 'loki.tls.ca_file'],
    ['status: {token: /x}', 'status.token', 'status.token_file'],
  ])('%s: %s is taken for %s', async (yaml, key, meant) => {
    expect(await problemsOf({ yaml })).toEqual([`${key}: no such setting, did you mean ${meant}?`]);
  });

  test.each([
    ['loki: {basic_auth: {username: a, password: b,c}}', 'loki.basic_auth'],
    ['loki: {basic_auth: {username: a, password:b}}', 'loki.basic_auth'],
    ['loki: {headers: {X-A: b,c}}', 'loki.headers'],
  ])('%s: a key without a value is not shown', async (yaml, section) => {
    expect(await problemsOf({ yaml })).toEqual([
      expect.stringMatching(
        new RegExp(`^${section}: has a key without a value \\(not shown\\); a colon needs a space`),
      ),
    ]);
  });

  test.each(['quite_another_thing: 1', 'x: 1', '"": 1'])('%s is like nothing', async (yaml) => {
    expect(await problemsOf({ yaml })).toEqual([expect.stringMatching(/: no such setting$/)]);
  });
});

describe('the environment', () => {
  test.each([
    ['POLLARD_POLL_INTERVALL', 'POLLARD_POLL_INTERVAL'],
    ['POLLARD_LOKI', 'POLLARD_LOKI_URL'],
    ['POLLARD_CONFG', 'POLLARD_CONFIG'],
    ['POLLARD_LOKI_TLS_CA', 'POLLARD_LOKI_TLS_CA_FILE'],
    ['POLLARD_LOKI_BASIC_AUTH_PASS_FILE', 'POLLARD_LOKI_BASIC_AUTH_PASSWORD_FILE'],
  ])('%s is refused, and taken for %s', async (variable, meant) => {
    const { problems } = await refusalOf({ env: { [variable]: 'x' } });
    expect(problems).toEqual([
      {
        problem: `no setting has this variable, did you mean ${meant}?`,
        origin: { kind: 'environment', variable },
      },
    ]);
  });

  test.each([
    'POLLARD_E2E',
    'POLLARD_ENGINES_DIR',
    'POLLARD_ENGINES_REFRESH',
    'POLLARD_IMAGE',
    'POLLARDX',
    'LOKI_URL',
  ])('%s is none of ours', async (variable) => {
    await expect(loadTexts({ env: { [variable]: 'x' } })).resolves.toBeDefined();
  });

  test('that is empty sets nothing', async () => {
    const env = { POLLARD_LOKI_TENANT: '', POLLARD_POLL_CONCURRENCY: '', DOCKER_HOST: '', POLLARD_NEW: '' };
    const { config, origins } = await loadTexts({ yaml: 'loki: {tenant: a}\n', env });
    expect(config.loki.tenant).toBe('a');
    expect([...origins.keys()]).toEqual(['loki.tenant']);
  });
});

describe('the variables of Docker', () => {
  const yaml = 'docker: {host: unix:///file, tls: {ca_file: /file/ca, server_name: engine}}\n';
  const tls = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' };

  test('stand between the file and our own', async () => {
    const host = async (env: NodeJS.ProcessEnv) => (await loadTexts({ yaml, env })).config.docker.host;
    expect(await host({})).toBe('unix:///file');
    expect(await host({ DOCKER_HOST: 'tcp://docker:1' })).toBe('tcp://docker:1');
    expect(await host({ POLLARD_DOCKER_HOST: 'tcp://own:1', DOCKER_HOST: 'tcp://docker:1' })).toBe(
      'tcp://own:1',
    );
  });

  test('name the folder with the certificates', async () => {
    const { config, origins } = await loadTexts({
      yaml,
      env: { ...tls, POLLARD_DOCKER_TLS_KEY_FILE: '/own/key' },
    });
    expect(config.docker.tls).toEqual({
      ca_file: '/certs/ca.pem',
      cert_file: '/certs/cert.pem',
      key_file: '/own/key',
      server_name: 'engine',
    });
    expect(origins.get('docker.tls.ca_file')).toEqual({ kind: 'environment', variable: 'DOCKER_CERT_PATH' });
  });

  test('ask for TLS only with DOCKER_TLS_VERIFY, as they do of the docker command', async () => {
    expect((await loadTexts({ env: { DOCKER_CERT_PATH: '/certs' } })).config.docker.tls).toBeUndefined();
    expect((await loadTexts({ env: { ...tls, DOCKER_TLS_VERIFY: '0' } })).config.docker.tls).toBeDefined();
  });

  test('that ask for TLS without certificates do not end in a connection without it', async () => {
    const env = { DOCKER_HOST: 'tcp://docker:2376', DOCKER_TLS_VERIFY: '1' };
    expect(await problemsOf({ env })).toEqual([
      expect.stringMatching(/^docker\.tls: DOCKER_TLS_VERIFY is set/),
    ]);
    await expect(loadTexts({ env: { ...env, DOCKER_HOST: 'unix:///x' } })).resolves.toBeDefined();
    await expect(loadTexts({ yaml: 'docker: {tls: {}}\n', env })).resolves.toBeDefined();
  });
});

describe('garbage', () => {
  const onlyConfigError = async (load: Promise<unknown>) => {
    try {
      await load;
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as ConfigError).message.split('\n').length).toBeGreaterThan(1);
    }
  };
  const token = fc.constantFrom(
    ...': |- |? |[|]|{|}|,|&a |*a|!x |!!str |"|\'|#|>|%|@|`|\t|\n|\n  |\n    |---\n|...\n|<<|~|null|true|1|0x|.nan'.split(
      '|',
    ),
    ...[
      '|',
      'loki',
      'url',
      'basic_auth',
      'password',
      'poll',
      'interval',
      'labels',
      'static',
      'containers',
      'include',
    ],
    ...['__proto__', 'constructor', 'toString', 'start', 'tls', '\ufeff', '\0', '\u2028', '\r'],
  );

  test('as a file is a ConfigError or a configuration', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(token, { maxLength: 40 }).map((parts) => parts.join('')),
    );
    await fc.assert(
      fc.asyncProperty(text, async (yaml) => await onlyConfigError(loadTexts({ yaml }))),
      { numRuns: 600 },
    );
  });

  test('as any settings in any shape is a ConfigError or a configuration', async () => {
    const paths = [
      'loki.url',
      'labels.static',
      'containers.include',
      'poll.adaptive',
      'start',
      'x',
      '__proto__',
      'loki',
    ];
    const any = fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true });
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...paths), any), async (flags) => {
        const defaultFile = '/nowhere/pollard.yaml';
        await onlyConfigError(loadConfig({ env: {}, flags, defaultFile }));
      }),
      { numRuns: 300 },
    );
  });

  test('as values of variables is a ConfigError or a configuration', async () => {
    const names = [
      'POLLARD_LOKI_URL',
      'POLLARD_LABELS_STATIC',
      'POLLARD_CONTAINERS_INCLUDE',
      'POLLARD_POLL_JITTER',
      'POLLARD_X',
    ];
    const text = fc.oneof(
      fc.string(),
      fc.array(token, { maxLength: 15 }).map((parts) => parts.join('')),
    );
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...names), text), async (env) => {
        await onlyConfigError(loadConfig({ env, flags: {}, defaultFile: '/nowhere/pollard.yaml' }));
      }),
      { numRuns: 300 },
    );
  });

  test('pollutes nothing', async () => {
    await onlyConfigError(
      loadTexts({
        yaml: 'loki: {headers: {__proto__: {polluted: x}, constructor: {prototype: {polluted: x}}}}\n',
      }),
    );
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
