import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls';
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
import { MAX_HEAD_BYTES } from './status-connection.js';
import { StatusConnections } from './status-connections.js';
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
  /** Connections that are open now. */
  connections(): number;
  /** Ends all connections at once; those that wait for a page that is being made, within half a second. */
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 500;

/**
 * Starts the status page.
 *
 * @throws PollardError with the setting at fault: `status_listen_invalid`, `status_port_in_use`,
 *   `status_listen_denied`, `status_listen_failed`, `status_tls_invalid`
 */
export async function startStatusServer(options: StatusServerOptions): Promise<StatusServer> {
  const { token, tls, sources, logger, clock } = options;
  const address = parseListenAddress(options.listen);
  const context = tls === undefined ? undefined : secureContext(tls);
  const life = new AbortController();
  const pages = statusPages({
    sources,
    logger,
    clock,
    life: life.signal,
    onSend: (response, bytes) => {
      if (connections.isClosing) response.setHeader('connection', 'close');
      connections.sends(response.req.socket, bytes);
    },
    ...(token === undefined ? {} : { authorized: bearerCheck(token) }),
  });
  // Never listens: it is given streams, each of which brings it one request at a time.
  const http: HttpServer = createHttpServer({ maxHeaderSize: MAX_HEAD_BYTES }, (request, response) => {
    const { socket } = request;
    response.once('finish', () => connections.sent(socket));
    pages(request, response);
  });
  const connections = new StatusConnections({ clock, serve: (stream) => http.emit('connection', stream) });
  const server = createServer(SOCKETS, (socket) => {
    // Of what is beneath TLS; that above it hears of it as well.
    socket.on('error', () => undefined);
    connections.add(context === undefined ? socket : tlsSocket(socket, context));
  });
  await listen(server, address);
  // Such as EMFILE while accepting: the page suffers, collecting does not.
  server.on('error', (error) => logger.warn('the status page has a fault', { error }));

  const warning = listenWarning(address, { token: token !== undefined, tls: tls !== undefined });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${formatListenAddress({ host: address.host, port })}`,
    warnings: warning === undefined ? [] : [warning],
    connections: () => connections.size,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      life.abort();
      await connections.close(CLOSE_GRACE_MS);
      await closed;
    },
  };
}

/**
 * Nothing is read ahead of what is looked at, not even drop by drop (highWaterMark). Who has sent the end of its
 * requests still gets the answers (allowHalfOpen).
 */
const SOCKETS = { allowHalfOpen: true, noDelay: true, highWaterMark: 1 };

function tlsSocket(socket: Socket, secureContext: SecureContext): Socket {
  const options = { isServer: true, secureContext, ALPNProtocols: ['http/1.1'], highWaterMark: 1 };
  return new TLSSocket(socket, options);
}

function secureContext(tls: NonNullable<StatusServerOptions['tls']>): SecureContext {
  try {
    return createSecureContext({ cert: tls.cert, key: tls.key });
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
