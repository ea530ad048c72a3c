/** What a directory is mounted from. */
export interface StateMount {
  readonly point: string;
  /** Which directory of the mounted file system stands there. */
  readonly root: string;
  /** ext4, overlay, tmpfs, … */
  readonly type: string;
}

/**
 * Finds the mount that a path lies on, in the text of `/proc/self/mountinfo` (proc_pid_mountinfo(5)): the longest
 * mount point above it, and of equal ones the last, which covers the others.
 */
export function mountOf(mountInfo: string, path: string): StateMount | undefined {
  let found: StateMount | undefined;
  for (const line of mountInfo.split('\n')) {
    const mount = parseLine(line);
    if (mount === undefined || !isAbove(mount.point, path)) continue;
    if (found === undefined || mount.point.length >= found.point.length) found = mount;
  }
  return found;
}

/** `36 35 98:0 /root /point options optional… - type source options` */
function parseLine(line: string): StateMount | undefined {
  const fields = line.split(' ');
  const separator = fields.indexOf('-', 6);
  const [root, point] = [fields[3], fields[4]];
  const type = separator < 0 ? undefined : fields[separator + 1];
  if (root === undefined || point === undefined || type === undefined) return undefined;
  return { root: unescape(root), point: unescape(point), type };
}

function isAbove(point: string, path: string): boolean {
  return point === '/' || path === point || path.startsWith(`${point}/`);
}

/** Blanks and backslashes are octal there. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
