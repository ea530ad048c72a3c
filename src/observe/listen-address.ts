import { BlockList, isIP } from 'node:net';
import { PollardError } from '../model/errors.js';

export interface ListenAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Reads `host:port`, `[ipv6]:port` or `:port` (the last one on loopback, not on all interfaces).
 *
 * @throws PollardError `status_listen_invalid`, naming the setting
 */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]*)):(\d{1,5})$/.exec(text.trim());
  const port = Number(match?.[3]);
  const badIpv6 = match?.[1] !== undefined && isIP(match[1]) !== 6;
  if (!match || badIpv6 || port > 65_535) {
    throw new PollardError(
      'status_listen_invalid',
      `status.listen is not an address: ${JSON.stringify(text)}`,
      {
        setting: 'status.listen',
        hint: 'Give host:port, such as 127.0.0.1:9473 or [::1]:9464.',
        exit: 'usage',
      },
    );
  }
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port };
}

/** `host:port`, an IPv6 address in brackets. */
export function formatListenAddress({ host, port }: ListenAddress): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/** Whether only this machine can connect there. A name other than localhost counts as not. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  const family = isIP(host);
  return family !== 0 && LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/** What an operator should know before the status page listens there; undefined when there is nothing to say. */
export function listenWarning(
  address: ListenAddress,
  guard: { readonly token: boolean; readonly tls: boolean },
): string | undefined {
  if (isLoopback(address.host) || (guard.token && guard.tls)) return undefined;
  const where = `status.listen (${formatListenAddress(address)}) can be reached from other machines`;
  if (!guard.token)
    return `${where}, and whoever reaches it can read the names and the state of all containers: set status.token_file, or listen on 127.0.0.1`;
  return `${where}, and the token travels there unencrypted: set status.tls, or listen on 127.0.0.1`;
}
