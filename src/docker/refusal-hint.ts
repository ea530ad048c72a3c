/** The environment variable of the proxies below that lets an endpoint through. */
const VARIABLES: readonly [endpoint: RegExp, variable: string][] = [
  [/^\/containers\/[^/]+\/logs$/, 'ALLOW_LOGS'],
  [/^\/containers\//, 'CONTAINERS'],
  [/^\/events$/, 'EVENTS'],
  [/^\/_ping$/, 'PING'],
];

/** What moby answers where a plugin refuses (moby: pkg/authorization/response.go, daemon/pkg/authorization). */
const BY_PLUGIN = /authorization denied by plugin/i;

/**
 * What to do about a request that was refused (401, 403): names the endpoint, and the setting that lets it through. An
 * Engine itself refuses nobody, so it is an authorization plugin or a socket proxy. Tecnativa/docker-socket-proxy and
 * its fork linuxserver/docker-socket-proxy have a variable for each endpoint (their haproxy.cfg; logs have one of their
 * own in newer versions, and belong to CONTAINERS in older ones); wollomatic/socket-proxy has a pattern of paths.
 *
 * @param path with or without the version
 * @param message the words of the answer
 */
export function refusalHint(path: string, message: string): string {
  const endpoint = endpointOf(path);
  if (BY_PLUGIN.test(message)) return `let the authorization plugin of the Engine permit GET ${endpoint}`;
  const variable = VARIABLES.find(([pattern]) => pattern.test(endpoint))?.[1];
  const set = variable === undefined ? '' : `set ${variable}=1 in tecnativa or linuxserver socket-proxy, or `;
  return `let the socket proxy before the Engine permit GET ${endpoint}: ${set}add it to -allowGET of wollomatic/socket-proxy`;
}

/** Without the version, and with `{id}` for an id. */
function endpointOf(path: string): string {
  return path
    .replace(/\?.*$/s, '')
    .replace(/^\/v\d+\.\d+(?=\/)/, '')
    .replace(/^\/containers\/[^/]+\/(?=[^/]+$)/, '/containers/{id}/');
}
