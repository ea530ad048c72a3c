import { userInfo } from 'node:os';
import type { Config } from '../../config/schema.js';
import { isNewerThanKnown } from '../../docker/api-version.js';
import { endpointText } from '../../docker/endpoint.js';
import type { Clock } from '../../model/clock.js';
import type { ContainerSummary } from '../../model/container.js';
import { engineParts, UNKNOWN_VERSION, type EngineParts } from '../wiring/engine-parts.js';
import { fileCertificates, peerCertificates } from './certificates.js';
import { failedPart, goodPart, warning, type Part, type Trouble } from './part.js';

/** An Engine that answers. */
export interface SeenEngine {
  readonly engine: EngineParts;
  readonly containers: readonly ContainerSummary[];
}

export interface EngineCheck {
  readonly part: Part;
  /** Undefined: it does not answer as it must. */
  readonly seen: SeenEngine | undefined;
}

/**
 * Asks the Engine all that a collector asks but for logs: ping, events, list. What one of them is refused, a proxy
 * before the socket may refuse alone.
 */
export async function checkEngine(config: Config, clock: Clock, signal: AbortSignal): Promise<EngineCheck> {
  const warnings: Trouble[] = [];
  try {
    const engine = await engineParts(config, clock);
    const { endpoint } = engine.api;
    warnings.push(...(await certificateWarnings(config, engine, clock, signal)));
    await engine.engine.events(signal);
    const containers = await engine.engine.list(signal, ({ problem, excerpt }) => {
      const message = `a container in the list cannot be understood and is not collected (${problem}): ${excerpt}`;
      warnings.push(
        warning('container_malformed', message, 'check that no proxy rewrites the answers', 'docker.host'),
      );
    });
    // Agreed by now: a version that is refused was replaced by another.
    const { engineVersion, apiVersion, engineApiVersion } = await engine.api.version(signal);
    if (isNewerThanKnown(apiVersion)) {
      const message = `${UNKNOWN_VERSION} (API ${apiVersion})`;
      warnings.push(warning('engine_newer', message, 'upgrade Pollard', 'docker.host'));
    }
    const running = containers.filter(({ state }) => state === 'running').length;
    const address = endpointText(endpoint);
    const version = engineVersion === undefined ? '' : `Engine ${engineVersion}, `;
    const summary = `${address}: ${version}API ${apiVersion}, ${counted(containers.length)}, ${running} running`;
    const facts = {
      address,
      engine_version: engineVersion ?? null,
      api_version: apiVersion,
      engine_api_version: engineApiVersion,
      containers: containers.length,
      running,
    };
    return { part: goodPart('engine', summary, { warnings, facts }), seen: { engine, containers } };
  } catch (error) {
    const part = failedPart('engine', error, 'docker.host', {
      warnings,
      facts: { address: config.docker.host },
    });
    return { part: withUser(part), seen: undefined };
  }
}

/** Whose permission is missing: an operator seldom is the user that the service runs as. */
function withUser(part: Part): Part {
  const { failure } = part;
  if (failure?.code !== 'engine_permission') return part;
  return { ...part, failure: { ...failure, message: `${failure.message} (as user ${userName()})` } };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // No entry in /etc/passwd, as is usual in containers.
    return String(process.getuid?.() ?? 'unknown');
  }
}

function counted(containers: number): string {
  return `${containers} ${containers === 1 ? 'container' : 'containers'}`;
}

async function certificateWarnings(
  config: Config,
  { api: { endpoint } }: EngineParts,
  clock: Clock,
  signal: AbortSignal,
): Promise<Trouble[]> {
  if (endpoint.kind === 'unix' || endpoint.tls === undefined) return [];
  const { tls } = config.docker;
  return [
    ...fileCertificates('docker.tls.cert_file', tls?.cert_file, endpoint.tls.cert, clock.now()),
    ...(await peerCertificates(
      {
        host: endpoint.host,
        port: endpoint.port,
        servername: endpoint.tls.servername,
        cert: endpoint.tls.cert,
        key: endpoint.tls.key,
        owner: 'the Engine',
        setting: 'docker.host',
      },
      clock.now(),
      signal,
    )),
  ];
}
