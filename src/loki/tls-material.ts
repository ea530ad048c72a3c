import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { LokiSettingError } from './loki-error.js';
import type { LokiTlsSettings } from './settings.js';

/** As `tls.connect` takes it. */
export interface LokiTlsMaterial {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

/**
 * Reads and checks the PEM files, so that a bad one is told by its setting and not as a failed handshake later.
 *
 * @throws LokiSettingError
 */
export async function readTlsMaterial(tls: LokiTlsSettings | undefined): Promise<LokiTlsMaterial> {
  if (tls === undefined) return { rejectUnauthorized: true };
  const ca = await pem('loki.tls.ca_file', tls.caFile, 'a certificate', asCertificate);
  const cert = await pem('loki.tls.cert_file', tls.certFile, 'a certificate', asCertificate);
  const key = await pem('loki.tls.key_file', tls.keyFile, 'a private key', createPrivateKey);
  if (cert && !key) {
    throw new LokiSettingError('loki.tls.key_file', 'is not set, but a certificate is', 'set both or none');
  }
  if (key && !cert) {
    throw new LokiSettingError('loki.tls.cert_file', 'is not set, but a key is', 'set both or none');
  }
  if (cert && key && !asCertificate(cert).checkPrivateKey(createPrivateKey(key))) {
    const problem = `${tls.keyFile ?? ''} is not the key of ${tls.certFile ?? ''}`;
    throw new LokiSettingError('loki.tls.key_file', problem, 'take both from the same place');
  }
  return {
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    rejectUnauthorized: !tls.insecureSkipVerify,
  };
}

function asCertificate(bytes: Buffer): X509Certificate {
  return new X509Certificate(bytes);
}

async function pem(
  setting: string,
  path: string | undefined,
  what: string,
  parse: (bytes: Buffer) => unknown,
): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const problem = `${path} cannot be read: ${(error as Error).message}`;
    throw new LokiSettingError(setting, problem, 'check the path and its permissions', error);
  }
  try {
    // The parsers take other forms too, but a TLS connection does not.
    if (!bytes.includes('-----BEGIN ')) throw new Error('there is no PEM block');
    parse(bytes);
  } catch (error) {
    // The parser's own message may show a part of the key.
    throw new LokiSettingError(
      setting,
      `${path} is not ${what} in PEM form`,
      'check that it is the right file',
      {
        code: (error as NodeJS.ErrnoException).code,
      },
    );
  }
  return bytes;
}
