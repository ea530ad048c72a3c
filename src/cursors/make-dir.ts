import { dirname } from 'node:path';
import type { CursorFs } from './cursor-fs.js';
import { errnoOf } from './state-error.js';

/**
 * Makes a directory and those above it (0700 each), each one durable before anything is put into it: an fsync of
 * a file does not keep the directories that lead to it. Throws errors of node:fs.
 */
export async function makeDirs(fs: CursorFs, path: string): Promise<void> {
  const parent = dirname(path);
  try {
    await fs.makeDir(path);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    if (errnoOf(error) !== 'ENOENT' || parent === path) throw error;
    await makeDirs(fs, parent);
    await fs.makeDir(path);
  }
  await fs.syncDir(parent);
}
