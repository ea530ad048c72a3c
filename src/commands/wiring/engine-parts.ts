import { DockerEngine } from '../../collector/docker-engine.js';
import { dockerLogSource } from '../../collector/docker-log-source.js';
import type { Engine } from '../../collector/engine.js';
import type { LogSource } from '../../collector/log-source.js';
import { mayPassOverFiles, type SinceSemantics } from '../../docker/api-version.js';
import type { Config } from '../../config/schema.js';
import { parseEndpoint } from '../../docker/endpoint.js';
import { EngineApi } from '../../docker/engine-api.js';
import { SocketLedger } from '../../docker/socket-ledger.js';
import { readTlsFiles } from '../../docker/tls-files.js';
import type { Clock } from '../../model/clock.js';

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

/** @throws PollardError `docker_host_invalid`, `docker_tls_invalid` */
export async function engineParts(config: Config, clock: Clock): Promise<EngineParts> {
  const { docker, poll } = config;
  const tls = docker.tls === undefined ? undefined : await readTlsFiles(tlsFiles(docker.tls));
  const ledger = new SocketLedger();
  const api = new EngineApi({
    endpoint: parseEndpoint(docker.host, tls),
    ledger,
    clock,
    timeoutMs: docker.timeout,
    maxBytes: docker.max_answer_bytes,
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

function tlsFiles({ ca, cert, key, server_name }: NonNullable<Config['docker']['tls']>) {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(server_name === undefined ? {} : { servername: server_name }),
  };
}
