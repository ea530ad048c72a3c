import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Linux reports processor time to programs in this unit on every architecture (USER_HZ, man 7 time). */
const TICKS_PER_SECOND = 100;

/** Seconds of processor time, user and system, of a running process; steps of 10 ms (man 5 proc_pid_stat). */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory of a running process, bytes. */
export function rssOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

export interface OpenFiles {
  readonly fds: number;
  /** Of those, the sockets. */
  readonly sockets: number;
}

/** What a running process has open. */
export function openFilesOf(pid: number): OpenFiles {
  const folder = `/proc/${pid}/fd`;
  const names = readdirSync(folder);
  let sockets = 0;
  for (const name of names) {
    try {
      if (readlinkSync(`${folder}/${name}`).startsWith('socket:')) sockets++;
    } catch {
      // Closed meanwhile.
    }
  }
  return { fds: names.length, sockets };
}

/** The descriptors of standard input, output and error: pipes to whoever started it, which are unix sockets, too. */
const STANDARD = 2;

/**
 * Unix sockets that a running process has connected (man 5 proc_net, `/proc/net/unix`: state 3). Its own ends: those
 * of the other side close when that gets round to it.
 */
export function connectedUnixSocketsOf(pid: number): number {
  const connected = new Set<string>();
  for (const line of readFileSync('/proc/net/unix', 'latin1').split('\n')) {
    const [, , , , , state, inode] = line.trim().split(/\s+/);
    if (state === '03' && inode !== undefined) connected.add(`socket:[${inode}]`);
  }
  const folder = `/proc/${pid}/fd`;
  let sockets = 0;
  for (const name of readdirSync(folder)) {
    if (Number(name) <= STANDARD) continue;
    try {
      if (connected.has(readlinkSync(`${folder}/${name}`))) sockets++;
    } catch {
      // Closed meanwhile.
    }
  }
  return sockets;
}
