import { constants } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import type { CursorFile, CursorFs } from './cursor-fs.js';

const READ_BYTES = 64 * 1024;

/** The machine's file system. */
export const nodeFs: CursorFs = {
  makeDir: async (path) => {
    await mkdir(path, { mode: 0o700 });
  },
  makePrivate: (path) => chmod(path, 0o700),
  list: (path) => readdir(path),
  read,
  create: async (path) => {
    const { O_CREAT, O_TRUNC, O_WRONLY, O_NOFOLLOW } = constants;
    return openFile(await open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600));
  },
  rename: (from, to) => rename(from, to),
  remove: (path) => rm(path),
  syncDir,
};

function openFile(file: FileHandle): CursorFile {
  return {
    write: async (bytes) => (await file.write(bytes)).bytesWritten,
    sync: () => file.sync(),
    close: () => file.close(),
  };
}

async function read(path: string, maxBytes: number): Promise<Uint8Array> {
  // Not blocking: a named pipe of that name would hold up the start for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const pieces: Buffer[] = [];
    let total = 0;
    while (total < maxBytes) {
      const piece = Buffer.allocUnsafe(Math.min(READ_BYTES, maxBytes - total));
      const { bytesRead } = await file.read(piece, 0, piece.length, null);
      if (bytesRead === 0) break;
      pieces.push(piece.subarray(0, bytesRead));
      total += bytesRead;
    }
    return Buffer.concat(pieces);
  } finally {
    await file.close();
  }
}

/** Some file systems cannot sync a directory and say so; nothing more can be done there. */
const CANNOT_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

async function syncDir(path: string): Promise<void> {
  const dir = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await dir.sync();
  } catch (error) {
    if (!CANNOT_SYNC.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await dir.close();
  }
}
