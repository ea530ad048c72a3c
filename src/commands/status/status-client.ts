import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Config } from '../../config/schema.js';
import { PollardError } from '../../model/errors.js';
import { formatListenAddress, parseListenAddress, type ListenAddress } from '../../observe/listen-address.js';
import { statusCertificate, statusToken } from '../wiring/status-access.js';

/** What a page of the running service says. */
export interface StatusAnswer {
  readonly status: number;
  readonly body: string;
  /** Where it was asked. */
  readonly url: string;
}

const TIMEOUT_MS = 5000;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Asks the running service for a page, at `status.listen` as the configuration has it, with its token. With TLS
 * only the certificate of `status.tls.cert_file` is taken, or one that the system trusts for the host: the token is
 * not told to strangers.
 *
 * @param path `/status`
 * @throws PollardError `status_unreachable`, `status_switched_off`, `status_port_unknown`, `status_certificate`,
 *   `status_file_unusable`
 */
export async function askStatusPage(config: Config, path: string): Promise<StatusAnswer> {
  if (!config.status.enabled) {
    throw new PollardError('status_switched_off', 'the status page is switched off (status.enabled)', {
      setting: 'status.enabled',
      hint: 'set status.enabled to true and restart the service',
      exit: 'usage',
    });
  }
  const address = reachable(parseListenAddress(config.status.listen));
  const token = await statusToken(config);
  const certificate = await statusCertificate(config);
  const scheme = certificate === undefined ? 'http' : 'https';
  const url = `${scheme}://${formatListenAddress(address)}`;
  const life = new AbortController();
  const timer = setTimeout(() => life.abort(), TIMEOUT_MS);
  try {
    const socket = await connected(address, certificate, url, life.signal);
    const answer = await get(socket, path, token, life.signal);
    return { ...answer, url };
  } catch (error) {
    if (error instanceof PollardError) throw error;
    throw unreachable(
      url,
      life.signal.aborted ? `no answer within ${TIMEOUT_MS / 1000} s` : reasonOf(error),
      error,
    );
  } finally {
    clearTimeout(timer);
    life.abort();
  }
}

/** An address that all of a machine's stand behind is asked on loopback. */
function reachable({ host, port }: ListenAddress): ListenAddress {
  if (port === 0) {
    throw new PollardError(
      'status_port_unknown',
      'status.listen has the port 0: the service takes any that is free',
      {
        setting: 'status.listen',
        hint: 'give it a port of its own, or --status-listen with the port that the log of the service names',
        exit: 'usage',
      },
    );
  }
  if (host === '0.0.0.0') return { host: '127.0.0.1', port };
  return /^[0:]+$/.test(host) && isIP(host) === 6 ? { host: '::1', port } : { host, port };
}

async function connected(
  { host, port }: ListenAddress,
  certificate: string | undefined,
  url: string,
  signal: AbortSignal,
): Promise<Socket> {
  const socket =
    certificate === undefined
      ? connectTcp({ host, port })
      : connectTls({
          host,
          port,
          rejectUnauthorized: false,
          ...(isIP(host) === 0 ? { servername: host } : {}),
        });
  signal.addEventListener('abort', () => socket.destroy());
  await once(socket, certificate === undefined ? 'connect' : 'secureConnect', { signal });
  // What comes later comes to the request.
  socket.on('error', () => undefined);
  if (certificate !== undefined && !isTheirs(socket as TLSSocket, certificate)) {
    throw new PollardError(
      'status_certificate',
      `${url} shows another certificate than status.tls.cert_file`,
      {
        setting: 'status.tls.cert_file',
        hint: 'was it renewed? the service shows the new one after a restart; else another process listens there',
      },
    );
  }
  return socket;
}

/** That of our own file, whatever its names are: we come by an address. */
function isTheirs(socket: TLSSocket, certificate: string): boolean {
  if (socket.authorized) return true;
  const shown = socket.getPeerX509Certificate();
  return shown !== undefined && shown.fingerprint256 === new X509Certificate(certificate).fingerprint256;
}

async function get(
  socket: Socket,
  path: string,
  token: string | undefined,
  signal: AbortSignal,
): Promise<Omit<StatusAnswer, 'url'>> {
  const options: RequestOptions = {
    path,
    createConnection: () => socket,
    headers: { host: 'localhost', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    signal,
  };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request(options, resolve).on('error', reject).end();
  });
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > MAX_BYTES) throw new Error(`it sends more than ${MAX_BYTES} bytes`);
    pieces.push(piece);
  }
  return { status: answer.statusCode ?? 0, body: Buffer.concat(pieces).toString('utf8') };
}

function unreachable(url: string, reason: string, cause: unknown): PollardError {
  return new PollardError('status_unreachable', `the service does not answer at ${url}: ${reason}`, {
    setting: 'status.listen',
    hint: 'is it running (systemctl status pollard), and with this status.listen?',
    cause,
  });
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`;
}
