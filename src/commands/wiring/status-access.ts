import { readFile } from 'node:fs/promises';
import type { Config } from '../../config/schema.js';
import { PollardError } from '../../model/errors.js';

/**
 * The token that the status page asks for; undefined: none.
 *
 * @throws PollardError `status_file_unusable`
 */
export async function statusToken({ status }: Config): Promise<string | undefined> {
  const { token_file: path } = status;
  if (path === undefined) return undefined;
  const token = (await readStatusFile('status.token_file', path)).trim();
  if (token !== '' && !/\s/.test(token)) return token;
  throw new PollardError('status_file_unusable', `status.token_file: ${path} holds no token`, {
    setting: 'status.token_file',
    hint: 'write one word into it, such as the output of: openssl rand -hex 32',
    exit: 'usage',
  });
}

/**
 * The certificate that the status page shows, in PEM form; undefined: it speaks no TLS.
 *
 * @throws PollardError `status_file_unusable`
 */
export async function statusCertificate({ status }: Config): Promise<string | undefined> {
  if (status.tls === undefined) return undefined;
  return await readStatusFile('status.tls.cert_file', status.tls.cert_file);
}

/**
 * Certificate and key.
 *
 * @throws PollardError `status_file_unusable`
 */
export async function statusTls(config: Config): Promise<{ cert: string; key: string } | undefined> {
  const cert = await statusCertificate(config);
  const { tls } = config.status;
  if (cert === undefined || tls === undefined) return undefined;
  return { cert, key: await readStatusFile('status.tls.key_file', tls.key_file) };
}

async function readStatusFile(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const problem = `${setting}: ${path} cannot be read: ${(error as Error).message}`;
    throw new PollardError('status_file_unusable', problem, {
      setting,
      hint: 'check the path and its permissions',
      exit: 'usage',
      cause: error,
    });
  }
}
