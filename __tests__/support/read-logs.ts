import { connectionError } from '../../src/docker/connection-error.js';
import type { EngineEndpoint } from '../../src/docker/endpoint.js';
import {
  requestLogs,
  type LogsRequestOptions,
  type LogsRequestResult,
} from '../../src/docker/logs-request.js';
import { SocketLedger } from '../../src/docker/socket-ledger.js';
import { statusError } from '../../src/docker/status-error.js';
import { never } from './engine-api.js';
import { Collected } from './wire.js';

export interface LogsReader {
  readonly ledger: SocketLedger;
  readonly collected: Collected;
  /** Reads one answer; `open` tells how many sockets there were the moment it was settled. */
  read(over?: Partial<LogsRequestOptions>): Promise<LogsRequestResult>;
  /** The texts read so far. */
  texts(): string[];
  /** Sockets there were the moment each read was settled. */
  readonly openAtEnd: number[];
}

/** Reads logs of one container as the collector does, with all its sockets counted. */
export function logsReader(endpoint: EngineEndpoint, containerId: string, paced = true): LogsReader {
  const ledger = new SocketLedger();
  const collected = new Collected();
  const openAtEnd: number[] = [];
  const question = { endpoint, path: `/v1.41/containers/${containerId}/logs`, container: 'web' };
  return {
    ledger,
    collected,
    openAtEnd,
    read: async (over = {}) => {
      const note = (): void => void openAtEnd.push(ledger.open);
      const reading = requestLogs({
        endpoint,
        ledger,
        unpaced: !paced,
        versionPath: '/v1.41',
        containerId,
        tty: false,
        sink: collected,
        signal: never,
        maxFrameBytes: 1024 * 1024,
        idleTimeout: 30_000,
        statusError: (status, body) => statusError(question, status, body),
        connectionError: (cause) => connectionError(question, cause),
        ...over,
      });
      reading.then(note, note);
      return await reading;
    },
    texts: () => collected.entries.map(({ text }) => text.toString()),
  };
}
