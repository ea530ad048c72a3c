import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Client, type buildConnector } from 'undici';
import { endpointOrigin, type EngineEndpoint } from './endpoint.js';
import type { SocketLedger } from './socket-ledger.js';

export interface ConnectionOptions {
  readonly ledger: SocketLedger;
  /** The life of the request: when it aborts, the socket is destroyed, also one that still connects. */
  readonly signal?: AbortSignal;
  /** Told of the socket as soon as there is one. */
  readonly onSocket?: (socket: Socket) => void;
}

export interface OneShotClient {
  readonly client: Client;
  /** Gives up a connection that does not come about: a request that waits for it cannot be aborted. */
  giveUp(reason: unknown): void;
  /** Ends it, in whatever state it is; resolves when no socket of it is left. */
  end(): Promise<void>;
}

/** A client for one request on a connection of its own. */
export function openOneShot(
  endpoint: EngineEndpoint,
  options: Pick<ConnectionOptions, 'ledger'>,
): OneShotClient {
  const life = new AbortController();
  const closed: Promise<unknown>[] = [];
  const onSocket = (socket: Socket): void => {
    closed.push(new Promise((resolve) => socket.once('close', resolve)));
  };
  const client = openClient(endpoint, { ...options, signal: life.signal, onSocket });
  return {
    client,
    giveUp: (reason) => life.abort(reason),
    end: async () => {
      // Destroyed, not closed: the connection is not used again, whatever state it is in, also half connected.
      const destroyed = client.destroy();
      life.abort();
      await destroyed;
      await Promise.all(closed);
    },
  };
}

/** A client for one request. Destroy it when the request is over. */
function openClient(endpoint: EngineEndpoint, options: ConnectionOptions): Client {
  return new Client(endpointOrigin(endpoint), {
    connect: engineConnector(endpoint, options),
    pipelining: 1,
    // The deadline of the request covers these.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/**
 * How the HTTP client gets its socket. Not undici's own connector: that one lets a socket connect on, uncounted,
 * after its client was destroyed.
 */
export function engineConnector(
  endpoint: EngineEndpoint,
  options: ConnectionOptions,
): buildConnector.connector {
  return (_target, callback) => {
    const { ledger, signal, onSocket } = options;
    if (signal?.aborted) {
      callback(signal.reason as Error, null);
      return;
    }
    const socket = openSocket(endpoint);
    ledger.track(socket);
    onSocket?.(socket);
    const abort = (): void => {
      socket.destroy(signal?.reason as Error);
    };
    let settled = false;
    const settle = (error: Error | null): void => {
      if (settled) return;
      settled = true;
      if (error) callback(error, null);
      else callback(null, socket);
    };
    socket.once(endpoint.kind === 'tcp' && endpoint.tls ? 'secureConnect' : 'connect', () => settle(null));
    // Stays: an error behind the first must not end the process.
    socket.on('error', settle);
    signal?.addEventListener('abort', abort);
    socket.once('close', () => {
      signal?.removeEventListener('abort', abort);
    });
  };
}

/** Begins to connect; with TLS it is there at `secureConnect`. */
export function openSocket(endpoint: EngineEndpoint): Socket {
  if (endpoint.kind === 'unix') return connectTcp({ path: endpoint.path });
  const { host, port, tls } = endpoint;
  if (!tls) return connectTcp({ host, port, noDelay: true });
  const { ca, cert, key } = tls;
  // A name for SNI must not be an address (RFC 6066, 3); the certificate is then held against the host itself.
  const servername = tls.servername ?? (isIP(host) === 0 ? host : undefined);
  const socket = connectTls({
    host,
    port,
    ALPNProtocols: ['http/1.1'],
    ...(servername !== undefined ? { servername } : {}),
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
  });
  return socket.setNoDelay(true);
}
