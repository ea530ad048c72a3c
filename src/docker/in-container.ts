import { existsSync } from 'node:fs';

/** Files that only the Engine and Podman put into a container. */
const MARKS = ['/.dockerenv', '/run/.containerenv'];

/** Whether this process runs in a container. Where no mark is there, such as in Kubernetes, it is not known: false. */
export function runsInContainer(): boolean {
  return MARKS.some((path) => existsSync(path));
}
