import { EngineApi } from '../../src/docker/engine-api.js';
import { SocketLedger } from '../../src/docker/socket-ledger.js';
import type { Clock } from '../../src/model/clock.js';
import { systemClock } from '../../src/model/system-clock.js';

export const never = new AbortController().signal;

/** The API of an Engine on this socket, with all its sockets counted. */
export function engineApi(
  path: string,
  options: { readonly clock?: Clock; readonly timeoutMs?: number; readonly maxBytes?: number } = {},
): { readonly api: EngineApi; readonly ledger: SocketLedger } {
  const ledger = new SocketLedger();
  const { clock = systemClock, timeoutMs = 30_000, maxBytes = 16 * 1024 * 1024 } = options;
  const api = new EngineApi({ endpoint: { kind: 'unix', path }, ledger, clock, timeoutMs, maxBytes });
  return { api, ledger };
}
