import { validateHeaderValue } from 'node:http';
import { LokiSettingError } from './loki-error.js';
import { SecretFile } from './secret-file.js';
import type { LokiSettings } from './settings.js';

/** What a request is authorized by. */
export interface Credentials {
  /** Authorization. */
  readonly header: string;
  /** What of it must not be shown. */
  readonly secrets: readonly string[];
}

/** The Authorization header of the requests to Loki. */
export interface Authorization {
  /** Undefined: none. Looks whether the secret was renewed. */
  current(): Promise<Credentials | undefined>;
  /** After a 401: true when there are others now than those sent, so that asking again may help. */
  renew(sent: Credentials | undefined): Promise<boolean>;
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
    const token = await SecretFile.open('loki.bearer_token_file', bearerTokenFile, unsendable);
    return fromFile(token, bearer);
  }
  if (basicAuth === undefined) return fixed(undefined);
  const { username, password, passwordFile } = basicAuth;
  if (username.includes(':')) {
    throw new LokiSettingError('loki.basic_auth.username', 'holds a colon', 'RFC 7617 allows none there');
  }
  const basic = (secret: string): Credentials => {
    const encoded = Buffer.from(`${username}:${secret}`).toString('base64');
    return { header: `Basic ${encoded}`, secrets: secretsOf(encoded, secret) };
  };
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

function bearer(token: string): Credentials {
  return { header: `Bearer ${token}`, secrets: secretsOf(token) };
}

function unsendable(token: string): string | undefined {
  try {
    validateHeaderValue('authorization', `Bearer ${token}`);
    return undefined;
  } catch {
    return 'holds characters that cannot be sent in a header';
  }
}

/** A shorter one would be found by chance in ordinary words, and guards nothing. */
const SHORTEST = 4;

function secretsOf(...secrets: string[]): string[] {
  return secrets.filter((secret) => secret.length >= SHORTEST);
}

function fixed(credentials: Credentials | undefined): Authorization {
  return { current: () => Promise.resolve(credentials), renew: () => Promise.resolve(false) };
}

function fromFile(file: SecretFile, credentials: (secret: string) => Credentials): Authorization {
  return {
    current: async () => {
      await file.renew(false);
      return credentials(file.current);
    },
    // Held against what was sent, and not against what is known: another request may have renewed it meanwhile.
    renew: async (sent) => {
      await file.renew(true);
      return credentials(file.current).header !== sent?.header;
    },
  };
}
