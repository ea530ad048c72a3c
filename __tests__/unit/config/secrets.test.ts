import fc from 'fast-check';
import { ConfigError } from '../../../src/config/config-error.js';
import { configSchema } from '../../../src/config/schema.js';
import { secretsOf } from '../../../src/config/secrets.js';
import { loadTexts, refusalOf, type GivenTexts } from '../../support/config-text.js';

const SECRET = 'hunter2';

/** After a broken line the parser reports an empty key twice, and places it where the text of a secret begins. */
const BROKEN = [
  'loki:',
  '  basic_auth:',
  '    username: pollard',
  ' headers:',
  '    X-Key: x',
  `   |X-Other: "${SECRET}"`,
  '',
].join('\n');

/** All that an error can show when it is printed or logged. */
function shownBy(error: Error): string {
  return JSON.stringify([error, error.message, error.stack, error.cause, (error as ConfigError).problems]);
}

describe('a refusal never shows a secret', () => {
  const basic = (rest: string) => `loki:\n  basic_auth:\n    username: pollard\n${rest}\n`;

  test.each<[string, GivenTexts]>([
    ['of a wrong shape', { yaml: basic(`    password: [${SECRET}]`) }],
    ['as a key', { yaml: basic(`    password: {${SECRET}: 1}`) }],
    ['without the blank behind the colon', { yaml: `loki:\n  basic_auth:\n    password:${SECRET}\n` }],
    ['the same in braces', { yaml: `loki: {basic_auth: {username: a, password:${SECRET}}}\n` }],
    ['beside password_file', { yaml: basic(`    password: ${SECRET}\n    password_file: /x`) }],
    ['under a misspelled key', { yaml: basic(`    pasword: ${SECRET}`) }],
    ['under a key twice', { yaml: basic(`    password: a\n    password: ${SECRET}`) }],
    ['where a broken line leaves an empty key twice', { yaml: BROKEN }],
    ['as a key twice', { yaml: basic(`    password: {${SECRET}: 1, ${SECRET}: 2}`) }],
    ['as a quoted key twice', { yaml: basic(`    password: {"${SECRET}": 1, "${SECRET}": 2}`) }],
    ['as an explicit key', { yaml: basic(`    ? ${SECRET}`) }],
    ['with a comma in braces', { yaml: `loki: {basic_auth: {username: a, password: b,${SECRET}}}\n` }],
    [
      'with comma and colon in braces',
      { yaml: `loki: {basic_auth: {username: a, password: b,${SECRET}:c}}\n` },
    ],
    ['with a comma in the braces of the headers', { yaml: `loki: {headers: {X-A: b,${SECRET}}}\n` }],
    ['with a comma in headers from the environment', { env: { POLLARD_LOKI_HEADERS: `{X-A: b,${SECRET}}` } }],
    ['that is an alias to YAML', { yaml: basic(`    password: *${SECRET}`) }],
    ['that is a tag to YAML', { yaml: basic(`    password: !${SECRET} x`) }],
    ['that is a directive to YAML', { yaml: basic(`    password: %${SECRET}`) }],
    ['with a bad escape', { yaml: basic(`    password: "\\q${SECRET}"`) }],
    ['with text behind its quotes', { yaml: basic(`    password: "a" ${SECRET}`) }],
    ['with an open quote', { yaml: basic(`    password: "${SECRET}`) }],
    ['with a colon', { yaml: basic(`    password: a: ${SECRET}`) }],
    ['with a bracket', { yaml: basic(`    password: [${SECRET}`) }],
    ['in a line indented too far', { yaml: `loki:\n  encoding: protobuf\n    ${SECRET}\n` }],
    ['in place of a section', { yaml: `loki:\n  basic_auth: ${SECRET}\n` }],
    ['in place of the file', { yaml: SECRET }],
    ['in a header', { yaml: `loki: {headers: {"X A": ${SECRET}}}\n` }],
    ['in a header that cannot be sent', { yaml: `loki: {headers: {X-A: "${SECRET}\\n"}}\n` }],
    ['as the name of a header', { yaml: `loki: {headers: {Authorization:Bearer ${SECRET}}}\n` }],
    ['in a header that is no text', { yaml: `loki: {headers: {X-A: [${SECRET}]}}\n` }],
    ['in headers that are a text', { yaml: `loki: {headers: "X-A: ${SECRET}"}\n` }],
    ['in headers from the environment', { env: { POLLARD_LOKI_HEADERS: `{X-A: ${SECRET}: b}` } }],
    ['in headers from a flag', { flags: { 'loki.headers': `X-A=${SECRET}` } }],
    ['of Loki in its URL', { env: { POLLARD_LOKI_URL: `http://pollard:${SECRET}@loki` } }],
    ['of Loki in what is no URL', { env: { POLLARD_LOKI_URL: `pollard:a/${SECRET}@loki` } }],
    ['of Loki as a query of what is no URL', { env: { POLLARD_LOKI_URL: `ftp://loki/?token=${SECRET}` } }],
    ['of the Engine in its address', { env: { DOCKER_HOST: `tcp://u:${SECRET}@engine` } }],
    ['of the Engine in what is no address', { env: { DOCKER_HOST: `ssh://u:${SECRET}@engine` } }],
    ['of the proxy', { env: { POLLARD_LOKI_PROXY_URL: `socks://u:${SECRET}@proxy` } }],
    ['of the proxy in what is no URL', { flags: { 'loki.proxy_url': `u:${SECRET}@proxy` } }],
    ['in a variable that is not known', { env: { POLLARD_LOKI_PASSWORD: SECRET } }],
    ['in a flag that is not known', { flags: { 'loki.password': SECRET } }],
  ])('%s', async (_, texts) => {
    expect(shownBy(await refusalOf(texts))).not.toContain(SECRET);
  });

  test('however its file is spoiled', async () => {
    const yaml = [
      'log:',
      '  level: info',
      'loki:',
      '  url: http://loki:3100',
      '  basic_auth:',
      '    username: pollard',
      `    password: ${SECRET}`,
      '  headers:',
      `    X-Key: ${SECRET}`,
      `    X-Other: "${SECRET}"`,
      `  proxy_url: http://u:${SECRET}@proxy`,
      'poll:',
      '  interval: 5s',
      '',
    ].join('\n');
    const places = Array.from({ length: yaml.length }, (_, at) => at).filter(
      (at) => !yaml.slice(Math.max(0, at - SECRET.length + 1), at + SECRET.length).includes(SECRET),
    );
    const change = fc.record({
      at: fc.constantFrom(...places),
      cut: fc.integer({ min: 0, max: 3 }),
      put: fc.constantFrom(
        '',
        ' ',
        '  ',
        '\n',
        '\t',
        '"',
        "'",
        ':',
        ': ',
        '[',
        '{',
        '}',
        '*',
        '&',
        '!',
        '|',
        '- ',
        '? ',
        '#',
        'x',
      ),
    });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        let spoiled = yaml;
        for (const { at, cut, put } of changes.sort((a, b) => b.at - a.at)) {
          const upTo = spoiled.slice(at, at + cut + SECRET.length).includes(SECRET) ? at : at + cut;
          spoiled = spoiled.slice(0, at) + put + spoiled.slice(upTo);
        }
        try {
          await loadTexts({ yaml: spoiled });
        } catch (error) {
          refused++;
          expect(error).toBeInstanceOf(ConfigError);
          expect(shownBy(error as Error)).not.toContain(SECRET);
        }
      }),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(200);
  });
});

