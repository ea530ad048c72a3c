/** The exit codes of every command, documented in README.md ("Exit codes"). */
export const ExitCode = {
  ok: 0,
  /** A fault of ours or one that no other code names. */
  failure: 1,
  /** Bad flags, or a configuration that is refused. */
  usage: 2,
  /** The Engine cannot be reached or is refused to us. */
  engine: 3,
  /** Loki cannot be reached or refuses us as a whole. */
  loki: 4,
  /** Another process owns the cursor directory. */
  locked: 5,
  /** Some containers could not be read, some pushes did not get through, or some lines were refused; the rest was delivered. */
  partial: 6,
  /** `verify`: lines are missing in Loki. `demo`: the reconciliation does not hold. */
  mismatch: 7,
  /** The state directory cannot be written (permission, full disk). */
  state: 8,
  /** Interrupted by a second signal. */
  interrupted: 130,
} as const;

export type ExitCodeName = keyof typeof ExitCode;
