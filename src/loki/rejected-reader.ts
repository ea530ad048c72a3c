import { readFile } from 'node:fs/promises';
import { olderRejectedFile, rejectedSummaryFile } from './rejected-paths.js';
import { RejectedSummary } from './rejected-summary.js';
import { readRejectedFile, unusable, type RejectedLines } from './rejected.js';

/**
 * Reads a rejected-lines file and the older one beside it, as readRejectedFile does. One that is moved there
 * meanwhile may be read twice, but not missed.
 *
 * @throws PollardError `rejected_file_unusable` while iterating, also when there is neither
 */
export function readRejectedLines(path: string): RejectedLines {
  const newer = readRejectedFile(path);
  const older = readRejectedFile(olderRejectedFile(path));
  return {
    get unreadable() {
      return newer.unreadable + older.unreadable;
    },
    async *[Symbol.asyncIterator]() {
      let missing: unknown;
      try {
        yield* newer;
      } catch (error) {
        if (!isMissing(error)) throw error;
        missing = error;
      }
      try {
        yield* older;
      } catch (error) {
        if (!isMissing(error)) throw error;
        if (missing !== undefined) throw missing as Error;
      }
    },
  };
}

/**
 * What is counted beside a rejected-lines file instead of being stored in it; empty when nothing is.
 *
 * @param path of the rejected-lines file
 * @throws PollardError `rejected_file_unusable`
 */
export async function readRejectedSummary(path: string): Promise<RejectedSummary> {
  const summaryPath = rejectedSummaryFile(path);
  try {
    return RejectedSummary.parse(await readFile(summaryPath, 'utf8'));
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    if (cause.code === 'ENOENT') return RejectedSummary.EMPTY;
    throw unusable(summaryPath, error);
  }
}

function isMissing(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}
