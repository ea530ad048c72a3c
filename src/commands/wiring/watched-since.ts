import { statSync } from 'node:fs';
import type { Nanoseconds } from '../../model/nanoseconds.js';

/**
 * Since when a state directory watches the Engine: containers born later are read from their beginning, also those
 * born while no process ran. The lock file is made at the first start and never removed; where there is none yet, or
 * its age cannot be told, it is now that counts.
 *
 * @param lockPath of the lock file
 */
export function watchedSince(lockPath: string, now: Nanoseconds): Nanoseconds {
  const born = birthOf(lockPath);
  return born > 0n && born < now ? born : now;
}

/** 0n: not to be had, such as for who only looks and may not. */
function birthOf(path: string): Nanoseconds {
  try {
    return statSync(path, { bigint: true }).birthtimeNs;
  } catch {
    return 0n;
  }
}
