import { readFileSync, statSync } from 'node:fs';
import type { Config } from '../../config/schema.js';
import { secretsOf } from '../../config/secrets.js';

/** A larger file is no token, but a wrong path. */
const MAX_BYTES = 64 * 1024;

/**
 * Everything that a command must not print, wherever it turns up: the secrets of the configuration, and those in
 * the files that it names, as they are now. A file that cannot be read holds none; who needs it says so.
 */
export function knownSecrets(config: Config): string[] {
  const { basic_auth: basic, bearer_token_file: bearer } = config.loki;
  const secrets = secretsOf(config);
  const password = fileText(basic?.password_file);
  if (basic !== undefined && password !== undefined) {
    secrets.push(password, Buffer.from(`${basic.username}:${password}`).toString('base64'));
  }
  for (const path of [bearer, config.status.token_file]) {
    const token = fileText(path);
    if (token !== undefined) secrets.push(token);
  }
  return secrets;
}

function fileText(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    // A named pipe would be waited for.
    const found = statSync(path);
    if (!found.isFile() || found.size > MAX_BYTES) return undefined;
    const text = readFileSync(path, 'utf8').trim();
    return text === '' ? undefined : text;
  } catch {
    return undefined;
  }
}
