import { LokiSettingError } from './loki-error.js';
import { SecretFile } from './secret-file.js';
import type { LokiSettings } from './settings.js';

/** The Authorization header of the requests to Loki. */
export interface Authorization {
  /** Its value at present; undefined: none. Looks whether the secret was renewed. */
  value(): Promise<string | undefined>;
  /** After a 401: true when there is another value now, so that asking again may help. */
  renew(): Promise<boolean>;
}

/**
 * Basic authentication or a bearer token, as the settings say.
 *
 * @throws LokiSettingError for both at once, a missing password, or a file that cannot be used
 */
export async function readAuthorization(
  settings: Pick<LokiSettings, 'basicAuth' | 'bearerTokenFile'>,
): Promise<Authorization> {
  const { basicAuth, bearerTokenFile } = settings;
  if (basicAuth !== undefined && bearerTokenFile !== undefined) {
    throw new LokiSettingError(
      'loki.bearer_token_file',
      'stands beside loki.basic_auth, and a request can carry only one of them',
      'take one of them out',
    );
  }
  if (bearerTokenFile !== undefined) {
    const token = await SecretFile.open('loki.bearer_token_file', bearerTokenFile);
    return fromFile(token, (secret) => `Bearer ${secret}`);
  }
  if (basicAuth === undefined) return fixed(undefined);
  const { username, password, passwordFile } = basicAuth;
  if (username.includes(':')) {
    throw new LokiSettingError('loki.basic_auth.username', 'holds a colon', 'RFC 7617 allows none there');
  }
  const basic = (secret: string) => `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}`;
  if (passwordFile !== undefined && password === undefined) {
    return fromFile(await SecretFile.open('loki.basic_auth.password_file', passwordFile), basic);
  }
  if (password === undefined || passwordFile !== undefined) {
    throw new LokiSettingError(
      'loki.basic_auth',
      password === undefined ? 'has no password' : 'has a password and a password_file',
      'set loki.basic_auth.password_file',
    );
  }
  return fixed(basic(password));
}

function fixed(value: string | undefined): Authorization {
  return { value: () => Promise.resolve(value), renew: () => Promise.resolve(false) };
}

function fromFile(file: SecretFile, header: (secret: string) => string): Authorization {
  return {
    value: async () => {
      await file.renew(false);
      return header(file.current);
    },
    renew: () => file.renew(true),
  };
}
