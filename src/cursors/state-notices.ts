import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { StateMount } from './mount-info.js';
import { mountOf } from './mount-info.js';

/** Something about the state directory that an operator should know at start. */
export interface StateNotice {
  readonly code:
    'state_not_on_a_volume' | 'state_on_anonymous_volume' | 'state_on_tmpfs' | 'state_writable_by_others';
  readonly message: string;
  readonly hint: string;
}

/** What the notices are judged by. */
export interface StateFacts {
  /** The state directory, links resolved. */
  readonly path: string;
  /** Permission bits of the state directory. */
  readonly mode: number;
  /** A file that only the Engine and Podman put into a container is there. */
  readonly containerMark: boolean;
  /** Where the directory is mounted from; undefined where the kernel does not tell. */
  readonly mount: StateMount | undefined;
  /** File system type of `/`. */
  readonly rootType: string | undefined;
}

/** Looks at the machine. An existing directory; never throws for what cannot be found out. */
export async function readStateFacts(stateDir: string): Promise<StateFacts> {
  const path = await realpath(stateDir).catch(() => stateDir);
  const mountInfo = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const marks = await Promise.all(['/.dockerenv', '/run/.containerenv'].map(exists));
  return {
    path,
    mode: await stat(path).then(
      (found) => found.mode & 0o777,
      () => 0o700,
    ),
    containerMark: marks.includes(true),
    mount: mountOf(mountInfo, path),
    rootType: mountOf(mountInfo, '/')?.type,
  };
}

/**
 * Warns of a state directory that does not outlive the container (or the machine's next start), the commonest
 * way to lose positions, and of one that others can write.
 */
export function stateNotices(facts: StateFacts): StateNotice[] {
  const { path, mount } = facts;
  const notices: StateNotice[] = [];
  const inContainer = facts.containerMark || facts.rootType === 'overlay';
  const volumeHint = `mount a named volume on ${dirname(path) === '/' ? path : dirname(path)} or on ${path}`;
  if (mount && inContainer && mount.point === '/') {
    notices.push({
      code: 'state_not_on_a_volume',
      message: `collector.state_dir (${path}) is inside the container's own file system: state would be lost when the container is replaced`,
      hint: volumeHint,
    });
  } else if (mount && inContainer && ANONYMOUS.test(mount.root)) {
    notices.push({
      code: 'state_on_anonymous_volume',
      message: `collector.state_dir (${path}) is on a volume without a name: state would be lost when the container is replaced`,
      hint: volumeHint,
    });
  } else if (mount && (mount.type === 'tmpfs' || mount.type === 'ramfs')) {
    notices.push({
      code: 'state_on_tmpfs',
      message: `collector.state_dir (${path}) is in memory: state would be lost at the next start of the machine or container`,
      hint: 'use a directory on a disk',
    });
  }
  if ((facts.mode & 0o022) !== 0) {
    notices.push({
      code: 'state_writable_by_others',
      message: `collector.state_dir (${path}) can be written by others (mode ${facts.mode.toString(8)})`,
      hint: `chmod go-w ${path}`,
    });
  }
  return notices;
}

/** What the Engine calls a volume that nobody named. */
const ANONYMOUS = /\/volumes\/[0-9a-f]{64}\/_data(?:\/|$)/;

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
