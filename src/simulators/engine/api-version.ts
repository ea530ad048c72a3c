import type { EngineProfile } from './profile.js';

/** Compares API versions such as 1.9 and 1.41. Negative: a is the older one. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Why a version cannot be used; undefined when it can (moby: api/server/middleware/version.go). */
export function versionProblem(version: string, profile: EngineProfile): string | undefined {
  if (compareVersions(version, profile.minApiVersion) < 0) {
    return `client version ${version} is too old. Minimum supported API version is ${profile.minApiVersion}, please upgrade your client to a newer version`;
  }
  if (compareVersions(version, profile.apiVersion) > 0) {
    return `client version ${version} is too new. Maximum supported API version is ${profile.apiVersion}`;
  }
  return undefined;
}

/** Before API 1.24 errors are plain text (moby: api/server/server.go, makeHTTPHandler). */
export function errorsArePlain(version: string | undefined): boolean {
  return version !== undefined && compareVersions(version, '1.24') < 0;
}
