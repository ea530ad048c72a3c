/** What `since` does with an older line behind one that is not older. */
export type SinceSemantics = 'filter' | 'seek';

/** The newest version whose answers are known to us (Engine 29.7; moby: api/docs/CHANGELOG.md). */
const NEWEST_KNOWN = '1.55';
/** The oldest one that is asked for: the minimum of Engines 25 to 28, spoken by all since Engine 1.12. */
export const OLDEST_USABLE = '1.24';
/** The first Engine that seeks (24). */
const FIRST_TO_SEEK = '1.43';
/** Spoken by the first Engine that goes on behind damage (27.4), and by those from 27.0 on. */
const FIRST_TO_GO_ON = '1.47';

const VERSION = /^\d{1,4}\.\d{1,4}$/;

export function isApiVersion(text: string): boolean {
  return VERSION.test(text);
}

/** Negative when `a` is older than `b`: 1.9 is older than 1.41. Both as isApiVersion wants them. */
export function compareApiVersions(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}

/**
 * The version to speak with an Engine: the newest known to both, or the Engine's oldest where that is newer.
 *
 * @param engineOldest where it is known
 * @returns undefined: the Engine is too old for us
 */
export function chooseApiVersion(engineNewest: string, engineOldest = OLDEST_USABLE): string | undefined {
  if (compareApiVersions(engineNewest, OLDEST_USABLE) < 0) return undefined;
  return older(engineNewest, newer(engineOldest, NEWEST_KNOWN));
}

/** Whether this version has answers that are not known to us. */
export function isNewerThanKnown(apiVersion: string): boolean {
  return compareApiVersions(apiVersion, NEWEST_KNOWN) > 0;
}

function older(a: string, b: string): string {
  return compareApiVersions(a, b) < 0 ? a : b;
}

function newer(a: string, b: string): string {
  return compareApiVersions(a, b) > 0 ? a : b;
}

/**
 * How this Engine understands `since` in logs. It is the Engine that decides and not the version spoken with it,
 * so this wants the newest version of the Engine. Up to Engine 23 (API 1.42) every older line is dropped; from 24
 * (API 1.43) the first line that is not older is looked for and all behind it delivered (moby:
 * daemon/logger/loggerutils/logfile.go).
 */
export function sinceSemantics(engineNewest: string): SinceSemantics {
  return compareApiVersions(engineNewest, FIRST_TO_SEEK) < 0 ? 'filter' : 'seek';
}

/**
 * Whether this Engine may pass over what stands behind a damaged record of a file, and go on with the next file without
 * a word: from 27.4 on (moby: daemon/logger/loggerutils/logfile.go, tailFiles).
 */
export function mayPassOverFiles(engineNewest: string): boolean {
  return compareApiVersions(engineNewest, FIRST_TO_GO_ON) >= 0;
}
