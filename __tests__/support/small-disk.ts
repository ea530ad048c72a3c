import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A file system of its own that has room for so much, mounted while `use` runs. As the tests with real Engines, it
 * takes root.
 *
 * @param kib KiB, in whole pages of 4
 * @param inodes files and folders that it has room for, itself included; default: as many as one likes
 */
export async function withSmallDisk(
  kib: number,
  use: (path: string) => Promise<void>,
  inodes?: number,
): Promise<void> {
  const disk = mkdtempSync(join(tmpdir(), 'pollard-disk-'));
  const options = `size=${kib}k,mode=755${inodes === undefined ? '' : `,nr_inodes=${inodes}`}`;
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk], { stdio: 'pipe' });
  try {
    await use(disk);
  } finally {
    execFileSync('umount', [disk], { stdio: 'pipe' });
    rmSync(disk, { recursive: true });
  }
}
