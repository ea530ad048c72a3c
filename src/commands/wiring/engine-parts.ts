import { DockerEngine } from '../../collector/docker-engine.js';
import { dockerLogSource } from '../../collector/docker-log-source.js';
import type { Engine } from '../../collector/engine.js';
import type { LogSource } from '../../collector/log-source.js';
import { mayPassOverFiles, type SinceSemantics } from '../../docker/api-version.js';
import type { Config } from '../../config/schema.js';
import { endpointText, parseEndpoint } from '../../docker/endpoint.js';
import { EngineApi } from '../../docker/engine-api.js';
import { SocketLedger } from '../../docker/socket-ledger.js';
import { readTlsFiles } from '../../docker/tls-files.js';
import type { Clock } from '../../model/clock.js';
import type { Logger } from '../../model/logger.js';
import { silentLogger } from '../silent-logger.js';

/** All that speaks with one Engine. */
export interface EngineParts {
  readonly api: EngineApi;
  readonly engine: Engine;
  readonly readLogs: LogSource;
  /** Counts the sockets to the Engine. */
  readonly ledger: SocketLedger;
  readonly sinceSemantics: () => SinceSemantics;
  /** The Engine may go on with the next file behind a damaged record. */
  readonly passesOverFiles: () => boolean;
}

/**
 * @param logger where an Engine with an API that is not known to us is reported
 * @throws PollardError `docker_host_invalid`, `docker_tls_invalid`
 */
export async function engineParts(
  config: Config,
  clock: Clock,
  logger: Pick<Logger, 'warn'> = silentLogger,
): Promise<EngineParts> {
  const { docker, poll } = config;
  const tls = docker.tls === undefined ? undefined : await readTlsFiles(tlsFiles(docker.tls));
  const ledger = new SocketLedger();
  const endpoint = parseEndpoint(docker.host, tls);
  const api = new EngineApi({
    endpoint,
    ledger,
    clock,
    timeoutMs: docker.timeout,
    maxBytes: docker.max_answer_bytes,
    onUnknownVersion: ({ apiVersion }) =>
      logger.warn(UNKNOWN_VERSION, { engine: endpointText(endpoint), api_version: apiVersion }),
  });
  return {
    api,
    ledger,
    engine: new DockerEngine(api, clock),
    readLogs: dockerLogSource({
      api,
      ledger,
      maxFrameBytes: poll.max_frame_bytes,
      idleTimeout: poll.idle_timeout,
    }),
    // Before the first agreement the older meaning, which the newer Engines understand as well.
    sinceSemantics: () => api.versions.agreed?.since ?? 'filter',
    passesOverFiles: () => {
      const { agreed } = api.versions;
      return agreed !== undefined && mayPassOverFiles(agreed.engineApiVersion);
    },
  };
}

/** What an operator should know of an Engine that serves only versions newer than any known one. */
export const UNKNOWN_VERSION =
  'the Engine serves only versions of the API that this Pollard does not know: the oldest of them is used; upgrade Pollard if something is not collected';

function tlsFiles({
  ca_file: ca,
  cert_file: cert,
  key_file: key,
  server_name,
}: NonNullable<Config['docker']['tls']>) {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(server_name === undefined ? {} : { servername: server_name }),
  };
}
