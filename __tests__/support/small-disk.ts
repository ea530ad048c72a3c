import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A file system of its own that has room for so much, mounted while `use` runs. As the tests with real Engines, it
 * takes root.
 *
 * @param kib KiB, in whole pages of 4
 */
export async function withSmallDisk(kib: number, use: (path: string) => Promise<void>): Promise<void> {
  const disk = mkdtempSync(join(tmpdir(), 'pollard-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k,mode=755`, 'tmpfs', disk], { stdio: 'pipe' });
  try {
    await use(disk);
  } finally {
    execFileSync('umount', [disk], { stdio: 'pipe' });
    rmSync(disk, { recursive: true });
  }
}
