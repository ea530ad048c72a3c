import { isIP } from 'node:net';
import { PollardError } from '../model/errors.js';

/** What TLS needs, as the bytes of PEM files. Nothing set: the system's authorities, no client certificate. */
export interface TlsMaterial {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** The name the Engine's certificate must carry, when it is not the host's. */
  readonly servername?: string;
}

/** Where the Engine listens. */
export type EngineEndpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls?: TlsMaterial };

const DEFAULT_SOCKET = '/var/run/docker.sock';
/** The Engine's well-known ports (IANA: docker, docker-s); of http and https those of HTTP. */
const PORTS = { plain: 2375, tls: 2376, http: 80, https: 443 };
/** sockaddr_un holds 108 bytes, one of them the terminating NUL (unix(7)). */
const MAX_SOCKET_PATH = 107;

/**
 * Reads an address as `DOCKER_HOST` has it: `unix:///path`, `tcp://host[:port]`, `http://…`, `https://…`.
 * Default ports are 2375, with TLS 2376, and 80 and 443 of http and https.
 *
 * @param tls given: `tcp://` is spoken with TLS
 * @throws PollardError `docker_host_invalid`, naming docker.host
 */
export function parseEndpoint(address: string, tls?: TlsMaterial): EngineEndpoint {
  const [, scheme, rest] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.*)$/s.exec(address) ?? [];
  if (scheme === undefined || rest === undefined) {
    throw invalid(
      address,
      'it has no scheme',
      address.startsWith('/')
        ? `write unix://${address}`
        : 'write unix:///var/run/docker.sock or tcp://host:2376',
    );
  }
  switch (scheme.toLowerCase()) {
    case 'unix':
      return unixEndpoint(address, rest);
    case 'tcp':
      return tcpEndpoint(address, rest, tls ? PORTS.tls : PORTS.plain, tls);
    case 'http':
      if (tls)
        throw invalid(address, 'http is not encrypted, but TLS files are set', 'write https:// or tcp://');
      return tcpEndpoint(address, rest, PORTS.http, undefined);
    case 'https':
      return tcpEndpoint(address, rest, PORTS.https, tls ?? {});
    case 'ssh':
      throw invalid(
        address,
        'ssh is not supported',
        'forward the socket (ssh -L /run/engine.sock:/var/run/docker.sock host) and use unix:///run/engine.sock',
      );
    case 'npipe':
      throw invalid(address, 'named pipes of Windows are not supported', 'use tcp:// with TLS');
    case 'fd':
      throw invalid(
        address,
        'fd:// is for the daemon itself',
        'use the unix:// socket that systemd hands to it',
      );
    default:
      throw invalid(address, `the scheme ${scheme} is not known`, 'use unix://, tcp://, http:// or https://');
  }
}

/** The address as it is shown to people. */
export function endpointText(endpoint: EngineEndpoint): string {
  if (endpoint.kind === 'unix') return `unix://${endpoint.path}`;
  return `${endpoint.tls ? 'https' : 'tcp'}://${authority(endpoint)}`;
}

/** What the HTTP client takes for its origin. Of a Unix socket the host is only a name for the Host header. */
export function endpointOrigin(endpoint: EngineEndpoint): string {
  if (endpoint.kind === 'unix') return 'http://localhost';
  return `${endpoint.tls ? 'https' : 'http'}://${authority(endpoint)}`;
}

function authority({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

function unixEndpoint(address: string, rest: string): EngineEndpoint {
  const path = rest === '' ? DEFAULT_SOCKET : rest;
  if (!path.startsWith('/')) throw invalid(address, 'the path is not absolute', `write unix:///${path}`);
  if (path.includes('\0')) throw invalid(address, 'the path has a NUL byte in it', 'correct the path');
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) {
    throw invalid(
      address,
      `the path is longer than ${MAX_SOCKET_PATH} bytes`,
      'link the socket under a shorter path',
    );
  }
  return { kind: 'unix', path };
}

function tcpEndpoint(
  address: string,
  rest: string,
  defaultPort: number,
  tls: TlsMaterial | undefined,
): EngineEndpoint {
  // http, whose default port URL drops and which is put back here, knows the parts of every such address.
  const url = URL.canParse(`http://${rest}`) ? new URL(`http://${rest}`) : undefined;
  if (url === undefined || url.hostname === '') {
    throw invalid(address, 'it has no host, or a bad one', 'write tcp://host:port');
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(hidePassword(address), 'the Engine knows no users', 'use client certificates (docker.tls)');
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw invalid(address, 'there is something behind host and port', 'write only host and port');
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = writtenPort(rest) ?? defaultPort;
  if (port === 0) throw invalid(address, 'the port is 0', 'write the port of the Engine, such as 2376');
  return { kind: 'tcp', host, port, ...(tls ? { tls } : {}) };
}

function writtenPort(rest: string): number | undefined {
  const port = /:(\d+)\/?$/.exec(rest)?.[1];
  return port === undefined ? undefined : Number(port);
}

function hidePassword(address: string): string {
  return address.replace(/\/\/[^@]*@/, '//***@');
}

function invalid(address: string, problem: string, hint: string): PollardError {
  const shown = JSON.stringify(address.slice(0, 200));
  return new PollardError('docker_host_invalid', `docker.host ${shown} cannot be used: ${problem}`, {
    setting: 'docker.host',
    hint,
    exit: 'usage',
  });
}
