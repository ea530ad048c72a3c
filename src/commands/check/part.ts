import { PollardError } from '../../model/errors.js';
import type { ExitCodeName } from '../../model/exit-codes.js';

/** What is tried out, in the order in which it is shown. */
export type PartName = 'configuration' | 'engine' | 'loki' | 'state' | 'status' | 'containers';

/** Something that is not as it should be, and what to do next. */
export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly setting: string | undefined;
}

/** What keeps the service from its work. */
export interface Failure extends Trouble {
  /** How the command ends by it. */
  readonly exit: ExitCodeName;
}

/** How one part stands. */
export interface Part {
  readonly name: PartName;
  /** What was found, in one line. */
  readonly summary: string;
  readonly failure: Failure | undefined;
  /** The service runs all the same. */
  readonly warnings: readonly Trouble[];
  /** The same for programs. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface PartDetails {
  readonly warnings?: readonly Trouble[];
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** A part that is as it must be. */
export function goodPart(name: PartName, summary: string, details: PartDetails = {}): Part {
  return { name, summary, failure: undefined, warnings: details.warnings ?? [], facts: details.facts ?? {} };
}

/**
 * A part that is not.
 *
 * @param error rethrown unless it is one that Pollard throws on purpose
 * @param setting the one to look at where the error names none
 */
export function failedPart(
  name: PartName,
  error: unknown,
  setting: string | undefined,
  details: PartDetails = {},
): Part {
  const failure = failureOf(error, setting);
  return { ...goodPart(name, failure.message, details), failure };
}

/** @throws the error itself unless it is one that Pollard throws on purpose */
export function failureOf(error: unknown, setting?: string): Failure {
  if (!(error instanceof PollardError)) throw error;
  const { code, message, hint, exit } = error;
  return { code, message, hint, exit, setting: error.setting ?? setting };
}

export function warning(code: string, message: string, hint?: string, setting?: string): Trouble {
  return { code, message, hint, setting };
}
