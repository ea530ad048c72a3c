import { loadTexts, problemsOf, refusalOf } from '../../support/config-text.js';

const accepted = async (yaml: string) => await expect(loadTexts({ yaml })).resolves.toBeDefined();

describe('authentication at Loki', () => {
  const basic = (rest: string) => `loki: {basic_auth: {username: u, ${rest}}}`;

  test.each([
    [basic(''), 'loki.basic_auth: needs password_file, or password'],
    [
      basic('password: x, password_file: /x'),
      'loki.basic_auth.password: is set beside loki.basic_auth.password_file; set one of them',
    ],
    [
      'loki: {basic_auth: {username: "a:b", password: x}}',
      'loki.basic_auth.username: holds a colon, which cannot be sent (RFC 7617)',
    ],
    [
      'loki: {bearer_token_file: /x, basic_auth: {username: u, password: x}}',
      'loki.bearer_token_file: is set beside loki.basic_auth; a request can carry only one of them',
    ],
    [
      'loki: {bearer_token_file: /x, headers: {AUTHORIZATION: Bearer x}}',
      'loki.headers: AUTHORIZATION is set by loki.bearer_token_file',
    ],
    [
      'loki: {basic_auth: {username: u, password: x}, headers: {authorization: Bearer x}}',
      'loki.headers: authorization is set by loki.basic_auth',
    ],
    ['loki: {tenant: a, headers: {X-Scope-OrgID: b}}', 'loki.headers: X-Scope-OrgID is set by loki.tenant'],
  ])('%s is refused', async (yaml, problem) => {
    expect(await problemsOf({ yaml })).toEqual([problem]);
  });

  test.each([
    basic('password: x'),
    basic('password_file: /x'),
    'loki: {bearer_token_file: /x}',
    'loki: {headers: {Authorization: Bearer x, X-Scope-OrgID: b}}',
  ])('%s is accepted', accepted);

  test('a conflict names where both came from', async () => {
    const error = await refusalOf({
      yaml: 'loki:\n  basic_auth:\n    username: u\n    password_file: /x\n',
      env: { POLLARD_LOKI_BASIC_AUTH_PASSWORD: 'x' },
    });
    expect(error.message).toMatch(
      /\(environment variable POLLARD_LOKI_BASIC_AUTH_PASSWORD; loki\.basic_auth\.password_file: \/\S+:4\)$/,
    );
  });
});

describe('certificates and keys', () => {
  test.each([
    [
      'docker: {tls: {cert_file: /x}}',
      'docker.tls.cert_file: is set without docker.tls.key_file; set both or none',
    ],
    [
      'docker: {tls: {key_file: /x}}',
      'docker.tls.key_file: is set without docker.tls.cert_file; set both or none',
    ],
    [
      'loki: {tls: {cert_file: /x}}',
      'loki.tls.cert_file: is set without loki.tls.key_file; set both or none',
    ],
    ['loki: {tls: {key_file: /x}}', 'loki.tls.key_file: is set without loki.tls.cert_file; set both or none'],
  ])('%s: one is refused without the other', async (yaml, problem) => {
    expect(await problemsOf({ yaml })).toEqual([problem]);
  });

  test.each(['docker: {tls: {ca: /x}}', 'docker: {tls: {cert: /x, key: /y}}', 'loki: {tls: {ca_file: /x}}'])(
    '%s is accepted',
    accepted,
  );
});

describe('headers and tenant', () => {
  test.each([
    ['{"X A": b}', 'loki.headers: X… is no name of a header'],
    ['{"": b}', 'loki.headers: "" is no name of a header'],
    ['{X-A: "a\\nb"}', 'loki.headers: X-A has a value that cannot be sent in a header'],
    ['{X-A: "\u20ac"}', 'loki.headers: X-A has a value that cannot be sent in a header'],
    ['{Content-Type: text/plain}', 'loki.headers: Content-Type is set by Pollard itself'],
  ])('headers: %s is refused', async (headers, problem) => {
    expect(await problemsOf({ yaml: `loki: {headers: ${headers}}` })).toEqual([problem]);
  });

  test.each(['a b', 'a|b', '..', 'a/b', '\u00e4', 'x'.repeat(151)])(
    'the tenant %j is refused',
    async (tenant) => {
      const [problem] = await problemsOf({ flags: { 'loki.tenant': tenant } });
      expect(problem).toMatch(/^loki\.tenant: ".*" is no tenant to Loki/);
    },
  );

  test.each(['1', "a-b_c.d!e*f'(g)", 'x'.repeat(150)])('the tenant %j is accepted', async (tenant) => {
    expect((await loadTexts({ flags: { 'loki.tenant': tenant } })).config.loki.tenant).toBe(tenant);
  });
});

describe('addresses', () => {
  test.each([
    ['loki.url', 'loki:3100', 'loki.url: "loki:3100" is not a URL such as http://loki:3100'],
    ['loki.url', 'ftp://loki/?a=b', 'loki.url: "ftp://loki/?***" is not a URL such as http://loki:3100'],
    ['loki.url', 'http://u@loki', 'loki.url: holds a user or a password; set loki.basic_auth instead'],
    [
      'loki.proxy_url',
      'proxy',
      'loki.proxy_url: the value (not shown) is not a URL such as http://proxy:3128',
    ],
    ['status.listen', '9473', 'status.listen: "9473" is not host:port, such as 127.0.0.1:9473'],
    [
      'docker.host',
      '/run/docker.sock',
      'docker.host: "/run/docker.sock" is not an address such as unix:///var/run/docker.sock or tcp://host:2376',
    ],
    [
      'docker.host',
      'ssh://me@host',
      'docker.host: "ssh://***@host" is not an address such as unix:///var/run/docker.sock or tcp://host:2376',
    ],
    [
      'docker.host',
      'tcp://u:p@host',
      'docker.host: holds a user or a password, and the Engine knows none; set docker.tls',
    ],
  ])('%s %s is refused', async (path, value, problem) => {
    expect(await problemsOf({ flags: { [path]: value } })).toEqual([problem]);
  });

  test.each([
    ['loki.url', 'https://logs.example.com/loki/api/v1/push'],
    ['loki.proxy_url', 'http://u:p@proxy:3128'],
    ['docker.host', 'unix:///run/a@b.sock'],
    ['docker.host', 'HTTP://10.0.0.1'],
    ['status.listen', '[::1]:9473'],
    ['status.listen', ':0'],
  ])('%s %s is accepted', async (path, value) => {
    await expect(loadTexts({ flags: { [path]: value } })).resolves.toBeDefined();
  });
});

describe('names of containers', () => {
  test.each([
    [
      'include: [/web]',
      'containers.include: "/web" can match no container: write the name without the slash',
    ],
    [
      'exclude: [web, "^db$"]',
      'containers.exclude: "^db$" can match no container: names have letters, digits, _, . and - only',
    ],
    [
      'exclude: ["a b"]',
      'containers.exclude: "a…" can match no container: names have letters, digits, _, . and - only',
    ],
    [
      "exclude: [a, '**']",
      'containers.exclude: leaves out every container; to collect nothing, set collector.enabled to false',
    ],
  ])('%s is refused', async (line, problem) => {
    expect(await problemsOf({ yaml: `containers: {${line}}` })).toEqual([problem]);
  });

  test.each(["include: ['*']", "exclude: ['*-?', Web_1.x]"])('%s is accepted', async (line) => {
    await accepted(`containers: {${line}}`);
  });
});
