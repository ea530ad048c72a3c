import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { PollardError } from '../model/errors.js';
import type { TlsMaterial } from './endpoint.js';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
}

/**
 * Reads and checks the TLS files of the Engine, so that a bad one is told with its name and not as a failed
 * handshake later.
 *
 * @throws PollardError `docker_tls_invalid`, naming docker.tls.ca_file, .cert_file or .key_file
 */
export async function readTlsFiles(files: TlsFiles): Promise<TlsMaterial> {
  const ca = await pem('ca', files.ca);
  const cert = await pem('cert', files.cert);
  const key = await pem('key', files.key);
  check('ca', files.ca, ca, (bytes) => new X509Certificate(bytes));
  check('cert', files.cert, cert, (bytes) => new X509Certificate(bytes));
  check('key', files.key, key, (bytes) => createPrivateKey(bytes));
  if (cert && !key)
    throw bad('key', 'a client certificate is set, but not its key', 'set docker.tls.key_file too');
  if (key && !cert)
    throw bad('cert', 'a key is set, but not its certificate', 'set docker.tls.cert_file too');
  if (cert && key && !new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw bad(
      'key',
      `${files.key ?? ''} is not the key of ${files.cert ?? ''}`,
      'take both from the same folder',
    );
  }
  return {
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(files.servername !== undefined ? { servername: files.servername } : {}),
  };
}

type Part = 'ca' | 'cert' | 'key';

async function pem(part: Part, path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (error) {
    throw bad(
      part,
      `cannot be read: ${(error as Error).message}`,
      'check the path and its permissions',
      error,
    );
  }
}

function check(
  part: Part,
  path: string | undefined,
  bytes: Buffer | undefined,
  parse: (pem: Buffer) => unknown,
): void {
  if (bytes === undefined) return;
  try {
    parse(bytes);
  } catch (error) {
    const what = part === 'key' ? 'a private key' : 'a certificate';
    throw bad(part, `${path ?? ''} is not ${what} in PEM form`, 'check that it is the right file', error);
  }
}

function bad(part: Part, problem: string, hint: string, cause?: unknown): PollardError {
  return new PollardError('docker_tls_invalid', `docker.tls.${part}_file: ${problem}`, {
    setting: `docker.tls.${part}_file`,
    hint,
    exit: 'usage',
    cause,
  });
}
