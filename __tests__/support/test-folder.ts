import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs with an empty folder of its own, which is removed afterwards. @param kind a part of the folder's name */
export async function withFolder<T>(kind: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), `pollard-${kind}-`));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