describe('the secrets of a configuration', () => {
  const secrets = (loki: object) => secretsOf(configSchema.parse({ loki }));

  test('are none by default', () => {
    expect(secretsOf(configSchema.parse({}))).toEqual([]);
    expect(
      secrets({ basic_auth: { username: 'u', password_file: '/x' }, proxy_url: 'http://proxy' }),
    ).toEqual([]);
  });

  test('are the password, also as it is sent', () => {
    const [password, sent, ...others] = secrets({ basic_auth: { username: 'u', password: 'p w' } });
    expect([password, Buffer.from(sent!, 'base64').toString(), others]).toEqual(['p w', 'u:p w', []]);
  });

  test('are the values of headers, of a scheme also what stands behind it', () => {
    expect(secrets({ headers: { 'X-A': 'one', Authorization: 'Bearer two' } })).toEqual([
      'one',
      'Bearer two',
      'two',
    ]);
  });

  test('are user and password of the proxy, as they are and as they stand in the URL', () => {
    expect(secrets({ proxy_url: 'http://us%40r:pa%3As@proxy' })).toEqual([
      'us%40r',
      'us@r',
      'pa%3As',
      'pa:s',
    ]);
    expect(secrets({ proxy_url: 'http://u:100%@proxy' })).toEqual(expect.arrayContaining(['u']));
  });
});
