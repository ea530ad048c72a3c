import { connectionError } from '../docker/connection-error.js';
import type { EngineApi } from '../docker/engine-api.js';
import { EngineError } from '../docker/engine-error.js';
import { requestLogs } from '../docker/logs-request.js';
import type { SocketLedger } from '../docker/socket-ledger.js';
import { statusError } from '../docker/status-error.js';
import type { EntrySink } from '../docker/entry-sink.js';
import type { LogsAnswer, LogSource, LogsRequest } from './log-source.js';

export interface DockerLogSourceOptions {
  readonly api: EngineApi;
  readonly ledger: SocketLedger;
  /** Bytes of one entry. */
  readonly maxFrameBytes: number;
  /** ms without a byte from the Engine, while we are reading. */
  readonly idleTimeout: number;
}

/** Logs from a Docker Engine: each answer over a connection of its own, in the version agreed upon. */
export function dockerLogSource(options: DockerLogSourceOptions): LogSource {
  return async (request, sink) => {
    try {
      return await readOnce(options, request, sink);
    } catch (error) {
      // Another Engine may be behind the address now: agreed anew and asked once more.
      if (!(error instanceof EngineError) || error.code !== 'engine_version_refused') throw error;
      return await readOnce(options, request, sink);
    }
  };
}

async function readOnce(
  options: DockerLogSourceOptions,
  request: LogsRequest,
  sink: EntrySink,
): Promise<LogsAnswer> {
  const { api, ledger, maxFrameBytes, idleTimeout } = options;
  const { containerId, containerName, tty, tail, since, lastWords, signal, flow } = request;
  const spoken = await api.version(signal);
  const { versionPath } = spoken;
  const question = {
    endpoint: api.endpoint,
    path: `${versionPath}/containers/${containerId}/logs`,
    container: containerName,
  };
  const reading = requestLogs({
    endpoint: api.endpoint,
    ledger,
    versionPath,
    containerId,
    tty,
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since }),
    ...(lastWords === undefined ? {} : { lastWords }),
    sink,
    signal,
    ...(flow === undefined ? {} : { pause: () => flow.pause() }),
    maxFrameBytes,
    idleTimeout,
    statusError: (status, body) => statusError(question, status, body),
    connectionError: (cause) => connectionError(question, cause),
  });
  try {
    return await reading;
  } catch (error) {
    api.versions.failed(error, spoken);
    throw error;
  }
}
