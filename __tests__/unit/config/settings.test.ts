import { configSchema } from '../../../src/config/schema.js';
import { settingFlags } from '../../../src/config/setting-flags.js';
import { ROOT, SETTINGS, settingAt } from '../../../src/config/settings.js';

describe('the settings', () => {
  test('are those of the schema, with their defaults', () => {
    const config = configSchema.parse({}) as unknown as Record<string, Record<string, unknown>>;
    expect([...ROOT.children.keys()]).toEqual(Object.keys(configSchema.shape));
    expect(settingAt('poll.interval')!.fallback).toBe(config['poll']!['interval']);
    for (const { path, fallback } of SETTINGS) {
      let value: unknown = config;
      for (const key of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[key];
      // Of a section that need not be there the default holds only once it is.
      if (value !== undefined) expect([path, value]).toEqual([path, fallback]);
    }
  });

  test.each(['variable', 'flag', 'path'] as const)('have each a %s of its own', (name) => {
    const names = SETTINGS.map((setting) => setting[name]);
    expect(new Set(names).size).toBe(names.length);
  });

  test('are told with what is allowed, in one line of plain characters', () => {
    for (const { description, allowed, allowedPart } of SETTINGS) {
      for (const text of [description, allowed, allowedPart]) expect(text).toMatch(/^[\x20-\x7e]{3,}$/);
    }
  });

  test('have names made of their paths', () => {
    expect(settingAt('loki.basic_auth.password_file')).toMatchObject({
      variable: 'POLLARD_LOKI_BASIC_AUTH_PASSWORD_FILE',
      flag: '--loki-basic-auth-password-file',
      required: false,
      secret: false,
    });
    expect(settingAt('loki.basic_auth.username')).toMatchObject({ required: true });
    expect(settingAt('loki.basic_auth')).toBeUndefined();
  });

  test('have an example where there is no default to look at', () => {
    for (const { path, fallback, example } of SETTINGS) {
      const empty = fallback === undefined || ['[]', '{}'].includes(JSON.stringify(fallback));
      expect([path, example !== undefined]).toEqual([path, empty]);
    }
  });

  test('that are secret are marked', () => {
    const secret = SETTINGS.filter((setting) => setting.secret).map(({ path }) => path);
    expect(secret).toEqual(['loki.basic_auth.password', 'loki.headers', 'loki.proxy_url']);
  });
});

test('each setting is a flag', () => {
  const flags = settingFlags();
  expect(flags).toHaveLength(SETTINGS.length);
  expect(flags).toContainEqual({
    flag: '--poll-interval',
    path: 'poll.interval',
    group: 'poll',
    description: 'Between two polls of a container.',
    allowed: 'a duration such as 500ms, 5s, 1h30m, from 100ms to 1h',
    kind: 'duration',
    secret: false,
  });
  for (const { flag } of flags) expect(flag).toMatch(/^--[a-z]+(-[a-z]+)*$/);
});
