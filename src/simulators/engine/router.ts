import type { IncomingMessage, ServerResponse } from 'node:http';
import { NS_PER_MS } from '../../model/nanoseconds.js';
import { versionProblem } from './api-version.js';
import { inspectJson, listJson } from './container-json.js';
import type { SimulatedContainer } from './container.js';
import type { Daemon } from './daemon.js';
import { answerEvents } from './events-endpoint.js';
import { Exchange } from './exchange.js';
import type { Endpoint } from './faults.js';
import { parseFilters, passes, passesLabels } from './filters.js';
import { answerLogs } from './logs-endpoint.js';
import { flag } from './query-values.js';

interface Route {
  readonly endpoint: Endpoint;
  /** An id or a name. */
  readonly container?: string;
}

/** The filters of the list that are simulated; the Engine has more. */
const LIST_FILTERS = ['id', 'name', 'label', 'status'];

/** Answers a request as the Engine does. Settles when the answer is given, or nobody waits for it. */
export async function answer(
  daemon: Daemon,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://engine');
  const [, version, path] = /^(?:\/v([0-9.]+))?(\/.*)$/.exec(url.pathname) as unknown as [
    string,
    string | undefined,
    string,
  ];
  const method = request.method ?? 'GET';
  const route = findRoute(method, path);
  const record = {
    method,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    endpoint: route?.endpoint,
    containerId: undefined,
    status: 0,
    finished: false,
    bytes: undefined,
  };
  daemon.requests.add(record);
  const exchange = new Exchange(daemon, request, response, url.searchParams, version, record);
  if (method !== 'GET' && method !== 'HEAD') daemon.requests.violation(`${method} ${url.pathname}`);
  if (route === undefined) {
    exchange.text(404, 'application/json', '{"message":"page not found"}\n');
    return;
  }
  setCommonHeaders(daemon, response);
  const problem = versionProblem(exchange.version, daemon.profile);
  if (problem !== undefined) {
    exchange.error(400, problem);
    return;
  }
  response.setHeader('Docker-Experimental', 'false');
  await dispatch(exchange, route);
}

/** moby: api/server/middleware/version.go. */
function setCommonHeaders(daemon: Daemon, response: ServerResponse): void {
  // Of the clock that its stamps have: a collector judges that clock by it.
  response.setHeader('Date', new Date(Number(daemon.clock.now() / NS_PER_MS)).toUTCString());
  response.setHeader('Server', `Docker/${daemon.profile.engineVersion} (linux)`);
  response.setHeader('Api-Version', daemon.profile.apiVersion);
  response.setHeader('Ostype', 'linux');
}

function findRoute(method: string, path: string): Route | undefined {
  if (path === '/_ping') return method === 'GET' || method === 'HEAD' ? { endpoint: 'ping' } : undefined;
  if (method !== 'GET') return undefined;
  if (path === '/version') return { endpoint: 'version' };
  if (path === '/events') return { endpoint: 'events' };
  if (path === '/containers/json') return { endpoint: 'list' };
  const match = /^\/containers\/(.+)\/(json|logs)$/.exec(path);
  if (match === null) return undefined;
  const endpoint = match[2] === 'logs' ? 'logs' : 'inspect';
  try {
    return { endpoint, container: decodeURIComponent(match[1] as string) };
  } catch {
    return undefined;
  }
}

async function dispatch(exchange: Exchange, route: Route): Promise<void> {
  const { daemon } = exchange;
  const wanted = route.container;
  const found = wanted === undefined ? undefined : daemon.containers.find(wanted);
  const names = wanted === undefined ? [] : [wanted];
  if (typeof found === 'object') {
    names.push(found.id, found.name);
    exchange.record.containerId = found.id;
  }
  if (!(await exchange.strike(daemon.faults.take(route.endpoint, names)))) return;

  switch (route.endpoint) {
    case 'ping':
      await ping(exchange);
      return;
    case 'version':
      await exchange.json(versionJson(daemon));
      return;
    case 'list':
      await list(exchange);
      return;
    case 'events':
      await answerEvents(exchange);
      return;
    case 'inspect':
    case 'logs':
      if (found === 'none') exchange.error(404, `No such container: ${wanted ?? ''}`);
      else if (found === 'several') {
        exchange.error(400, `multiple IDs found with provided prefix: ${wanted ?? ''}`);
      } else if (route.endpoint === 'inspect') await exchange.json(inspectJson(found as SimulatedContainer));
      else await answerLogs(exchange, found as SimulatedContainer);
  }
}

/** moby: api/server/router/system/system_routes.go, pingHandler. */
async function ping(exchange: Exchange): Promise<void> {
  const { daemon, request, response } = exchange;
  response.setHeader('Cache-Control', 'no-cache, no-store, must-revalidate');
  response.setHeader('Pragma', 'no-cache');
  if (daemon.profile.modernPing) {
    response.setHeader('Builder-Version', '2');
    response.setHeader('Swarm', 'inactive');
  }
  await exchange.whole('text/plain; charset=utf-8', request.method === 'HEAD' ? '' : 'OK');
}

function versionJson({ profile }: Daemon): object {
  return {
    Platform: { Name: '' },
    Components: [{ Name: 'Engine', Version: profile.engineVersion, Details: {} }],
    Version: profile.engineVersion,
    ApiVersion: profile.apiVersion,
    MinAPIVersion: profile.minApiVersion,
    GitCommit: '0000000',
    GoVersion: 'go1.24',
    Os: 'linux',
    Arch: 'amd64',
    KernelVersion: '6.1.0',
    BuildTime: '2026-01-01T00:00:00.000000000+00:00',
  };
}

/** moby: daemon/list.go. Only running ones without `all`; a filter for a status stands for `all`. */
async function list(exchange: Exchange): Promise<void> {
  const { daemon, query } = exchange;
  const filters = parseFilters(query.get('filters'));
  const unknown = filters && [...filters.keys()].find((name) => !LIST_FILTERS.includes(name));
  if (filters === undefined || unknown !== undefined) {
    exchange.error(400, `invalid filter '${unknown ?? ''}'`);
    return;
  }
  const all = flag(query, 'all') || (filters.get('status') ?? []).length > 0;
  const shown = daemon.containers
    .list()
    .filter(
      (container) =>
        (all || container.running) &&
        passes(filters, 'id', (value) => container.id.startsWith(value)) &&
        passes(filters, 'name', (value) => container.name.includes(value.replace(/^\//, ''))) &&
        passes(filters, 'status', (value) => container.state === value) &&
        passesLabels(filters, container.labels),
    );
  const limit = Number(query.get('limit') ?? 0);
  await exchange.json((limit > 0 ? shown.slice(0, limit) : shown).map(listJson));
}
