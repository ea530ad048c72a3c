import { readFileSync } from 'node:fs';

/** The version in package.json, which is beside `src` and beside `dist`. */
export const version: string = readVersion();

function readVersion(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version: found } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (name === 'pollard' && found !== undefined) return found;
    } catch {
      // Not there.
    }
  }
  return 'unknown';
}
