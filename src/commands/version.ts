import { readFileSync } from 'node:fs';

/** The version in package.json, which is two folders above this file, and above each file of `dist`. */
export const version: string = readVersion();

function readVersion(): string {
  try {
    const path = new URL('../../package.json', import.meta.url);
    const { name, version: found } = JSON.parse(readFileSync(path, 'utf8')) as {
      name?: string;
      version?: string;
    };
    return name === 'pollard' && found !== undefined ? found : 'unknown';
  } catch {
    return 'unknown';
  }
}
