/** From the gravest to the most talkative. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/**
 * What a message is about, by name. `container` (a name) and `error` (an Error) are known to the rate limit and
 * the printed form; anything else is printed as it is, secrets masked.
 */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Where every layer says what happens. The message is a fixed text, and all that varies goes into the fields:
 * equal texts about the same container are taken for the same message when messages are counted instead of
 * repeated.
 */
export interface Logger {
  /** Something is lost, or will be if nobody does anything. */
  error(message: string, fields?: LogFields): void;
  /** Something is wrong and may heal. */
  warn(message: string, fields?: LogFields): void;
  /** What an operator wants to read of a healthy service. */
  info(message: string, fields?: LogFields): void;
  /** Only for who looks for a fault. */
  debug(message: string, fields?: LogFields): void;
}
