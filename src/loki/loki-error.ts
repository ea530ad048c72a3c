import { PollardError, type ErrorDetails } from '../model/errors.js';

/** A setting of Loki's that cannot work: told at start. */
export class LokiSettingError extends PollardError {
  override name = 'LokiSettingError';
  constructor(setting: string, problem: string, hint: string, cause?: unknown) {
    super('loki_setting_invalid', `${setting}: ${problem}`, { setting, hint, exit: 'usage', cause });
  }
}

export type LokiRequestErrorCode =
  /** No connection, or it broke. */
  | 'loki_unreachable'
  /** No answer in time. */
  | 'loki_timeout'
  /** Certificates: theirs or ours. */
  | 'loki_tls'
  /** What listens there is no HTTP server. */
  | 'loki_not_http'
  /** The proxy refuses us. */
  | 'loki_proxy'
  /** An answer larger than any that was asked for. */
  | 'loki_answer_too_large';

/** A request to Loki that ended without an answer. Never holds a secret. */
export class LokiRequestError extends PollardError {
  override name = 'LokiRequestError';
  declare readonly code: LokiRequestErrorCode;
  constructor(code: LokiRequestErrorCode, message: string, details: ErrorDetails = {}) {
    super(code, message, { exit: 'loki', ...details });
  }
}

/** A push was given up because its signal aborted; nothing of it counts as stored. */
export class PushAborted extends PollardError {
  override name = 'PushAborted';
  constructor(container: string, cause: unknown) {
    super('push_aborted', `the push of ${container} was given up: Pollard is being stopped`, {
      container,
      hint: 'nothing is lost: what was not acknowledged is read again at the next start',
      exit: 'loki',
      cause,
    });
  }
}

/** Loki refuses lines as too new for now. They are to be sent again later; nothing of their batch counts as settled. */
export class LinesTooNew extends PollardError {
  override name = 'LinesTooNew';
  /** ms until they are worth another try. */
  readonly retryMs: number;
  /** What follows them in the log is hardly older, so that it need not be sent now. */
  readonly isAllThatFollows: boolean;

  /** @param skew which clock is wrong, and by how much */
  constructor(
    container: string,
    skew: string,
    { retryMs, isAllThatFollows }: { readonly retryMs: number; readonly isAllThatFollows: boolean },
  ) {
    super('lines_too_new', `Loki refuses lines of ${container} as too new: ${skew}`, {
      container,
      setting: 'loki.too_new_patience',
      hint: 'set the clocks right; the lines wait in the log of the container for up to loki.too_new_patience',
      exit: 'partial',
    });
    this.retryMs = retryMs;
    this.isAllThatFollows = isAllThatFollows;
  }
}

/** A push was given up after `loki.backoff.max_retries`; nothing of it counts as stored. */
export class PushFailed extends PollardError {
  override name = 'PushFailed';
  constructor(container: string, tries: number, reason: string, hint: string, setting?: string) {
    super('push_failed', `Loki did not take the lines of ${container} in ${tries} tries: ${reason}`, {
      container,
      hint,
      exit: 'loki',
      ...(setting === undefined ? {} : { setting }),
    });
  }
}
