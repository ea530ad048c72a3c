import type { ExitCodeName } from './exit-codes.js';

export interface ErrorDetails {
  /** What the operator can do next, one sentence. */
  hint?: string;
  /** The configuration key at fault, as a path: `loki.url`. */
  setting?: string;
  /** The name of the container concerned. */
  container?: string;
  /** How a command that fails with this ends. */
  exit?: ExitCodeName;
  cause?: unknown;
}

/**
 * Every error that Pollard throws on purpose. `code` is stable (for logs, metrics, tests); the message names
 * the setting or the container; `hint` says what to do next.
 */
export class PollardError extends Error {
  override name = 'PollardError';
  readonly code: string;
  readonly hint: string | undefined;
  readonly setting: string | undefined;
  readonly container: string | undefined;
  readonly exit: ExitCodeName;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.setting = details.setting;
    this.container = details.container;
    this.exit = details.exit ?? 'failure';
  }
}
