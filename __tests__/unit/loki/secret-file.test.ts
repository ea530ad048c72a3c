import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LokiSettingError } from '../../../src/loki/loki-error.js';
import { SecretFile } from '../../../src/loki/secret-file.js';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pollard-secret-'));
  path = join(folder, 'token');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const open = (): Promise<SecretFile> => SecretFile.open('loki.bearer_token_file', path);

async function refusal(): Promise<LokiSettingError> {
  const error: unknown = await open().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LokiSettingError);
  const { message, setting, exit } = error as LokiSettingError;
  expect([setting, exit]).toEqual(['loki.bearer_token_file', 'usage']);
  expect(message).toContain(path);
  return error as LokiSettingError;
}

describe('opening', () => {
  test.each([
    ['abc', 'abc'],
    ['abc\n', 'abc'],
    ['  abc\r\n\r\n', 'abc'],
    ['\ufeffabc', 'abc'],
    ['two words', 'two words'],
    ['größe', 'größe'],
    [' '.repeat(1000) + 'x'.repeat(60_000), 'x'.repeat(60_000)],
  ])('%#: white space around the secret is none of it', async (content, secret) => {
    await writeFile(path, content);
    expect((await open()).current).toBe(secret);
  });

  test.each([
    ['', 'is empty'],
    [' \n\t', 'is empty'],
    ['a\nb', 'holds more than one line'],
    ['a\0b', 'holds more than one line'],
    ['x'.repeat(64 * 1024 + 1), 'holds more than 65536 bytes'],
  ])('%#: what is no secret is told, and not shown', async (content, problem) => {
    await writeFile(path, content);
    const error = await refusal();
    expect(error.message).toContain(problem);
    expect(error.message.length).toBeLessThan(300);
  });

  test('no file, or a directory', async () => {
    expect((await refusal()).message).toContain('ENOENT');
    await mkdir(path);
    expect((await refusal()).message).toContain('EISDIR');
  });
});

describe('renewing', () => {
  test('reads again what looks changed, by time, size or inode', async () => {
    await writeFile(path, 'one');
    const file = await open();
    expect(await file.renew(false)).toBe(false);
    await writeFile(path, 'two!');
    expect([await file.renew(false), file.current]).toEqual([true, 'two!']);
    // As a mounted secret is replaced: another file under the same name.
    await writeFile(join(folder, 'next'), 'tri!');
    await utimes(join(folder, 'next'), new Date(0), new Date(0));
    await rename(join(folder, 'next'), path);
    expect([await file.renew(false), file.current]).toEqual([true, 'tri!']);
    expect(await file.renew(false)).toBe(false);
  });

  test('in any case: also where the file looks the same', async () => {
    await writeFile(path, 'one');
    await utimes(path, new Date(0), new Date(0));
    const file = await open();
    await writeFile(path, 'two');
    await utimes(path, new Date(0), new Date(0));
    expect([await file.renew(false), file.current]).toEqual([false, 'one']);
    expect([await file.renew(true), file.current]).toEqual([true, 'two']);
    expect(await file.renew(true)).toBe(false);
  });

  test('written anew with the same secret: nothing changed', async () => {
    await writeFile(path, 'one');
    const file = await open();
    await writeFile(path, 'one\n');
    expect([await file.renew(false), file.current]).toEqual([false, 'one']);
  });

  test('keeps what is known while the file is being replaced', async () => {
    await writeFile(path, 'one');
    const file = await open();
    for (const broken of ['', 'a\nb', 'x'.repeat(70_000)]) {
      await writeFile(path, broken);
      expect([await file.renew(false), await file.renew(true), file.current]).toEqual([false, false, 'one']);
    }
    await rm(path);
    expect([await file.renew(false), await file.renew(true), file.current]).toEqual([false, false, 'one']);
    await writeFile(path, 'two');
    expect([await file.renew(false), file.current]).toEqual([true, 'two']);
  });

  test('holds no file open', async () => {
    await writeFile(path, 'one');
    const file = await open();
    const { readdir } = await import('node:fs/promises');
    const before = (await readdir('/proc/self/fd')).length;
    for (let i = 0; i < 20; i++) await file.renew(true);
    expect((await readdir('/proc/self/fd')).length).toBeLessThanOrEqual(before);
  });
});
