import { statSync } from 'node:fs';
import type { Nanoseconds } from '../../model/nanoseconds.js';

/**
 * Since when a state directory watches the Engine: containers born later are read from their beginning, also those
 * born while no process ran. The lock file is made at the first start and never removed; where there is none yet, or
 * the file system does not tell its age, it is now that counts.
 *
 * @param lockPath of the lock file
 */
export function watchedSince(lockPath: string, now: Nanoseconds): Nanoseconds {
  const born = statSync(lockPath, { bigint: true, throwIfNoEntry: false })?.birthtimeNs ?? 0n;
  return born > 0n && born < now ? born : now;
}
