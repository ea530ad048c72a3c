import { EngineApi, type EngineApiOptions } from '../../src/docker/engine-api.js';
import { SocketLedger } from '../../src/docker/socket-ledger.js';
import { systemClock } from '../../src/model/system-clock.js';

export const never = new AbortController().signal;

/** The API of an Engine on this socket, with all its sockets counted. */
export function engineApi(
  path: string,
  options: Partial<Omit<EngineApiOptions, 'endpoint' | 'ledger'>> = {},
): { readonly api: EngineApi; readonly ledger: SocketLedger } {
  const ledger = new SocketLedger();
  const bounds = { clock: systemClock, timeoutMs: 30_000, maxBytes: 16 * 1024 * 1024 };
  const api = new EngineApi({ endpoint: { kind: 'unix', path }, ledger, ...bounds, ...options });
  return { api, ledger };
}
