import { PollardError } from '../model/errors.js';
import { ExitCode } from '../model/exit-codes.js';
import { secretMask } from '../observe/secret-mask.js';
import type { Output } from './output.js';

/**
 * Prints what ended a command, and what to do next.
 *
 * @returns the exit code
 */
export function printError(error: unknown, stream: Output['err']): number {
  // The configuration may not be known here; what looks like a secret is masked all the same.
  const mask = secretMask([]);
  if (error instanceof PollardError) {
    const hint = error.hint === undefined ? '' : `\n  -> ${error.hint}`;
    stream.write(mask(`pollard: ${error.message}${hint}\n`));
    return ExitCode[error.exit];
  }
  const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
  stream.write(mask(`pollard: a fault of Pollard itself, please report it:\n${shown}\n`));
  return ExitCode.failure;
}
