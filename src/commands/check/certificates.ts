import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { NS_PER_MS, type Nanoseconds } from '../../model/nanoseconds.js';
import { formatInstant } from '../view/times.js';
import { warning, type Trouble } from './part.js';

/** Where to look at a server's certificate. */
export interface TlsPeer {
  readonly host: string;
  readonly port: number;
  /** The name asked for, when it is not the host. */
  readonly servername: string | undefined;
  /** Ours, in PEM form, for a server that asks. */
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  /** Whose certificate it is, for people. */
  readonly owner: string;
  /** Where its address is set. */
  readonly setting: string;
}

const MS_PER_DAY = 86_400_000;
/** A certificate that ends sooner is told. */
export const SOON_DAYS = 14;
const TIMEOUT_MS = 10_000;

/**
 * Connects to a server with TLS and looks when its certificates end, those of its authorities included, whoever they
 * are: whether they are trusted is for the request itself to tell. Without an answer there is nothing to tell.
 */
export async function peerCertificates(
  peer: TlsPeer,
  now: Nanoseconds,
  signal: AbortSignal,
): Promise<Trouble[]> {
  const chain = await chainOf(peer, signal);
  return chain.flatMap(({ subject, validTo }, depth) => {
    const whose = depth === 0 ? `the certificate of ${peer.owner}` : `the authority of ${peer.owner}`;
    const name = subject === '' ? '' : ` (${subject})`;
    return expiry(`${whose}${name}`, validTo, now, `renew it there`, peer.setting);
  });
}

/**
 * When the certificates in a PEM file of ours end.
 *
 * @param pem what is in the file; undefined: there is none
 */
export function fileCertificates(
  setting: string,
  path: string | undefined,
  pem: Buffer | string | undefined,
  now: Nanoseconds,
): Trouble[] {
  if (pem === undefined) return [];
  const { validTo } = new X509Certificate(pem);
  return expiry(`our certificate ${path ?? ''}`.trim(), new Date(validTo), now, 'renew it', setting);
}

function expiry(what: string, validTo: Date, now: Nanoseconds, hint: string, setting: string): Trouble[] {
  const nowMs = Number(now / NS_PER_MS);
  const left = (validTo.getTime() - nowMs) / MS_PER_DAY;
  // NaN: a date that Node cannot read is no reason to alarm anybody.
  if (!(left < SOON_DAYS)) return [];
  const at = formatInstant(BigInt(validTo.getTime()) * NS_PER_MS);
  if (left < 0) {
    return [
      warning('certificate_expired', `${what} has expired on ${at}, ${days(-left)} ago`, hint, setting),
    ];
  }
  return [warning('certificate_expires', `${what} expires on ${at}, in ${days(left)}`, hint, setting)];
}

function days(count: number): string {
  const whole = Math.floor(count);
  if (whole === 0) return 'less than a day';
  return `${whole} ${whole === 1 ? 'day' : 'days'}`;
}

interface Seen {
  readonly subject: string;
  readonly validTo: Date;
}

async function chainOf(peer: TlsPeer, signal: AbortSignal): Promise<Seen[]> {
  const { host, port, cert, key } = peer;
  const servername = peer.servername ?? (isIP(host) === 0 ? host : undefined);
  const socket = connect({
    host,
    port,
    // Looked at, not trusted: nothing is sent.
    rejectUnauthorized: false,
    ...(servername === undefined ? {} : { servername }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  });
  const end = (): void => {
    socket.destroy();
  };
  signal.addEventListener('abort', end);
  const timer = setTimeout(end, TIMEOUT_MS);
  try {
    return await new Promise<Seen[]>((resolve) => {
      socket.once('secureConnect', () => resolve(seen(socket)));
      socket.once('close', () => resolve([]));
      socket.on('error', () => resolve([]));
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    socket.destroy();
  }
}

function seen(socket: TLSSocket): Seen[] {
  const chain: Seen[] = [];
  const known = new Set<string>();
  let at = present(socket.getPeerCertificate(true));
  // A root is its own issuer.
  while (at !== undefined && !known.has(at.fingerprint256)) {
    known.add(at.fingerprint256);
    chain.push({ subject: first(at.subject.CN), validTo: new Date(at.valid_to) });
    at = present(at.issuerCertificate);
  }
  return chain;
}

/** Without a certificate it is an object with nothing in it; without its issuer, undefined. */
function present(certificate: DetailedPeerCertificate | undefined): DetailedPeerCertificate | undefined {
  return certificate !== undefined && Object.keys(certificate).length > 0 ? certificate : undefined;
}

/** Types say a text; a certificate with several names of one kind has a list. */
function first(name: string | readonly string[] | undefined): string {
  return (typeof name === 'string' ? name : name?.[0]) ?? '';
}
