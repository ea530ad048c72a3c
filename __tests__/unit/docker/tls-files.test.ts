import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTlsFiles, type TlsFiles } from '../../../src/docker/tls-files.js';
import { PollardError } from '../../../src/model/errors.js';
import { LOOPBACK_CERTIFICATE } from '../../support/loopback-certificate.js';

let folder: string;
let cert: string;
let key: string;
const put = async (name: string, text: string): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pollard-tls-'));
  cert = await put('cert.pem', LOOPBACK_CERTIFICATE.cert);
  key = await put('key.pem', LOOPBACK_CERTIFICATE.key);
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function refusal(files: TlsFiles): Promise<PollardError> {
  const error: unknown = await readTlsFiles(files).then(
    () => new Error('was taken'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PollardError);
  expect(error).toMatchObject({ code: 'docker_tls_invalid', exit: 'usage' });
  expect((error as PollardError).hint).toMatch(/\w/);
  return error as PollardError;
}

describe('the TLS files of the Engine', () => {
  test('are read as they are; what is not set is not there', async () => {
    const [bytes, keyBytes] = [Buffer.from(LOOPBACK_CERTIFICATE.cert), Buffer.from(LOOPBACK_CERTIFICATE.key)];
    expect(await readTlsFiles({ ca: cert, cert, key, servername: 'engine' })).toEqual({
      ca: bytes,
      cert: bytes,
      key: keyBytes,
      servername: 'engine',
    });
    expect(await readTlsFiles({ ca: cert })).toEqual({ ca: bytes });
    expect(await readTlsFiles({})).toEqual({});
  });

  test('an authority of several certificates is taken whole', async () => {
    const bundle = await put('bundle.pem', LOOPBACK_CERTIFICATE.cert.repeat(2));
    expect((await readTlsFiles({ ca: bundle })).ca?.toString()).toBe(LOOPBACK_CERTIFICATE.cert.repeat(2));
  });

  test.each(['ca', 'cert', 'key'] as const)('docker.tls.%s that is not there is named', async (part) => {
    const error = await refusal({ cert, key, [part]: join(folder, 'none.pem') });
    expect(error.setting).toBe(`docker.tls.${part}_file`);
    expect(error.message).toContain('none.pem');
  });

  test.each([
    ['ca', ''],
    ['ca', 'no PEM'],
    ['ca', LOOPBACK_CERTIFICATE.key],
    ['cert', LOOPBACK_CERTIFICATE.key],
    ['key', LOOPBACK_CERTIFICATE.cert],
    ['key', ''],
  ] as const)('docker.tls.%s that is something else is named', async (part, text) => {
    const error = await refusal({ cert, key, [part]: await put('other.pem', text) });
    expect(error.setting).toBe(`docker.tls.${part}_file`);
    expect(error.message).toContain('other.pem');
    // Never a byte of a key.
    expect(error.message).not.toContain('MIGH');
  });

  test('a certificate without its key, and a key without its certificate', async () => {
    expect((await refusal({ cert })).setting).toBe('docker.tls.key_file');
    expect((await refusal({ key })).setting).toBe('docker.tls.cert_file');
  });

  test('a key of another certificate', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const other = await put('other.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
    const error = await refusal({ cert, key: other });
    expect(error.setting).toBe('docker.tls.key_file');
    expect(error.message).toContain('is not the key of');
  });
});
