import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../model/clock.js';
import { PollardError } from '../model/errors.js';
import type { Logger } from '../model/logger.js';
import { bearerCheck } from './bearer-token.js';
import {
  formatListenAddress,
  isLoopback,
  listenWarning,
  parseListenAddress,
  type ListenAddress,
} from './listen-address.js';
import { statusPages, type StatusSources } from './status-pages.js';

export interface StatusServerOptions {
  /** `host:port` (`status.listen`). */
  readonly listen: string;
  /** A bearer token that every page asks for. */
  readonly token?: string;
  /** Certificate and key in PEM form. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer };
  readonly sources: StatusSources;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface StatusServer {
  /** Where it listens, with the port that it got. */
  readonly url: string;
  /** What the operator should be told, once. */
  readonly warnings: readonly string[];
  /** Lets answers under way end within a second, then closes all connections. */
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 1000;
const MOST_CONNECTIONS = 64;
/** A client that says nothing, or does not read its answer, is let go. All in ms. */
const BOUNDS = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 8192,
};
const HANDSHAKE_TIMEOUT = 5000;
const IDLE_TIMEOUT = 30_000;

/**
 * Starts the status page.
 *
 * @throws PollardError with the setting at fault: `status_listen_invalid`, `status_port_in_use`,
 *   `status_listen_denied`, `status_listen_failed`, `status_tls_invalid`
 */
export async function startStatusServer(options: StatusServerOptions): Promise<StatusServer> {
  const { token, tls, sources, logger, clock } = options;
  const address = parseListenAddress(options.listen);
  const pages = statusPages({
    sources,
    logger,
    ...(token === undefined ? {} : { authorized: bearerCheck(token) }),
  });

  const server = tls === undefined ? createServer(BOUNDS, pages) : tlsServer(tls, pages);
  server.maxConnections = MOST_CONNECTIONS;
  server.setTimeout(IDLE_TIMEOUT);
  // All of them, also those in the middle of a TLS handshake, which the server itself does not count.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await listen(server, address);
  // Such as EMFILE while accepting: the page suffers, collecting does not.
  server.on('error', (error) => logger.warn('the status page has a fault', { error }));

  const warning = listenWarning(address, { token: token !== undefined, tls: tls !== undefined });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${formatListenAddress({ host: address.host, port })}`,
    warnings: warning === undefined ? [] : [warning],
    close: () => closeServer(server, sockets, clock),
  };
}

function tlsServer(
  tls: NonNullable<StatusServerOptions['tls']>,
  pages: ReturnType<typeof statusPages>,
): Server {
  try {
    return createTlsServer({ ...BOUNDS, ...tls, handshakeTimeout: HANDSHAKE_TIMEOUT }, pages);
  } catch (error) {
    throw new PollardError('status_tls_invalid', 'the certificate or the key of status.tls cannot be used', {
      setting: 'status.tls',
      hint: 'Both must be PEM files, and the key must be the one of the certificate.',
      exit: 'usage',
      cause: error,
    });
  }
}

async function listen(server: Server, address: ListenAddress): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(address.port, address.host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, address);
  }
}

function listenError(error: NodeJS.ErrnoException, address: ListenAddress): PollardError {
  const where = formatListenAddress(address);
  const details = { setting: 'status.listen', exit: 'usage', cause: error } as const;
  switch (error.code) {
    case 'EADDRINUSE':
      return new PollardError('status_port_in_use', `status.listen: ${where} is in use by another process`, {
        ...details,
        hint: 'Is another Pollard running? Else choose another port.',
      });
    case 'EACCES':
      return new PollardError('status_listen_denied', `status.listen: no permission to listen on ${where}`, {
        ...details,
        hint: 'Ports below 1024 are for root: choose a higher one, such as 9473.',
      });
    default:
      return new PollardError('status_listen_failed', `status.listen: cannot listen on ${where}`, {
        ...details,
        hint: isLoopback(address.host)
          ? 'Is this address family switched off on this machine?'
          : 'The host must be an address of this machine.',
      });
  }
}

async function closeServer(server: Server, sockets: ReadonlySet<Socket>, clock: Clock): Promise<void> {
  const grace = new AbortController();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const late = clock.sleep(CLOSE_GRACE_MS, grace.signal).then(
    () => {
      for (const socket of sockets) socket.destroy();
    },
    () => undefined,
  );
  await closed;
  grace.abort();
  await late;
}
