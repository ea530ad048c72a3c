import { printable } from '../config/shown.js';
import { PollardError } from '../model/errors.js';
import { ExitCode } from '../model/exit-codes.js';
import { secretMask } from '../observe/secret-mask.js';

/** Where a text goes. */
export interface TextSink {
  write(text: string): unknown;
}

/**
 * Prints what ended a command, what to do next, and the setting to look at.
 *
 * @param secrets those of the configuration, as far as it is known; what looks like one is masked all the same
 * @returns the exit code
 */
export function printError(error: unknown, stream: TextSink, secrets: readonly string[] = []): number {
  const mask = secretMask(secrets);
  if (error instanceof PollardError) {
    const next = nextStep(error);
    stream.write(mask(`pollard: ${shown(error.message)}${next === undefined ? '' : `\n  -> ${next}`}\n`));
    return exitCodeOfError(error);
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  stream.write(mask(`pollard: a fault of Pollard itself, please report it:\n${shown(text)}\n`));
  return exitCodeOfError(error);
}

/** The exit code of a command that ends with an error. */
export function exitCodeOfError(error: unknown): number {
  return error instanceof PollardError ? ExitCode[error.exit] : ExitCode.failure;
}

/** What to do next, with the setting to look at where the words do not name it; undefined: nothing is known. */
export function nextStep(trouble: {
  readonly message: string;
  readonly hint?: string | undefined;
  readonly setting?: string | undefined;
}): string | undefined {
  const { message, hint, setting } = trouble;
  if (setting === undefined || message.includes(setting) || hint?.includes(setting) === true) {
    return hint === undefined ? undefined : shown(hint);
  }
  return hint === undefined ? `look at ${setting}` : `${shown(hint)} (setting: ${setting})`;
}

/** What others wrote may be quoted in it, and must not steer the terminal. */
function shown(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
