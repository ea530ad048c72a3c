import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LokiSettingError } from '../../../src/loki/loki-error.js';
import type { LokiTlsSettings } from '../../../src/loki/settings.js';
import { readTlsMaterial } from '../../../src/loki/tls-material.js';
import { makeCertificates, type TestCertificates } from '../../support/certificates.js';

let folder: string;
let made: TestCertificates;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pollard-tls-material-'));
  made = makeCertificates(folder);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const put = (name: string, content: string | Buffer): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const settings = (more: Partial<LokiTlsSettings>): LokiTlsSettings => ({
  insecureSkipVerify: false,
  ...more,
});

async function refusal(more: Partial<LokiTlsSettings>): Promise<LokiSettingError> {
  const error: unknown = await readTlsMaterial(settings(more)).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LokiSettingError);
  expect((error as LokiSettingError).hint).toMatch(/\w/);
  return error as LokiSettingError;
}

describe('what is taken', () => {
  test('nothing set: the certificate is looked at all the same', async () => {
    expect(await readTlsMaterial(undefined)).toEqual({ rejectUnauthorized: true });
    expect(await readTlsMaterial(settings({}))).toEqual({ rejectUnauthorized: true });
  });

  test('the files as they are, the name, and that nothing is looked at where that is set', async () => {
    const { authority, client } = made;
    const { certFile, keyFile } = client;
    const tls = settings({ caFile: authority.certFile, certFile, keyFile, serverName: 'loki.internal' });
    expect(await readTlsMaterial({ ...tls, insecureSkipVerify: true })).toEqual({
      ca: Buffer.from(authority.cert),
      cert: Buffer.from(client.cert),
      key: Buffer.from(client.key),
      servername: 'loki.internal',
      rejectUnauthorized: false,
    });
  });

  test('a file with several authorities, and words before them', async () => {
    const bundle = `# ours\n${made.authority.cert}${made.stranger.cert}`;
    expect((await readTlsMaterial(settings({ caFile: put('bundle.pem', bundle) }))).ca?.toString()).toBe(
      bundle,
    );
  });
});

describe('what is told at start, and not as a failed handshake later', () => {
  test.each([
    ['caFile', 'loki.tls.ca_file'],
    ['certFile', 'loki.tls.cert_file'],
    ['keyFile', 'loki.tls.key_file'],
  ] as const)('%s: not there, or something else', async (name, setting) => {
    const other = { certFile: made.client.certFile, keyFile: made.client.keyFile };
    for (const path of [join(folder, 'none.pem'), put('text.pem', 'hello'), put('empty.pem', '')]) {
      const error = await refusal({ ...other, [name]: path });
      expect(error.setting).toBe(setting);
      expect(error.message).toContain(path);
    }
  });

  test('a certificate that is not in PEM form', async () => {
    const der = put('der.pem', new X509Certificate(made.authority.cert).raw);
    const error = await refusal({ caFile: der });
    expect(error.setting).toBe('loki.tls.ca_file');
    expect(error.message).toContain('PEM');
  });

  test('one without the other, or two that do not belong together', async () => {
    const { certFile, keyFile } = made.client;
    expect((await refusal({ certFile })).setting).toBe('loki.tls.key_file');
    expect((await refusal({ keyFile })).setting).toBe('loki.tls.cert_file');
    const stranger = await refusal({ certFile, keyFile: made.stranger.keyFile });
    expect(stranger.setting).toBe('loki.tls.key_file');
    expect(stranger.message).toContain('is not the key of');
  });

  test('a broken key, and nothing of it is shown', async () => {
    const broken = made.client.key.replace(/\n[A-Za-z0-9+/]{20}/, '\ns3cret');
    const error = await refusal({ certFile: made.client.certFile, keyFile: put('broken.key', broken) });
    expect(error.setting).toBe('loki.tls.key_file');
    expect(`${error.message} ${error.hint} ${JSON.stringify(error.cause)}`).not.toContain('s3cret');
  });
});
