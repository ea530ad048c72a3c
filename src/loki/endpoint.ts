import { LokiSettingError } from './loki-error.js';

const PUSH = '/loki/api/v1/push';

/** Where a Loki is. */
export interface LokiEndpoint {
  /** Without the API's own path, without a slash at the end. */
  readonly base: string;
  readonly pushUrl: string;
}

/**
 * Reads `loki.url`: the base, or the whole push URL.
 *
 * @throws LokiSettingError
 */
export function readEndpoint(text: string): LokiEndpoint {
  const url = httpUrl('loki.url', text);
  if (url.username !== '' || url.password !== '') {
    throw new LokiSettingError(
      'loki.url',
      'holds a user name or a password',
      'take them out and set loki.basic_auth instead',
    );
  }
  if (url.search !== '' || url.hash !== '') {
    throw new LokiSettingError('loki.url', 'has a query or a fragment', 'give the URL up to its path');
  }
  const path = url.pathname.replace(/\/+$/, '');
  if (path.endsWith('/otlp/v1/logs') || (path.endsWith('/push') && !path.endsWith(PUSH))) {
    throw new LokiSettingError(
      'loki.url',
      `${path} is not the path that Loki takes pushes at`,
      `give the base, such as ${url.origin}, or the URL that ends in ${PUSH}`,
    );
  }
  const base = `${url.origin}${path.endsWith(PUSH) ? path.slice(0, -PUSH.length) : path}`;
  return { base, pushUrl: `${base}${PUSH}` };
}

/**
 * A URL with http or https.
 *
 * @throws LokiSettingError naming the setting, never showing the text: it may hold a password
 */
export function httpUrl(setting: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new LokiSettingError(
      setting,
      'is not a URL with http:// or https://',
      'write it as http://host:3100',
    );
  }
  return url;
}
