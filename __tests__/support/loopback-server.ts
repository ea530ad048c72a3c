import { createServer as createHttp, type RequestListener, type Server as HttpServer } from 'node:http';
import { connect, createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net';

/** A server of a test's own on a free port of 127.0.0.1. */
export interface LoopbackServer {
  readonly port: number;
  /** Connections so far. */
  readonly connections: () => number;
  /** Those that are open. */
  readonly open: () => number;
  readonly close: () => Promise<void>;
}

/** Servers that are closed together, with all their connections, when a test is over. */
export class LoopbackServers {
  readonly #closers: (() => Promise<void>)[] = [];

  http(listener: RequestListener): Promise<LoopbackServer> {
    return this.listen(createHttp(listener));
  }

  /** Hands over each connection as it is; what comes is read, so that its end is seen. */
  tcp(connected: (socket: Socket) => void): Promise<LoopbackServer> {
    return this.listen(
      createTcp((socket) => {
        connected(socket);
        socket.resume();
      }),
    );
  }

  async listen(server: Server): Promise<LoopbackServer> {
    const sockets = new Set<Socket>();
    let connections = 0;
    server.on('connection', (socket) => {
      connections++;
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const close = async (): Promise<void> => {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    };
    this.#closers.push(close);
    const { port } = server.address() as AddressInfo;
    return { port, connections: () => connections, open: () => sockets.size, close };
  }

  async closeAll(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close();
  }
}

/** What a proxy was asked for. */
export interface ProxyRequest {
  readonly method: string;
  readonly target: string;
  readonly authorization: string | undefined;
}

/** What a proxy does: pass on, answer with a status, or never answer. */
export type ProxyBehaviour = 'pass' | 'hang' | number;

/** An HTTP proxy: requests for http:// are passed on, CONNECT opens a tunnel. */
export function proxyServer(asked: ProxyRequest[], behaviour: () => ProxyBehaviour): HttpServer {
  const note = (method: string | undefined, target: string | undefined, authorization: unknown): void => {
    asked.push({
      method: method ?? '',
      target: target ?? '',
      authorization: typeof authorization === 'string' ? authorization : undefined,
    });
  };
  const server = createHttp((request, response) => {
    note(request.method, request.url, request.headers['proxy-authorization']);
    const does = behaviour();
    if (does === 'hang') return;
    if (does !== 'pass') return void response.writeHead(does).end('<html>the proxy says no</html>');
    const { hostname, port, pathname } = new URL(request.url ?? '');
    const upstream = connect(Number(port), hostname, () => {
      const { 'content-type': type = '', host = '' } = request.headers;
      upstream.write(
        `POST ${pathname} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: ${type}\r\nconnection: close\r\n` +
          `content-length: ${request.headers['content-length'] ?? '0'}\r\n\r\n`,
      );
      request.pipe(upstream, { end: false });
      upstream.pipe(response.socket as Socket);
    });
    upstream.on('error', () => response.socket?.destroy());
  });
  server.on('connect', (request, socket: Socket) => {
    socket.on('error', () => undefined);
    note('CONNECT', request.url, request.headers['proxy-authorization']);
    const does = behaviour();
    if (does === 'hang') return;
    if (does !== 'pass') return void socket.end(`HTTP/1.1 ${does} No\r\n\r\n`);
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.once('close', () => upstream.destroy());
  });
  return server;
}
