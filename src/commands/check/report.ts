import { ExitCode } from '../../model/exit-codes.js';
import type { CheckedContainer } from './containers.js';
import type { Part, PartName } from './part.js';

/** What `pollard check` found. */
export interface CheckReport {
  /** In the order in which they are shown. */
  readonly parts: readonly Part[];
  /** What could not be tried, because what it needs has failed. */
  readonly skipped: readonly PartName[];
  readonly containers: readonly CheckedContainer[];
}

/** That of the first part that has failed. */
export function exitCodeOf({ parts }: CheckReport): number {
  const failure = parts.find((part) => part.failure !== undefined)?.failure;
  return failure === undefined ? ExitCode.ok : ExitCode[failure.exit];
}
