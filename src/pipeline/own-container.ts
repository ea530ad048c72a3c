/** What this process can read of where it runs; empty texts where a file is missing. */
export interface OwnTraces {
  /** /proc/self/cgroup */
  readonly cgroup: string;
  /** /proc/self/mountinfo */
  readonly mountinfo: string;
  readonly hostname: string;
}

/** `docker/<id>`, `docker-<id>.scope`, `libpod-<id>.scope`, `cri-containerd-<id>.scope` and below. */
const CGROUP_PART = /^(?:[a-z-]+-)?([0-9a-f]{64})(?:\.scope)?$/;
/** The Engine binds these three files of a container's folder into it. */
const BOUND_FILE = /(?:^|\/)containers\/([0-9a-f]{64})\/(hostname|hosts|resolv\.conf)$/;
/** The Engine's default host name is the short id. */
const SHORT_ID = /^[0-9a-f]{12}$/;

/**
 * The id of the container that this process runs in, as 64 digits or as the first 12; undefined when there is
 * none to be seen.
 *
 * The cgroup (proc_pid_cgroup, cgroups(7)) is asked first, for it is always the own one; in a cgroup namespace of
 * its own, the default with cgroup v2, it shows only `/`. Then the files that the Engine binds over /etc/hosts
 * and its like (mountinfo, proc_pid_mountinfo(5)), where another container's folder mounted elsewhere is no sign.
 * A container that joins the network of another (`network_mode: container:`) has that one's files and host name:
 * there only the cgroup tells the truth.
 */
export function ownContainerId(traces: OwnTraces): string | undefined {
  return fromCgroup(traces.cgroup) ?? fromMountinfo(traces.mountinfo) ?? fromHostname(traces.hostname);
}

function fromCgroup(text: string): string | undefined {
  for (const line of text.split('\n')) {
    // hierarchy:controllers:path
    const path = line.split(':').slice(2).join(':');
    // The innermost: an Engine may itself run in a container of another.
    const id = path
      .split('/')
      .reverse()
      .map((part) => CGROUP_PART.exec(part)?.[1])
      .find((found) => found !== undefined);
    if (id !== undefined) return id;
  }
  return undefined;
}

function fromMountinfo(text: string): string | undefined {
  for (const line of text.split('\n')) {
    // id parent major:minor root mount-point options ...
    const [, , , root = '', mountPoint = ''] = line.split(' ');
    const bound = BOUND_FILE.exec(root);
    if (bound !== null && mountPoint === `/etc/${bound[2] as string}`) return bound[1];
  }
  return undefined;
}

function fromHostname(text: string): string | undefined {
  const name = text.trim();
  return SHORT_ID.test(name) ? name : undefined;
}
