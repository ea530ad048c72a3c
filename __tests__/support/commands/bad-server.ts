import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestCertificate } from '../certificates.js';

export interface BadAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Speaks TLS with this certificate. */
  readonly tls?: TestCertificate;
  /** A unix socket; default: a port of 127.0.0.1. */
  readonly socketPath?: string;
  /** Default: a free one. */
  readonly port?: number;
}

/** Runs beside a server that answers everything in one way; `url` is where it listens. */
export async function withBadServer(
  { status, headers = {}, body = '', tls, socketPath, port = 0 }: BadAnswer,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server: Server =
    tls === undefined ? createServer() : createTlsServer({ cert: tls.cert, key: tls.key });
  server.on('request', (request, response) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => {
    if (socketPath === undefined) server.listen(port, '127.0.0.1', resolve);
    else server.listen(socketPath, resolve);
  });
  const scheme = tls === undefined ? 'http' : 'https';
  const url =
    socketPath === undefined
      ? `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`
      : `unix://${socketPath}`;
  try {
    await use(url);
  } finally {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
}

/** What another web server says. */
export const PAGE: BadAnswer = {
  status: 404,
  headers: { 'content-type': 'text/html' },
  body: '<!doctype html><title>Not here</title><h1>Not here</h1>',
};

/** The ping of an Engine of 2015. */
export const OLD_ENGINE: BadAnswer = {
  status: 200,
  headers: { 'api-version': '1.20', server: 'Docker/1.8.3 (linux)' },
  body: 'OK',
};
