import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAuthorization } from '../../../src/loki/authorization.js';
import { LokiSettingError } from '../../../src/loki/loki-error.js';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pollard-authorization-'));
  path = join(folder, 'secret');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function refusal(settings: Parameters<typeof readAuthorization>[0]): Promise<LokiSettingError> {
  const error: unknown = await readAuthorization(settings).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LokiSettingError);
  expect((error as LokiSettingError).message).not.toMatch(/s3cret/);
  expect(String((error as LokiSettingError).cause)).not.toMatch(/s3cret/);
  return error as LokiSettingError;
}

test('none is set, none is sent', async () => {
  const authorization = await readAuthorization({});
  expect(await authorization.current()).toBeUndefined();
  expect(await authorization.renew(undefined)).toBe(false);
});

describe('a password', () => {
  test('of the configuration stays as it is', async () => {
    const authorization = await readAuthorization({ basicAuth: { username: 'ü', password: 's3cret:€' } });
    const sent = await authorization.current();
    expect(sent?.header).toBe(`Basic ${base64('ü:s3cret:€')}`);
    expect(sent?.secrets).toEqual([base64('ü:s3cret:€'), 's3cret:€']);
    expect(await authorization.renew(sent)).toBe(false);
  });

  test('of a file is read again when the file changes', async () => {
    await writeFile(path, 's3cret\n');
    const authorization = await readAuthorization({ basicAuth: { username: 'u', passwordFile: path } });
    expect((await authorization.current())?.header).toBe(`Basic ${base64('u:s3cret')}`);
    await writeFile(path, 's3cret2\n');
    expect((await authorization.current())?.header).toBe(`Basic ${base64('u:s3cret2')}`);
  });
});

describe('a token', () => {
  test('of a file is read again when the file changes', async () => {
    await writeFile(path, 's3cret\n');
    const authorization = await readAuthorization({ bearerTokenFile: path });
    expect(await authorization.current()).toEqual({ header: 'Bearer s3cret', secrets: ['s3cret'] });
    await writeFile(path, 's3cret2\n');
    expect((await authorization.current())?.header).toBe('Bearer s3cret2');
  });

  test('that cannot be sent is told at once, or leaves the one that is known', async () => {
    await writeFile(path, 's3cret\u20ac');
    const { setting, message } = await refusal({ bearerTokenFile: path });
    expect(setting).toBe('loki.bearer_token_file');
    expect(message).toContain('cannot be sent');
    await writeFile(path, 's3cret');
    const authorization = await readAuthorization({ bearerTokenFile: path });
    await writeFile(path, 's3cret\u20ac');
    expect((await authorization.current())?.header).toBe('Bearer s3cret');
    // A password may hold anything: it is sent as base64.
    await expect(
      readAuthorization({ basicAuth: { username: 'u', passwordFile: path } }),
    ).resolves.toBeDefined();
  });
});

describe('after a 401', () => {
  test('another secret is worth another try, the same is not', async () => {
    await writeFile(path, 'one');
    const authorization = await readAuthorization({ bearerTokenFile: path });
    const sent = await authorization.current();
    expect(await authorization.renew(sent)).toBe(false);
    await writeFile(path, 'two');
    expect(await authorization.renew(sent)).toBe(true);
    expect((await authorization.current())?.header).toBe('Bearer two');
  });

  test('what another request renewed meanwhile counts as well', async () => {
    await writeFile(path, 'one');
    const authorization = await readAuthorization({ bearerTokenFile: path });
    const sent = await authorization.current();
    await writeFile(path, 'two');
    await authorization.current();
    expect(await authorization.renew(sent)).toBe(true);
    expect(await authorization.renew(await authorization.current())).toBe(false);
  });
});

test('a short secret is not looked for in texts: it would be found in ordinary words', async () => {
  const authorization = await readAuthorization({ basicAuth: { username: 'u', password: 'abc' } });
  expect((await authorization.current())?.secrets).toEqual([base64('u:abc')]);
});

describe('what cannot work', () => {
  const basicAuth = { username: 'u', password: 's3cret' };
  test.each([
    ['both', { basicAuth, bearerTokenFile: '/nowhere' }, 'loki.bearer_token_file'],
    ['no password', { basicAuth: { username: 'u' } }, 'loki.basic_auth'],
    ['two passwords', { basicAuth: { ...basicAuth, passwordFile: '/nowhere' } }, 'loki.basic_auth'],
    ['a colon in the user', { basicAuth: { ...basicAuth, username: 'a:b' } }, 'loki.basic_auth.username'],
    ['no file', { basicAuth: { username: 'u', passwordFile: '/nowhere' } }, 'loki.basic_auth.password_file'],
    ['no token file', { bearerTokenFile: '/nowhere' }, 'loki.bearer_token_file'],
  ])('%s', async (_, settings, setting) => {
    const error = await refusal(settings);
    expect(error.setting).toBe(setting);
    expect(error.hint).toMatch(/\w/);
  });
});
