import fc from 'fast-check';
import { printConfig } from '../../../src/config/print.js';
import { configSchema } from '../../../src/config/schema.js';
import { SETTINGS } from '../../../src/config/settings.js';
import { anyWritten } from '../../support/any-setting.js';
import { loadTexts, neededBeside } from '../../support/config-text.js';

test('the configuration is printed as it is written', () => {
  const config = configSchema.parse({
    start: '36h',
    loki: { tenant: 'off', batch: { max_bytes: '20000' } },
    labels: { static: { env: 'prod', odd: 'a: b' } },
    containers: { include: ['*-x', 'db'] },
    docker: { tls: {} },
  });
  const text = printConfig(config);
  expect(text).toMatch(/^start: 36h$/m);
  expect(text).toMatch(/^ {2}interval: 5s$/m);
  expect(text).toMatch(/^ {2}tenant: 'off'$/m);
  expect(text).toMatch(/^ {4}max_bytes: 20000$/m);
  expect(text).toMatch(/^ {2}static: \{ env: prod, odd: 'a: b' \}$/m);
  expect(text).toMatch(/^ {2}include: \[ '\*-x', db \]$/m);
  expect(text).toMatch(/^ {2}tls: \{\}$/m);
  expect(text).not.toContain('undefined');
});

test('secrets are masked', () => {
  const text = printConfig(
    configSchema.parse({
      loki: {
        basic_auth: { username: 'pollard', password: 'hunter2' },
        headers: { Authorization: 'Bearer hunter2', 'X-A': 'hunter2' },
        proxy_url: 'http://user:hunter2@proxy:3128/?key=hunter2',
      },
    }),
  );
  expect(text).not.toContain('hunter2');
  expect(text).toMatch(/^ {4}username: pollard$/m);
  expect(text).toMatch(/^ {4}password: '?\*\*\*'?$/m);
  expect(text).toMatch(/^ {2}headers: \{ Authorization: '\*\*\*', X-A: '\*\*\*' \}$/m);
  expect(text).toMatch(/^ {2}proxy_url: http:\/\/\*\*\*@proxy:3128\/\?\*\*\*$/m);
});

test('with the origins each line tells where its value came from', async () => {
  const { config, origins } = await loadTexts({
    yaml: 'poll:\n  interval: 1s\n',
    env: { POLLARD_LOKI_TENANT: 'a', DOCKER_HOST: 'tcp://x:1' },
    flags: { 'log.level': 'debug' },
  });
  const lines = printConfig(config, origins).split('\n');
  const commented = lines
    .filter((line) => line.includes(' # '))
    .map((line) => line.replace(/# \/\S*\//, '# '));
  expect(commented).toEqual([
    '  host: tcp://x:1 # environment variable DOCKER_HOST',
    '  interval: 1s # pollard.yaml:2',
    '  tenant: a # environment variable POLLARD_LOKI_TENANT',
    '  level: debug # flag --log-level',
  ]);
});

test('what is printed is read as the same configuration, whatever is set', async () => {
  const open = SETTINGS.filter(({ secret, path }) => !secret && path !== 'lines.max_bytes');
  for (const setting of open) {
    await fc.assert(
      fc.asyncProperty(anyWritten(setting), async (written) => {
        const flags = { ...neededBeside(setting), [setting.path]: written };
        const { config, origins } = await loadTexts({ flags });
        expect((await loadTexts({ yaml: printConfig(config) })).config).toEqual(config);
        expect((await loadTexts({ yaml: printConfig(config, origins) })).config).toEqual(config);
      }),
      { numRuns: 5 },
    );
  }
});
