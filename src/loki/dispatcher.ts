import { Agent, buildConnector, Pool, ProxyAgent, type Dispatcher } from 'undici';
import { httpUrl } from './endpoint.js';
import { LokiSettingError } from './loki-error.js';
import type { OpenSockets } from './open-sockets.js';
import type { LokiSettings } from './settings.js';
import type { LokiTlsMaterial } from './tls-material.js';

/** Below what servers and gateways keep an idle connection for: 60 s and more. */
const KEEP_ALIVE_MS = 30_000;
const CONNECT_MS = 10_000;

/**
 * The connections to Loki, kept alive and bounded in number, direct or by a proxy. Connects only when something
 * is asked.
 *
 * @param sockets gets to know each socket
 * @throws LokiSettingError for a proxy's URL that cannot work
 */
export function createDispatcher(
  settings: Pick<LokiSettings, 'proxyUrl' | 'timeoutMs' | 'maxInFlight'>,
  tls: LokiTlsMaterial,
  sockets: OpenSockets,
): Dispatcher {
  const options = {
    // One more, so that a question is not kept waiting by pushes.
    connections: settings.maxInFlight + 1,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    // The whole request has its own bound.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const timeout = Math.min(settings.timeoutMs, CONNECT_MS);
  if (settings.proxyUrl === undefined) {
    return new Agent({ ...options, connect: sockets.tracked(buildConnector({ ...tls, timeout })) });
  }
  const { uri, token } = readProxy(settings.proxyUrl);
  const known = <Own extends object>(own: Own & { connect?: unknown }): Own =>
    typeof own.connect === 'function'
      ? { ...own, connect: sockets.tracked(own.connect as buildConnector.connector) }
      : own;
  return new ProxyAgent({
    ...options,
    uri,
    ...(token === undefined ? {} : { token }),
    requestTls: { ...tls, timeout },
    proxyTls: { timeout },
    // Only https:// goes through CONNECT, which many proxies allow for port 443 alone.
    proxyTunnel: false,
    factory: (origin, own) => new Pool(origin, Object.assign({}, options, known(own))),
    // A CONNECT that the proxy never answers must end: until then its request cannot be given up, and holds one
    // of the connections.
    clientFactory: (origin, own) => new Pool(origin, { ...known(own), headersTimeout: timeout }),
  });
}

/** The proxy's URL without user and password, and what Proxy-Authorization says of them. */
function readProxy(text: string): { uri: string; token?: string } {
  const url = httpUrl('loki.proxy_url', text);
  const { username, password } = url;
  url.username = url.password = '';
  if (username === '' && password === '') return { uri: url.href };
  const user = `${decoded(username)}:${decoded(password)}`;
  return { uri: url.href, token: `Basic ${Buffer.from(user).toString('base64')}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new LokiSettingError(
      'loki.proxy_url',
      'has a user or a password with a % that stands for nothing',
      'write a percent sign in them as %25',
    );
  }
}
